package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sluice/internal/clean"
	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// report is what "sluice convert" did. Its JSON is for scripts.
type report struct {
	Lake        string        `json:"lake"`
	Complete    bool          `json:"complete"` // nothing is left to be done by running it again
	Error       string        `json:"error,omitempty"`
	Files       int64         `json:"files"` // found; the sum of the next five
	Converted   int64         `json:"converted"`
	AlreadyDone int64         `json:"already_done"`
	Skipped     int64         `json:"skipped"`
	Failed      int64         `json:"failed"`
	NotReached  int64         `json:"not_reached"`
	Lines       int64         `json:"lines"`
	Rows        int64         `json:"rows"`
	Rejected    int64         `json:"rejected"`
	Ambiguous   int64         `json:"ambiguous"`
	Unaccounted int64         `json:"unaccounted"` // lines that are neither row nor reject; always 0
	BytesIn     int64         `json:"bytes_in"`    // as delivered
	BytesText   int64         `json:"bytes_text"`  // unzipped
	BytesOut    int64         `json:"bytes_out"`
	Seconds     float64       `json:"seconds"`
	Tables      []tableReport `json:"tables"`
	Skips       []fileReport  `json:"skipped_files"`
	Failures    []fileReport  `json:"failed_files"`
	Rejects     []fileReport  `json:"files_with_rejects"`

	interrupted bool
}

type tableReport struct {
	Name    string `json:"name"`
	Days    int    `json:"days"`
	Objects int64  `json:"objects"`
	Rows    int64  `json:"rows"`
	Bytes   int64  `json:"bytes"`
	days    map[string]bool
}

type fileReport struct {
	File    string `json:"file"`
	Reason  string `json:"reason,omitempty"`
	Records int64  `json:"records,omitempty"`
}

func (r *report) already(n int64) { r.Files += n; r.AlreadyDone += n }

// batch adds the result of a batch of n files; an empty one was not committed.
func (r *report) batch(res pipeline.Result, n int) {
	for _, f := range res.Files {
		r.file(f)
	}
	if missing := int64(n - len(res.Files)); missing > 0 {
		r.Files += missing
		r.NotReached += missing
	}
	for _, o := range res.Objects {
		r.object(o)
	}
	var written int64
	for _, o := range res.Objects {
		written += o.Rows
	}
	for _, f := range res.Files {
		if f.Outcome == pipeline.Converted {
			written -= f.Lines
		}
	}
	r.Unaccounted -= written // what the objects hold, against what the readers found
}

func (r *report) file(f pipeline.File) {
	r.Files++
	name := f.Object.Key
	if f.Object.Bucket != "" {
		name = "s3://" + f.Object.Bucket + "/" + f.Object.Key
	}
	switch f.Outcome {
	case pipeline.Skipped:
		r.Skipped++
		r.Skips = append(r.Skips, fileReport{File: name, Reason: f.Reason})
		return
	case pipeline.Failed:
		r.Failed++
		r.Failures = append(r.Failures, fileReport{File: name, Reason: f.Err.Error()})
		return
	}
	r.Converted++
	r.Lines += f.Lines
	r.Rows += f.Rows
	r.Rejected += f.Rejected
	r.Ambiguous += f.Ambiguous
	r.BytesIn += f.BytesIn
	r.BytesText += f.BytesText
	if f.Rejected > 0 {
		r.Rejects = append(r.Rejects, fileReport{File: name, Records: f.Rejected})
	}
}

func (r *report) object(o table.Object) {
	r.BytesOut += o.Bytes
	name, rest, _ := strings.Cut(o.Name, "/")
	i := slices.IndexFunc(r.Tables, func(t tableReport) bool { return t.Name == name })
	if i < 0 {
		i = len(r.Tables)
		r.Tables = append(r.Tables, tableReport{Name: name, days: map[string]bool{}})
	}
	t := &r.Tables[i]
	t.Objects++
	t.Rows += o.Rows
	t.Bytes += o.Bytes
	t.days[path.Dir(rest)] = true
	t.Days = len(t.days)
}

// verdict is the error that the command ends with.
func (r *report) verdict(err error) error {
	switch {
	case r.interrupted && err != nil:
		return errors.New("interrupted; nothing is half done, and the same command again continues")
	case err != nil:
		if r.Converted > 0 {
			return fmt.Errorf("%w\nwhat was converted before is kept; the same command again continues", err)
		}
		return err
	case r.Unaccounted != 0:
		return fmt.Errorf("%d lines are neither row nor reject: this is a mistake in sluice, please report it", r.Unaccounted)
	case r.Failed > 0 && r.Converted+r.Skipped+r.AlreadyDone == 0:
		return errors.New("no file could be read")
	case r.Failed > 0:
		return coded{fmt.Errorf("%s could not be read; the same command again tries %s", count(r.Failed, "file"), map[bool]string{true: "it", false: "them"}[r.Failed == 1]), exitPartial}
	}
	return nil
}

