package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/pipeline"
)

func TestFileLines(t *testing.T) {
	hostile := "a\x1b[31m\nlevel=ERROR \u202egnp.exe"
	files := map[string]string{hostile: "secret text\nbad\n", "torn\x07": "secret text\ntorn\n", "x.digest": "secret text\n"}
	r := newRig(t, files)
	failed, err := r.handle(t.Context(), announced(files, hostile, "torn\x07", "x.digest"))
	if diff := cmp.Diff(failed, []string{"m2"}); diff != "" || err != nil {
		t.Fatalf("%v, failed (-got +want):\n%s", err, diff)
	}
	printed := r.out.String()
	if strings.Contains(printed, "secret") {
		t.Errorf("content of a file in %s", printed)
	}
	got, _, _ := r.lines(t)
	for _, l := range got {
		delete(l, "time")
		delete(l, "ms")
		if b := l["batch"]; b != nil && len(b.(string)) != 32 {
			t.Errorf("batch %q", b)
		}
		delete(l, "batch")
	}
	want := []map[string]any{
		{"level": "INFO", "msg": "file", "outcome": "converted", "table": "lines", "bucket": "logs", "key": `a\x1b[31m\nlevel=ERROR \u202egnp.exe`,
			"lines": 2.0, "rows": 1.0, "rejected": 1.0, "ambiguous": 0.0, "bytes_in": 16.0},
		{"level": "ERROR", "msg": "file", "outcome": "failed", "table": "lines", "bucket": "logs", "key": `torn\x07`,
			"lines": 2.0, "rows": 0.0, "rejected": 0.0, "ambiguous": 0.0, "bytes_in": 17.0, "reason": `read torn\x07: torn`},
		{"level": "INFO", "msg": "file", "outcome": "skipped", "table": "", "bucket": "logs", "key": "x.digest",
			"lines": 0.0, "rows": 0.0, "rejected": 0.0, "ambiguous": 0.0, "bytes_in": 12.0, "reason": "a digest"},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("lines (-got +want):\n%s", diff)
	}
}

func TestUnaccountedIsAnError(t *testing.T) {
	r := newRig(t, nil)
	r.report(pipeline.File{Outcome: pipeline.Converted, Lines: 3, Rows: 1, Rejected: 1}, "b", 0)
	if got, _, _ := r.lines(t); got[0]["level"] != "ERROR" || got[0]["unaccounted"] != 1.0 {
		t.Errorf("got %v", got)
	}
}

func TestLongErrorIsCut(t *testing.T) {
	got := shown(errors.New(strings.Repeat("é", maxShown) + "\n"))
	if len(got) > maxShown+20 || strings.ContainsAny(got, "\n\ufffd") || !strings.HasSuffix(got, "(cut)") {
		t.Errorf("%d bytes ending in %q", len(got), got[len(got)-20:])
	}
}

// What CloudWatch reads: every metric that is declared has a value, and the
// other way round.
func TestMetrics(t *testing.T) {
	files := map[string]string{"a": "1\n2\n", "b": "1\nbad\n", "torn": "torn\n", "x.digest": "1\n"}
	r := newRig(t, files)
	if _, err := r.handle(t.Context(), announced(files, "a", "b", "torn", "x.digest")); err != nil {
		t.Fatal(err)
	}
	_, _, docs := r.lines(t)
	if len(docs) != 1 {
		t.Fatalf("%d documents, want 1", len(docs))
	}
	doc := docs[0]
	var meta struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	}
	if err := json.Unmarshal([]byte(mustJSON(t, doc["_aws"])), &meta); err != nil {
		t.Fatal(err)
	}
	if age := time.Since(time.UnixMilli(meta.Timestamp)); age < 0 || age > time.Minute {
		t.Errorf("timestamp %d", meta.Timestamp)
	}
	m := meta.CloudWatchMetrics[0]
	if m.Namespace != "Sluice" || fmt.Sprint(m.Dimensions) != "[[Function]]" || doc["Function"] != "ingest" {
		t.Errorf("namespace %q, dimensions %v of %v", m.Namespace, m.Dimensions, doc["Function"])
	}
	got := map[string]any{}
	for _, d := range m.Metrics {
		if !slices.Contains([]string{"Count", "Bytes", "Milliseconds"}, d.Unit) {
			t.Errorf("%s: unit %q", d.Name, d.Unit)
		}
		got[d.Name] = doc[d.Name]
	}
	if len(doc) != len(got)+2 { // and _aws, Function
		t.Errorf("document %v has other values than %v", doc, got)
	}
	if lag, ok := got["Lag"].([]any); !ok || len(lag) != 2 {
		t.Errorf("lag %v, want one of each converted file", got["Lag"])
	}
	out, ok := got["BytesOut"].(float64)
	if !ok || out <= 0 {
		t.Errorf("bytes out %v", got["BytesOut"])
	}
	delete(got, "Lag")
	delete(got, "BytesOut")
	want := map[string]any{"Files": 4.0, "Skipped": 1.0, "Failed": 1.0, "Lines": 4.0, "Rows": 3.0, "Rejected": 1.0,
		"Ambiguous": 0.0, "Unaccounted": 0.0, "BytesIn": 10.0}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("metrics (-got +want):\n%s", diff)
	}
}

func TestTally(t *testing.T) {
	var sum tally
	now := time.Date(2026, 11, 22, 13, 8, 0, 0, time.UTC)
	object := pipeline.Object{Modified: now.Add(-90 * time.Second)}
	for _, f := range []pipeline.File{
		{Object: object, Outcome: pipeline.Converted, Lines: 10, Rows: 8, Rejected: 1, Ambiguous: 2, BytesIn: 100}, // one lost
		{Object: object, Outcome: pipeline.Converted, Lines: 10, Rows: 10, Rejected: 1, BytesIn: 100},              // one too many
		{Outcome: pipeline.Converted, BytesIn: 1},                                                                  // nobody said when it was delivered
		{Object: object, Outcome: pipeline.Failed, Lines: 5},                                                       // counted when it is read whole
	} {
		sum.add(f, now)
	}
	want := tally{files: 4, failed: 1, lines: 20, rows: 18, rejected: 2, ambiguous: 2, unaccounted: 2, bytesIn: 201, lag: []int64{90000, 90000}}
	if diff := cmp.Diff(sum, want, cmp.AllowUnexported(tally{})); diff != "" {
		t.Errorf("tally (-got +want):\n%s", diff)
	}
}

func TestSpread(t *testing.T) {
	v := make([]int64, 1000)
	for i := range v {
		v[i] = int64((i * 7) % 1000)
	}
	got := spread(v, maxValues)
	if len(got) != maxValues || got[0] != 0 || got[99] != 999 || got[50] < 490 || got[50] > 520 || !slices.IsSorted(got) {
		t.Errorf("got %d values: %v", len(got), got)
	}
	if got := spread(v[:3], maxValues); len(got) != 3 {
		t.Errorf("got %v, want all", got)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// Metrics that cannot be written are no reason to convert files again.
func TestLostMetricsFailNothing(t *testing.T) {
	files := map[string]string{"a": "1\n"}
	r := newRig(t, files)
	r.Handler.out = brokenPipe{}
	failed, err := r.handle(t.Context(), announced(files, "a"))
	if len(failed) > 0 || err != nil || !strings.Contains(r.out.String(), "metrics lost") {
		t.Errorf("%v, %v, printed %s", failed, err, r.out.String())
	}
}
