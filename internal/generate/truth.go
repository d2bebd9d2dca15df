package generate

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// TruthFile is the name of the truth in a generated folder. It is no log: a
// converter skips it, and Athena does not see names that start with "_".
const TruthFile = "_truth.json"

// Truth says what the generated files hold, and so what a converter that loses
// nothing and invents nothing must find in them.
type Truth struct {
	Complete bool    `json:"complete"` // false while the files are being written
	Options  Options `json:"options"`

	// Access is what the server access logs come to, CloudTrail what its files do.
	Access     Table `json:"s3_access_logs"`
	CloudTrail Table `json:"cloudtrail_events"`
	// RejectedByDay counts the rows of the table "rejected", of both formats, per dt.
	RejectedByDay map[string]int64 `json:"rejected_by_day"`
	// Skipped is how many files hold no records of either format.
	Skipped int64 `json:"skipped_files"`
	// Joined is how many CloudTrail records share their request id with an access-log line.
	Joined int64 `json:"joined_records"`
	// Special counts the planted oddities by kind: legal ones become rows, broken ones rejects.
	Special map[string]int64 `json:"special"`
	// Clean holds totals over the clean rows of s3_access_logs (parse_status = 'clean').
	Clean Clean `json:"clean_rows"`
	// Scenarios says what each scenario left behind.
	Scenarios []Planted `json:"scenarios"`
}

// Table is what the files of one format come to.
type Table struct {
	Files     int64            `json:"files"`
	Bytes     int64            `json:"bytes"` // as delivered
	Lines     int64            `json:"lines"` // or records; always Rows + Rejected
	Rows      int64            `json:"rows"`
	Rejected  int64            `json:"rejected"`
	Ambiguous int64            `json:"ambiguous"` // of Rows
	RowsByDay map[string]int64 `json:"rows_by_day"`
}

// Clean holds totals that a query over the clean rows must give: they prove
// columns, and NULL against zero, not only counts.
type Clean struct {
	Rows          int64            `json:"rows"`
	Anonymous     int64            `json:"requester_null"`
	BytesSent     int64            `json:"bytes_sent_size_sum"`
	BytesSentNull int64            `json:"bytes_sent_size_null"`
	ObjectSize    int64            `json:"object_size_sum"`
	Statuses      map[string]int64 `json:"http_status"` // "null" where the log has none
	Operations    map[string]int64 `json:"operation"`
}

// Planted says what one scenario left behind.
type Planted struct {
	Name       string   `json:"name"`
	Title      string   `json:"title"`
	Summary    string   `json:"summary"`
	Bucket     string   `json:"bucket"`
	Requesters []string `json:"requesters"` // "-": anonymous
	RemoteIPs  []string `json:"remote_ips"` // the first 20
	First      string   `json:"first"`      // RFC 3339
	Last       string   `json:"last"`
	Lines      int64    `json:"lines"`   // of access logs
	Records    int64    `json:"records"` // of CloudTrail
	Ambiguous  int64    `json:"ambiguous"`
	BytesSent  int64    `json:"bytes_sent"`
	RequestIDs []string `json:"request_ids"` // the first 20
	// Operations counts its access-log lines by operation.
	Operations map[string]int64 `json:"operations"`
	// Findings are those that a person must hear of, each once.
	Findings []Expected `json:"findings"`
}

// Expected is a finding that a scenario must cause: a rule by its name, and what
// makes the incident one.
type Expected struct {
	Rule   string            `json:"rule"`
	Bucket string            `json:"bucket"`
	Group  map[string]string `json:"group"` // field, value
}

// tally counts what is written, per line; it becomes a Truth at the end.
type tally struct {
	access, trail                     Table
	accessDays, trailDays, rejectDays days
	skipped, joined                   int64
	special                           map[string]int64
	clean                             Clean
	statuses                          [600]int64 // 0: none
	operations                        [operationCount]int64
}

// row counts one access-log line that must become a row.
func (t *tally) row(r *request, ambiguous bool) {
	t.access.Lines++
	t.access.Rows++
	t.accessDays.add(r.at)
	if ambiguous {
		t.access.Ambiguous++
		return
	}
	t.clean.Rows++
	t.operations[r.op]++
	t.statuses[max(r.status, 0)]++
	if r.requester == "-" {
		t.clean.Anonymous++
	}
	if r.sent == absent {
		t.clean.BytesSentNull++
	} else {
		t.clean.BytesSent += r.sent
	}
	if r.size != absent {
		t.clean.ObjectSize += r.size
	}
}

// reject counts one access-log line that must be kept as a reject of the day of at.
func (t *tally) reject(at int64) {
	t.access.Lines++
	t.access.Rejected++
	t.rejectDays.add(at)
}

// record counts one CloudTrail record that must become a row.
func (t *tally) record(at int64) {
	t.trail.Lines++
	t.trail.Rows++
	t.trailDays.add(at)
}

func (t *tally) truth(o Options, scenarios []Planted) *Truth {
	t.access.RowsByDay, t.trail.RowsByDay = t.accessDays.named(), t.trailDays.named()
	t.clean.Statuses, t.clean.Operations = map[string]int64{}, map[string]int64{}
	for status, n := range t.statuses {
		switch {
		case n > 0 && status == 0:
			t.clean.Statuses["null"] = n
		case n > 0:
			t.clean.Statuses[fmt.Sprint(status)] = n
		}
	}
	for op, n := range t.operations {
		if n > 0 {
			t.clean.Operations[operations[op].log] = n
		}
	}
	return &Truth{
		Complete: true, Options: o, Access: t.access, CloudTrail: t.trail, RejectedByDay: t.rejectDays.named(),
		Skipped: t.skipped, Joined: t.joined, Special: t.special, Clean: t.clean, Scenarios: scenarios,
	}
}

// days counts by UTC day; it remembers the day it counted last.
type days struct {
	count map[int64]*int64
	last  int64
	n     *int64
}

func (d *days) add(at int64) {
	day := at / secondsPerDay
	if d.n == nil || day != d.last {
		if d.count == nil {
			d.count = map[int64]*int64{}
		}
		if d.count[day] == nil {
			d.count[day] = new(int64)
		}
		d.last, d.n = day, d.count[day]
	}
	*d.n++
}

func (d *days) named() map[string]int64 {
	m := make(map[string]int64, len(d.count))
	for day, n := range d.count {
		m[dayOf(day*secondsPerDay)] = *n
	}
	return m
}

// ReadTruth reads the truth of the folder dir, so that a test or a demo can hold
// its own numbers against it.
func ReadTruth(dir string) (*Truth, error) {
	text, err := os.ReadFile(filepath.Join(dir, TruthFile))
	if err != nil {
		return nil, fmt.Errorf("read truth: %w", err)
	}
	var t Truth
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, fmt.Errorf("read truth of %s: %w", dir, err)
	}
	return &t, nil
}

func (t *Truth) write(dir string) error {
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	name := filepath.Join(dir, TruthFile)
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write truth: %w", err)
	}
	return nil
}
