package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/ledger"
	"sluice/internal/probe"
)

// lookEvery is how often the log bucket is listed while a delivery is waited for.
const lookEvery = time.Minute

// prober is an account in which a bucket's logs can be followed.
type prober struct {
	id, region string
	cloud      probe.Cloud
	files      probe.Files
}

// bucket follows the access logs of one bucket from end to end.
func (c *verifyCommand) bucket(ctx context.Context, a *app) error {
	p, err := a.prober(ctx)
	if err != nil {
		return err
	}
	config := probe.Config{
		Cloud: p.cloud, Files: p.files, Bucket: c.Bucket, Account: p.id, Region: p.region,
		Random: rand.Reader, Now: time.Now, Wait: sleep, Every: lookEvery, Timeout: c.Timeout,
	}
	if c.Probe != "" {
		if config.Probe, err = probe.ParseID(c.Probe); err != nil {
			return usage(err)
		}
	}
	if c.Table != "" {
		r, err := a.records(ctx, c.Table)
		if err != nil {
			return err
		}
		config.History = ledger.NewHistory(ledger.NewRecordStore(r, nil))
	}
	if c.LakeBucket != "" {
		config.Lake = stackLake{p.files, c.LakeBucket}
	}
	end := func() {}
	if a.stderr.redraws {
		bar := progressbar.NewOptions(-1, barOptions(a.stderr, progressbar.OptionSetPredictTime(false))...)
		config.Looked = func(what string, since time.Duration, files int) {
			bar.Describe(fmt.Sprintf("waiting %s for %s, %s looked at; Ctrl-C ends it, the probe goes on", what, since.Round(time.Second), amount.Of(int64(files), "file")))
			_ = bar.Add(1)
		}
		end = func() { _ = bar.Clear() }
	}
	if !c.JSON {
		config.Told = func(x probe.Check) {
			end()
			writeCheck(a.stdout, x)
		}
	}
	r, err := probe.Run(ctx, config)
	end()
	if err != nil {
		if r != nil && r.Probe != "" {
			err = fmt.Errorf("%w\nsluice verify %s --probe %s goes on from here", err, c.Bucket, r.Probe)
		}
		return err
	}
	if c.JSON {
		text, err := json.MarshalIndent(struct {
			Sound bool `json:"sound"`
			*probe.Result
		}{r.Sound(), r}, "", "  ")
		if err != nil {
			return fmt.Errorf("BUG: write JSON: %w", err)
		}
		if _, err := fmt.Fprintln(a.stdout, escapeJSON(string(text))); err != nil {
			return err
		}
	}
	if !r.Sound() {
		return exit(exitUnsound)
	}
	return nil
}

// writeCheck writes one step, when it has ended. The last word is an error's: what
// cannot be written here cannot be said anywhere.
func writeCheck(to screen, x probe.Check) {
	state := fmt.Sprintf("%-8s", x.State)
	if x.State == probe.Failed {
		state = to.red(state)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-13s %s\n", state, clean.Line(x.Step), clean.Line(x.Detail))
	if x.Next != "" {
		fmt.Fprintf(&b, "%22s %s\n", "", clean.Line(x.Next))
	}
	writeRow(&b, x.Row)
	_, _ = fmt.Fprint(to, b.String())
}

// sleep waits, or ends early with ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// check finds all that is wrong with the command line at once.
func (c *verifyCommand) check() error {
	var faults []error
	switch {
	case c.Bucket == "" && c.Trail == "":
		faults = append(faults, errors.New("what? sluice verify BUCKET follows the access logs of a bucket, --trail s3://bucket/prefix verifies the files of CloudTrail there"))
	case c.Bucket != "" && c.Trail != "":
		faults = append(faults, errors.New("a bucket and --trail are two questions: ask one"))
	case c.Bucket != "" && (c.Keys != "" || c.Since != "" || c.Until != "" || c.DigestsOnly):
		faults = append(faults, errors.New("--keys, --since, --until and --digests-only go with --trail"))
	case c.Trail != "" && c.Probe != "":
		faults = append(faults, errors.New("--probe goes with a bucket"))
	}
	if c.Timeout < 0 {
		faults = append(faults, errors.New("--timeout is below zero"))
	}
	for _, b := range []string{c.Bucket, c.LakeBucket} {
		if strings.ContainsAny(b, "/:") {
			faults = append(faults, fmt.Errorf("%q is no name of a bucket: no s3://, no ARN, no prefix", b))
		}
	}
	if len(faults) > 0 {
		return usage(errors.Join(faults...))
	}
	return nil
}
