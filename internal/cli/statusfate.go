package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/logs"
)

// statusAnswer is what status found. Its JSON is for scripts.
type statusAnswer struct {
	Files   []fileFate   `json:"files"`
	Batches []batchFate  `json:"batches"`
	Objects []objectFate `json:"objects"` // of the one batch

	whole bool // it is about one batch and all in it
}

// fileFate is what became of one content of a delivered file.
type fileFate struct {
	File    string     `json:"file"`
	Version string     `json:"version,omitempty"`
	Size    int64      `json:"size"`    // -1 when unknown
	Outcome string     `json:"outcome"` // converted, skipped, failed, converting, free
	Reason  string     `json:"reason,omitempty"`
	Batch   string     `json:"batch,omitempty"`
	Time    *time.Time `json:"time,omitempty"` // of the commit; of converting: until when the function has it

	*ledger.Counts // nil: none were put down

	Objects []string     `json:"objects,omitempty"` // that hold its rows and rejects, with those of other files
	Packed  []packedFate `json:"packed,omitempty"`  // of these objects
}

// batchFate is what became of a batch.
type batchFate struct {
	ID        string     `json:"id"`
	State     string     `json:"state"` // live, committed, finished, aborted
	Begun     time.Time  `json:"begun"`
	Committed *time.Time `json:"committed,omitempty"`
	Until     *time.Time `json:"until,omitempty"` // of a live one
	ledger.Totals
}

type objectFate struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

func (b batchFate) at() time.Time {
	if b.Committed != nil {
		return *b.Committed
	}
	return b.Begun
}

func (s *statusAnswer) empty() bool { return len(s.Files)+len(s.Batches) == 0 }

// fateOf tells of a file what the batch that has it says.
func (c *statusCommand) fateOf(s ledger.Status) fileFate {
	f := fileOf(s.File)
	b := s.Batch
	if b != nil {
		f.Batch = b.ID
	}
	switch {
	case b == nil || b.State == ledger.Aborted:
		f.Outcome, f.Reason = "free", "whoever had it gave it back; it is taken when it is delivered again"
		return f
	case b.State == ledger.Live:
		f.Outcome, f.Time = "converting", known(b.Until)
		if b.Until.Before(time.Now()) {
			f.Outcome, f.Reason = "free", "its batch was given up; it is taken when it is delivered again"
		}
		return f
	}
	f.Time = known(b.Committed)
	if !s.In {
		if f.Outcome == "converted" { // the batch does not say what it left it for
			f.Outcome = "free"
		}
		return f
	}
	for _, o := range s.Objects {
		if table, _, _ := strings.Cut(o.Name, "/"); f.mayBeIn(table) {
			f.Objects = append(f.Objects, c.path(o.Name))
		}
	}
	return f
}

// mayBeIn tells whether a table holds records of the file, as far as is known.
func (f *fileFate) mayBeIn(table string) bool {
	if f.Counts == nil {
		return true
	}
	return table == f.Format && f.Rows > 0 || table == logs.RejectedTable.Name && f.Rejected > 0
}

func fileOf(f ledger.File) fileFate {
	fate := fileFate{File: f.Key, Version: f.Version, Size: f.Size, Outcome: f.Outcome, Reason: f.Reason, Counts: f.Counts}
	if f.Bucket != "" {
		fate.File = "s3://" + f.Bucket + "/" + f.Key
	}
	if fate.Outcome == "" {
		fate.Outcome = "converted"
	}
	return fate
}

func batchOf(b ledger.Batch) batchFate {
	fate := batchFate{ID: b.ID, State: string(b.State), Begun: b.Begun, Totals: b.Totals}
	if !b.Committed.IsZero() {
		fate.Committed = known(b.Committed)
	}
	if b.State == ledger.Live {
		fate.Until = known(b.Until)
	}
	return fate
}

// known is a time that may be unknown.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (s *statusAnswer) writeJSON(to screen) error {
	out := *s
	if out.Files == nil {
		out.Files = []fileFate{} // an empty list is not null
	}
	if out.Batches == nil {
		out.Batches = []batchFate{}
	}
	if out.Objects == nil {
		out.Objects = []objectFate{}
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(to, escapeJSON(string(b)))
	return err
}
