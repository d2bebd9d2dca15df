package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/digest"
	"sluice/internal/logs"
)

// exitUnsound says that a file was changed, removed or added, or that this cannot
// be told.
const exitUnsound = 3

// verifyWorkers is how many log files are read from S3 at the same time. Each is
// some ten milliseconds away and takes one to hash.
const verifyWorkers = 16

// trail verifies CloudTrail's files.
func (c *verifyCommand) trail(ctx context.Context, a *app) (err error) {
	o, err := c.options()
	if err != nil {
		return err
	}
	src, keys, done, err := c.open(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	end := func() {}
	if a.stderr.redraws {
		bar := progressbar.NewOptions(-1, barOptions(a.stderr, progressbar.OptionSetPredictTime(false))...)
		o.Progress = func(digests, files int) {
			bar.Describe(fmt.Sprintf("%s, %s", amount.Of(int64(digests), "digest"), amount.Of(int64(files), "log file")))
			_ = bar.Add(1)
		}
		end = func() { _ = bar.Finish() }
	}
	r, err := digest.Verify(ctx, src, keys, o)
	end()
	if err != nil {
		return fmt.Errorf("verify %s: %w", c.Trail, err)
	}
	if len(r.Chains) == 0 {
		return coded{fmt.Errorf("there is no digest of CloudTrail below %s\nThey are below AWSLogs/ACCOUNT/CloudTrail-Digest/, where log file validation of the trail is on", c.Trail), exitUnknown}
	}
	if c.JSON {
		err = writeTrailJSON(a.stdout, r)
	} else {
		err = writeTrail(a.stdout, r)
	}
	if at, ok := strings.CutPrefix(c.Trail, "s3://"); ok {
		if bucket, _, _ := strings.Cut(at, "/"); bucket != r.Bucket && r.Bucket != "" {
			a.warn("CloudTrail delivered these files into %s, and %s has a copy of them", r.Bucket, bucket)
		}
	}
	if err == nil && !r.Sound() {
		err = exit(exitUnsound)
	}
	return err
}

func (c *verifyCommand) options() (digest.Options, error) {
	o := digest.Options{SkipLogs: c.DigestsOnly, Workers: verifyWorkers}
	s, err := spanOf(c.Since, c.Until)
	if err != nil {
		return o, err
	}
	if s.from != always.from {
		o.Since = s.from.Go()
	}
	if s.to != always.to {
		o.Until = logs.Time(int64(s.to) - 1).Go()
	}
	return o, nil
}

// open is where the files and the keys are.
func (c *verifyCommand) open(ctx context.Context, a *app) (digest.Source, digest.Keys, func() error, error) {
	var keys digest.Keys
	if c.Keys != "" {
		f, err := os.Open(c.Keys)
		if err != nil {
			return nil, nil, nil, err
		}
		defer f.Close()
		if keys, err = digest.ReadKeys(f); err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %w\naws cloudtrail list-public-keys --region REGION --start-time T --end-time T prints what it should hold", c.Keys, err)
		}
	}
	if at, ok := strings.CutPrefix(c.Trail, "s3://"); ok {
		bucket, prefix, _ := strings.Cut(at, "/")
		if bucket == "" {
			return nil, nil, nil, usage(fmt.Errorf("%q is no place in S3: write it like s3://bucket/prefix", c.Trail))
		}
		src, theirs, err := a.trail(ctx, bucket, prefix)
		if err != nil {
			return nil, nil, nil, err
		}
		if keys == nil {
			keys = theirs
		}
		return src, keys, func() error { return nil }, nil
	}
	src, err := digest.OpenCopy(c.Trail)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil, fmt.Errorf("there is no folder %s", c.Trail)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	if keys == nil {
		_, theirs, err := a.trail(ctx, "", "")
		if err != nil {
			return nil, nil, nil, errors.Join(err, src.Close())
		}
		keys = theirs
	}
	return src, keys, src.Close, nil
}

