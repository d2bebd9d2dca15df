package maintain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/pack"
)

var now = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

// lake is a lake in memory, and an Athena over it that knows the statements of
// packing. An object has as many rows as its value says.
type lake struct {
	live   map[string]int
	notes  map[string]string
	packed map[string]int // by source
	said   []string
	fail   string // statements that begin so
}

func newLake(objects ...string) *lake {
	l := &lake{live: map[string]int{}, notes: map[string]string{}, packed: map[string]int{}}
	for i, o := range objects {
		l.live[o] = i + 1
	}
	return l
}

func (l *lake) List(_ context.Context, prefix string) iter.Seq2[pack.Object, error] {
	return func(yield func(pack.Object, error) bool) {
		for _, name := range append(slices.Sorted(maps.Keys(l.live)), slices.Sorted(maps.Keys(l.notes))...) {
			if strings.HasPrefix(name, prefix) && !yield(pack.Object{Name: name, Modified: now.Add(-100 * time.Hour)}, nil) {
				return
			}
		}
	}
}

func (l *lake) Remove(_ context.Context, name string) error { delete(l.live, name); return nil }

func (l *lake) Create(_ context.Context, name string, body []byte) (bool, error) {
	if _, there := l.notes[name]; there {
		return false, nil
	}
	l.notes[name] = string(body)
	return true, nil
}

func (l *lake) Read(_ context.Context, name string) ([]byte, error) {
	if body, ok := l.notes[name]; ok {
		return []byte(body), nil
	}
	return nil, errors.New("no such note")
}

var sources = regexp.MustCompile(`'s3://lake-example/lake/([^']+\.parquet)'`)

func (l *lake) Run(ctx context.Context, _, sql string) error {
	l.said = append(l.said, sql)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if l.fail != "" && strings.HasPrefix(sql, l.fail) {
		return fmt.Errorf("made up: %w", pack.ErrFailed)
	}
	if strings.HasPrefix(sql, "INSERT INTO") {
		for _, m := range sources.FindAllStringSubmatch(sql, -1) {
			l.packed[m[1]] = l.live[m[1]]
		}
	}
	return nil
}

func (l *lake) Ask(ctx context.Context, sql string) (rows [][]string, err error) {
	l.said = append(l.said, sql)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case strings.Contains(sql, "information_schema"):
		tables, err := Tables("lake-example")
		for _, t := range tables {
			if strings.Contains(sql, "'"+t.Packed+"'") {
				for _, c := range t.Columns {
					rows = append(rows, []string{c.Name})
				}
			}
		}
		return append(rows, []string{"source"}, []string{"run"}, []string{"kind"}, []string{"dt"}), err
	case strings.HasPrefix(sql, "SELECT count(*)"):
		return [][]string{{fmt.Sprint(len(l.packed))}}, nil
	}
	from := l.packed
	if strings.Contains(sql, `"$path"`) {
		from = l.live
	}
	for name, n := range from {
		_, rest, _ := strings.Cut(name, "/dt=")
		if strings.HasPrefix(name, "s3_access_logs/") && strings.Contains(sql, " FROM s3_access_logs_") && strings.Contains(sql, "dt = '"+rest[:10]+"'") {
			rows = append(rows, []string{"s3://lake-example/lake/" + name, fmt.Sprint(n), fmt.Sprint("sum", n)})
		}
	}
	return rows, nil
}

