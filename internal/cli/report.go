package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"sluice/internal/amount"
	"sluice/internal/logs"
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
	Reasons     []reasons     `json:"reject_reasons"` // adds up to Rejected
	Skips       []fileReport  `json:"skipped_files"`
	Failures    []fileReport  `json:"failed_files"`
	Rejects     []fileReport  `json:"files_with_rejects"`

	interrupted bool
	below       string // start of the names of all files that a person need not be shown
}

// reasons counts the records that were rejected for one reason.
type reasons struct {
	MeantFor string      `json:"meant_for"` // the table they fit no row of
	Reason   logs.Reason `json:"reason"`
	Records  int64       `json:"records"`
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
	File    string                `json:"file"`
	Reason  string                `json:"reason,omitempty"`  // why skipped or failed
	Records int64                 `json:"records,omitempty"` // rejected
	Reasons map[logs.Reason]int64 `json:"reasons,omitempty"` // of those
	table   string                // they were meant for
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
	switch {
	case f.Before != "":
		r.AlreadyDone++
		return
	case f.Outcome == pipeline.Skipped:
		r.Skipped++
		r.Skips = append(r.Skips, fileReport{File: name, Reason: f.Reason})
		return
	case f.Outcome == pipeline.Failed:
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
		r.Rejects = append(r.Rejects, fileReport{File: name, Records: f.Rejected, Reasons: f.Reasons, table: f.Format})
	}
	for why, n := range f.Reasons {
		r.reason(f.Format, why, n)
	}
}

func (r *report) reason(table string, why logs.Reason, n int64) {
	i := slices.IndexFunc(r.Reasons, func(x reasons) bool { return x.MeantFor == table && x.Reason == why })
	if i < 0 {
		i = len(r.Reasons)
		r.Reasons = append(r.Reasons, reasons{MeantFor: table, Reason: why})
	}
	r.Reasons[i].Records += n
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
		return coded{fmt.Errorf("%s could not be read; the same command again tries %s", amount.Of(r.Failed, "file"), map[bool]string{true: "it", false: "them"}[r.Failed == 1]), exitPartial}
	}
	return nil
}

func (r *report) print(a *app, asJSON bool, err error) error {
	slices.SortFunc(r.Tables, func(x, y tableReport) int { return cmp.Compare(x.Name, y.Name) })
	slices.SortFunc(r.Reasons, func(x, y reasons) int {
		return cmp.Or(cmp.Compare(y.Records, x.Records), cmp.Compare(x.MeantFor, y.MeantFor), cmp.Compare(x.Reason, y.Reason))
	})
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
	if r.Reasons == nil {
		r.Reasons = []reasons{}
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s, escapeJSON(string(b)))
	return err
}