func writeTrailJSON(to screen, r *digest.Result) error {
	text, err := json.MarshalIndent(struct {
		Sound bool `json:"sound"`
		*digest.Result
	}{r.Sound(), r}, "", "  ")
	if err != nil {
		return fmt.Errorf("BUG: write JSON: %w", err)
	}
	_, err = fmt.Fprintln(to, escapeJSON(string(text)))
	return err
}

// shownProblems is how many problems of a kind are shown.
const shownProblems = 20

// meanings say what a kind of problem means and what to do.
var meanings = map[digest.Kind]string{
	digest.Modified:     "changed since CloudTrail delivered it",
	digest.Missing:      "removed since CloudTrail delivered it",
	digest.Extra:        "log files that no digest names: not delivered by CloudTrail, or while validation was off",
	digest.BadSignature: "digests that AWS has not signed as they are",
	digest.NoKey:        "signed with keys that AWS does not list; --keys needs those of each Region and time",
	digest.Unlinked:     "digests that contradict each other",
	digest.MissingLink:  "digests that are gone",
	digest.Gap:          "times that no digest is about",
	digest.Moved:        "digests under another name than CloudTrail gave them",
	digest.Unreadable:   "files that could not be read: nothing is known of them",
	digest.Unproven:     "digests whose signature is not here; those before them are proven",
}

// writeTrail writes a result for a person.
func writeTrail(to screen, r *digest.Result) error {
	var b strings.Builder
	g := grid{columns: []gridColumn{{name: "trail and Region"}, {name: "from"}, {name: "to"}, {name: "digests", right: true}, {name: "signed", right: true}, {name: "log files", right: true}, {name: "unchanged", right: true}}}
	chains := slices.Clone(r.Chains)
	slices.SortFunc(chains, func(x, y digest.Chain) int { return cmp.Compare(x.Name, y.Name) })
	for _, c := range chains {
		_, name, _ := strings.Cut(c.Name, "CloudTrail-Digest/")
		g.add(clean.Line(name), trailTime(c.From), trailTime(c.To), amount.Grouped(int64(c.Digests)), amount.Grouped(int64(c.Valid)), amount.Grouped(int64(c.Logs)), amount.Grouped(int64(c.Good)))
	}
	b.WriteString(g.render())
	if r.Earlier > 0 {
		fmt.Fprintf(&b, " %s from before the first digest: nothing is known of them\n", amount.Of(int64(r.Earlier), "log file"))
	}
	if r.Later > 0 {
		fmt.Fprintf(&b, " %s after the last digest: the next one, within the hour, is about them\n", amount.Of(int64(r.Later), "log file"))
	}
	var kinds []digest.Kind
	byKind := map[digest.Kind][]digest.Problem{}
	for _, p := range r.Problems {
		if byKind[p.Kind] == nil {
			kinds = append(kinds, p.Kind)
		}
		byKind[p.Kind] = append(byKind[p.Kind], p)
	}
	for _, k := range kinds {
		title := fmt.Sprintf("%s (%d): %s", k, len(byKind[k]), meanings[k])
		if k != digest.Unproven {
			title = to.red(title)
		}
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, p := range byKind[k][:min(shownProblems, len(byKind[k]))] {
			fmt.Fprintf(&b, "  %s\n    %s\n", clean.Line(p.Key), clean.Line(p.Detail))
		}
		if more := len(byKind[k]) - shownProblems; more > 0 {
			fmt.Fprintf(&b, "  and %s (--json lists all)\n", amount.Of(int64(more), "more"))
		}
	}
	switch {
	case r.More > 0:
		fmt.Fprintf(&b, "\n%s were found that are not listed\n", amount.Of(int64(r.More), "more problem"))
	case r.Sound():
		b.WriteString("\nNothing was changed, removed or added.\n")
	}
	_, err := fmt.Fprint(to, b.String())
	return err
}

func trailTime(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04")
}