func (l *lake) daily(t *testing.T, days int, out *bytes.Buffer) *Daily {
	t.Helper()
	d, err := NewDaily(Config{
		Settings: Settings{LakeBucket: "lake-example", LakePrefix: "lake/", Database: "sluice", WorkGroup: "sluice-pack", Days: days, Function: "maintain"},
		Lake:     l, Statements: l, Now: func() time.Time { return now }, Out: out,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// numbers are the metrics of the last run.
func numbers(t *testing.T, out string) map[string]any {
	t.Helper()
	var last map[string]any
	for line := range strings.Lines(out) {
		var m map[string]any
		if json.Unmarshal([]byte(line), &m) == nil && m["_aws"] != nil {
			last = m
		}
	}
	if last["Function"] != "maintain" {
		t.Fatalf("no metrics in\n%s", out)
	}
	return last
}

const day = "s3_access_logs/dt=2026-11-01/"

func TestARun(t *testing.T) {
	l, out := newLake(day+"a.parquet", day+"b.parquet", day+"c.parquet", "s3_access_logs/dt=2026-11-22/d.parquet"), &bytes.Buffer{}
	if err := l.daily(t, 7, out).Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := numbers(t, out.String())
	if n["PackedObjects"] != 3.0 || n["PackedRows"] != 6.0 || n["PackFailed"] != 0.0 || len(l.live) != 4 {
		t.Errorf("%v, %d live objects", n, len(l.live))
	}
	want := []string{"_sluice/pack/s3_access_logs/dt=2026-11-01/000000.end", "_sluice/pack/s3_access_logs/dt=2026-11-01/000000.plan"}
	if got := slices.Sorted(maps.Keys(l.notes)); !slices.Equal(got, want) {
		t.Errorf("notes %q", got)
	}
	var begins []string
	for _, s := range l.said {
		if strings.Contains(s, "s3_access_logs") {
			begins = append(begins, strings.Join(strings.Fields(s)[:2], " "))
		}
	}
	if want := []string{"CREATE TABLE", "SELECT column_name", `SELECT "$path",`, "INSERT INTO", "SELECT count(*)", "SELECT source,", "VACUUM s3_access_logs_packed"}; !slices.Equal(begins, want) {
		t.Errorf("statements %q", begins)
	}
}

// What fails is said, and counted for the alarm.
func TestARunThatFails(t *testing.T) {
	for fail, want := range map[string]float64{"CREATE TABLE": 3, "INSERT": 1, "VACUUM": 3} {
		l, out := newLake(day+"a.parquet", day+"b.parquet", day+"c.parquet"), &bytes.Buffer{}
		l.fail = fail
		if err := l.daily(t, 7, out).Handle(t.Context()); err == nil || !strings.Contains(err.Error(), "s3_access_logs") {
			t.Errorf("%s: %v", fail, err)
		}
		if n := numbers(t, out.String()); n["PackFailed"] != want {
			t.Errorf("%s: %v", fail, n)
		}
	}
}

// A run that is cut has failed only if it got nowhere.
func TestARunThatIsCut(t *testing.T) {
	l, out := newLake(day+"a.parquet", day+"b.parquet", day+"c.parquet"), &bytes.Buffer{}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(lastWords/2)) // nothing is left before the last words
	defer cancel()
	if err := l.daily(t, 7, out).Handle(ctx); err == nil || numbers(t, out.String())["PackFailed"] != 1.0 {
		t.Errorf("nothing was done: %v\n%s", err, out)
	}
}

func TestPackingIsOff(t *testing.T) {
	l, out := newLake(day+"a.parquet", day+"b.parquet", day+"c.parquet"), &bytes.Buffer{}
	d := l.daily(t, 0, out)
	if err := errors.Join(d.Handle(t.Context()), d.Ready(t.Context())); err != nil || len(l.said)+len(l.notes) > 0 {
		t.Errorf("%v: %q", err, l.said)
	}
}

// Once a day is packed, the name that people ask must stay a view.
func TestReady(t *testing.T) {
	l, out := newLake(day+"a.parquet", day+"b.parquet", day+"c.parquet"), &bytes.Buffer{}
	if err := l.daily(t, 7, out).Ready(t.Context()); err != nil || len(l.said) != 6 || len(l.notes) > 0 {
		t.Fatalf("%v: %q", err, l.said)
	}
	if err := l.daily(t, 0, out).Ready(t.Context()); err != nil {
		t.Errorf("nothing is packed yet: %v", err)
	}
	if err := l.daily(t, 7, out).Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := l.daily(t, 0, out).Ready(t.Context())
	if !errors.Is(err, ErrPacked) || !strings.Contains(err.Error(), "36500") || !strings.Contains(err.Error(), "s3_access_logs/dt=2026-11-01") {
		t.Errorf("switched off: %v", err)
	}
	if err := l.daily(t, 36500, out).Ready(t.Context()); err != nil {
		t.Errorf("packs no more: %v", err)
	}
	l.fail = "CREATE"
	if err := l.daily(t, 7, out).Ready(t.Context()); err == nil {
		t.Error("a table that cannot be made")
	}
}

func TestLoad(t *testing.T) {
	env := map[string]string{
		"SLUICE_LAKE_BUCKET": "lake-example", "SLUICE_LAKE_PREFIX": "lake/", "SLUICE_DATABASE": "sluice", "SLUICE_WORKGROUP": "sluice-pack",
		"SLUICE_PROJECTION_START": "2024-01-01", "SLUICE_PACK_AFTER_DAYS": "7", "SLUICE_LAKE_RETENTION_DAYS": "90",
	}
	s, err := Load(func(name string) string { return env[name] })
	if err != nil || s.Days != 7 || s.Keep != 90*24*time.Hour {
		t.Errorf("%+v, %v", s, err)
	}
	env["SLUICE_WORKGROUP"] = ""
	if _, err := Load(func(name string) string { return env[name] }); err == nil {
		t.Error("packing without a workgroup")
	}
	if _, err := Load(func(string) string { return "a b/:" }); err == nil || strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("want six faults at once, got %v", err)
	}
}