func (r *report) print(a *app, asJSON bool, err error) error {
	slices.SortFunc(r.Tables, func(x, y tableReport) int { return cmp.Compare(x.Name, y.Name) })
	r.Complete = err == nil && r.Failed == 0 && r.NotReached == 0
	if asJSON {
		if v := r.verdict(err); v != nil {
			r.Error = v.Error()
		}
		return r.writeJSON(a.stdout)
	}
	return r.write(a.stdout)
}

func (r *report) writeJSON(s screen) error {
	for _, list := range []*[]fileReport{&r.Skips, &r.Failures, &r.Rejects} {
		if *list == nil {
			*list = []fileReport{} // an empty list is not null
		}
	}
	if r.Tables == nil {
		r.Tables = []tableReport{}
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s, escapeJSON(string(b)))
	return err
}

// listed is how many files of a kind are named; more would push the totals off
// the screen.
const listed = 20

// write writes the report for a person.
func (r *report) write(s screen) error {
	var b strings.Builder
	list := func(title string, files []fileReport) {
		if len(files) == 0 {
			return
		}
		fmt.Fprintln(&b, s.bold(title))
		for _, f := range files[:min(listed, len(files))] {
			what := f.Reason
			if f.Records > 0 {
				what = count(f.Records, "record")
			}
			fmt.Fprintf(&b, "  %s: %s\n", clean.Line(near(f.File)), clean.Line(strings.TrimPrefix(what, "read "+f.File+": ")))
		}
		if more := len(files) - listed; more > 0 {
			fmt.Fprintf(&b, "  and %s more (--json lists all)\n", grouped(int64(more)))
		}
		fmt.Fprintln(&b)
	}
	list("Skipped: no log records in them", r.Skips)
	list("Rejected records, by file (why: sluice query rejects)", r.Rejects)
	list(s.red("Failed: nothing of them is in the lake"), r.Failures)
	r.totals(s, &b)
	r.tables(&b)
	_, err := fmt.Fprint(s, b.String())
	return err
}

// near names a file below the working directory as a person there would.
func near(file string) string {
	wd, err := os.Getwd()
	if err != nil || !filepath.IsAbs(filepath.FromSlash(file)) {
		return file
	}
	rel, err := filepath.Rel(wd, filepath.FromSlash(file))
	if err != nil || !filepath.IsLocal(rel) {
		return file
	}
	return rel
}

func (r *report) totals(s screen, b *strings.Builder) {
	g := grid{headless: true, columns: []gridColumn{{}, {right: true}, {}}}
	add := func(name string, n int64, note string) { g.add(name, grouped(n), note) }
	rate := ""
	if r.Lines > 0 && r.Seconds > 0 {
		rate = grouped(int64(float64(r.Lines)/r.Seconds)) + " a second"
	}
	add("files", r.Files, "")
	add("  converted", r.Converted, "")
	add("  already done", r.AlreadyDone, "")
	add("  skipped", r.Skipped, "")
	add("  failed", r.Failed, "")
	if r.NotReached > 0 {
		add("  not reached", r.NotReached, "the same command again continues")
	}
	add("lines", r.Lines, rate)
	add("rows", r.Rows, "")
	add("rejected", r.Rejected, "kept in the table rejected")
	add("ambiguous", r.Ambiguous, "rows that can be read in several ways")
	if r.Unaccounted != 0 {
		g.add(s.red("unaccounted"), s.red(grouped(r.Unaccounted)), "lines lost or doubled")
	}
	unzipped := ""
	if r.BytesText != r.BytesIn {
		unzipped = "unzipped " + size(r.BytesText)
	}
	g.add("read", size(r.BytesIn), unzipped)
	g.add("written", size(r.BytesOut), "")
	g.add("seconds", fmt.Sprintf("%.1f", r.Seconds), "")
	b.WriteString(g.render())
}

func (r *report) tables(b *strings.Builder) {
	if len(r.Tables) == 0 {
		return
	}
	g := grid{columns: []gridColumn{{name: "table in " + clean.Line(r.Lake)}, {name: "rows", right: true}, {name: "days", right: true}, {name: "objects", right: true}, {name: "size", right: true}}}
	for _, t := range r.Tables {
		g.add(t.Name, grouped(t.Rows), grouped(int64(t.Days)), grouped(t.Objects), size(t.Bytes))
	}
	fmt.Fprintf(b, "\n%s", g.render())
}
