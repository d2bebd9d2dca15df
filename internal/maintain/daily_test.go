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
	packed map[string]map[string]int // by plan, and source
	said   []string
	fail   string            // statements that begin so
	lies   bool              // it takes a row more than there is
	closed error             // the end of every list
	met    func(what string) // a statement, a note
	at     time.Time
	run    Settings // more of them
}

func newLake(objects ...string) *lake {
	l := &lake{live: map[string]int{}, notes: map[string]string{}, packed: map[string]map[string]int{}, at: now}
	for i, o := range objects {
		l.live[o] = i + 1
	}
	return l
}

func (l *lake) List(_ context.Context, prefix string) iter.Seq2[pack.Object, error] {
	return func(yield func(pack.Object, error) bool) {
		if l.closed != nil {
			yield(pack.Object{}, l.closed)
			return
		}
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
	if l.met != nil {
		l.met(name)
	}
	return true, nil
}

func (l *lake) Read(_ context.Context, name string) ([]byte, error) {
	if body, ok := l.notes[name]; ok {
		return []byte(body), nil
	}
	return nil, errors.New("no such note")
}

var sources = regexp.MustCompile(`'s3://lake-example/lake/([^']+\.parquet)'`)

var run = regexp.MustCompile(`run = '([0-9a-f]{32})'`)

// runOf is the plan that a statement is about.
func runOf(sql string) string {
	if m := run.FindStringSubmatch(sql); m != nil {
		return m[1]
	}
	return ""
}

func (l *lake) Run(ctx context.Context, _, sql string) error {
	l.said = append(l.said, sql)
	if l.met != nil {
		l.met(sql)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if l.fail != "" && strings.HasPrefix(sql, l.fail) {
		return fmt.Errorf("made up: %w", pack.ErrFailed)
	}
	if strings.HasPrefix(sql, "INSERT INTO") {
		taken := map[string]int{}
		for _, m := range sources.FindAllStringSubmatch(sql, -1) {
			if taken[m[1]] = l.live[m[1]]; l.lies {
				taken[m[1]]++
			}
		}
		l.packed[runOf(sql)] = taken
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
		return [][]string{{fmt.Sprint(len(l.packed[runOf(sql)]))}}, nil
	}
	from := l.packed[runOf(sql)]
	if strings.Contains(sql, `"$path"`) {
		from = l.live
	}
	for name, n := range from {
		if strings.Contains(sql, " FROM s3_access_logs_") && (runOf(sql) != "" || strings.Contains(sql, "'s3://lake-example/lake/"+name+"'")) {
			rows = append(rows, []string{"s3://lake-example/lake/" + name, fmt.Sprint(n), fmt.Sprint("sum", n)})
		}
	}
	return rows, nil
}

func (l *lake) daily(t *testing.T, days int, out *bytes.Buffer) *Daily {
	t.Helper()
	d, err := NewDaily(Config{
		Settings: Settings{LakeBucket: "lake-example", LakePrefix: "lake/", Database: "sluice", WorkGroup: "sluice-pack", Days: days, Function: "maintain", First: l.run.First, Keep: l.run.Keep},
		Lake:     l, Statements: l, Now: func() time.Time { return l.at }, Out: out,
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
	if want := []string{"CREATE TABLE", "SELECT column_name", "VACUUM s3_access_logs_packed", `SELECT "$path",`, "INSERT INTO", "SELECT count(*)", "SELECT source,"}; !slices.Equal(begins, want) {
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

// What is worth a plan, how much a run takes on, when objects go and when rows.
func TestTheNumbersOfRuns(t *testing.T) {
	var objects []string
	for d := range 13 {
		for i := range 3 {
			objects = append(objects, fmt.Sprintf("s3_access_logs/dt=2026-10-%02d/%d.parquet", d+1, i))
		}
	}
	objects = append(objects, "s3_access_logs/dt=2026-11-01/0.parquet", "s3_access_logs/dt=2026-11-01/1.parquet")
	l, out := newLake(objects...), &bytes.Buffer{}
	l.run = Settings{First: "2026-10-02", Keep: 90 * 24 * time.Hour}
	night := func(after time.Duration, want map[string]float64) {
		t.Helper()
		l.at, l.said = now.Add(after), nil
		if err := l.daily(t, 7, out).Handle(t.Context()); err != nil {
			t.Fatalf("after %v: %v", after, err)
		}
		for name, v := range want {
			if got := numbers(t, out.String())[name]; got != v {
				t.Errorf("after %v: %s is %v, want %v", after, name, got, v)
			}
		}
	}
	night(0, map[string]float64{"PackedObjects": 30, "PackWaiting": 2, "PackRemoved": 0})
	night(24*time.Hour-time.Second, map[string]float64{"PackedObjects": 6, "PackWaiting": 0, "PackRemoved": 0})
	night(24*time.Hour, map[string]float64{"PackedObjects": 0, "PackRemoved": 30})
	night(91*24*time.Hour, map[string]float64{"PackRemoved": 6})
	if !slices.ContainsFunc(l.said, func(s string) bool { return strings.HasPrefix(s, "DELETE FROM s3_access_logs_packed") }) {
		t.Errorf("rows are old, and stay: %q", l.said)
	}
	for _, left := range slices.Sorted(maps.Keys(l.live)) {
		if !strings.Contains(left, "2026-10-01") && !strings.Contains(left, "2026-11-01") {
			t.Errorf("%s is left", left)
		}
	}
}

// A statement has room for 400 objects.
func TestALargeDay(t *testing.T) {
	var objects []string
	for i := range 403 {
		objects = append(objects, fmt.Sprintf("%s%032x-0000.parquet", day, i))
	}
	l, out := newLake(objects...), &bytes.Buffer{}
	if err := l.daily(t, 7, out).Handle(t.Context()); err != nil {
		t.Fatal(err)
	}
	var names []int
	for _, s := range l.said {
		if strings.HasPrefix(s, "INSERT INTO") {
			names = append(names, strings.Count(s, ".parquet'"))
		}
	}
	if want := []int{2 * 400, 2 * 3}; !slices.Equal(names, want) {
		t.Errorf("statements name %d objects, want %d", names, want)
	}
}

func TestWhatIsUndone(t *testing.T) {
	l, out := newLake(day+"a.parquet", day+"b.parquet", day+"c.parquet"), &bytes.Buffer{}
	l.lies = true
	if err := l.daily(t, 7, out).Handle(t.Context()); err == nil || !strings.Contains(err.Error(), "undone") {
		t.Error(err)
	}
	if n := numbers(t, out.String()); n["PackUndone"] != 1.0 || n["PackFailed"] != 1.0 || n["PackedObjects"] != 0.0 {
		t.Error(n)
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
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	l.met = func(what string) {
		if strings.HasSuffix(what, ".end") {
			cancel()
		}
	}
	if err := l.daily(t, 7, out).Handle(ctx); err != nil || numbers(t, out.String())["PackFailed"] != 0.0 || numbers(t, out.String())["PackedObjects"] != 3.0 {
		t.Errorf("a day was packed: %v\n%s", err, out)
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
	l.closed = errors.New("no permission")
	if err := l.daily(t, 0, out).Ready(t.Context()); !errors.Is(err, l.closed) || errors.Is(err, ErrPacked) {
		t.Errorf("nobody knows whether days are packed: %v", err)
	}
	l.closed, l.fail = nil, "CREATE"
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
	env["SLUICE_PACK_AFTER_DAYS"] = "0"
	if _, err := Load(func(name string) string { return env[name] }); err != nil {
		t.Errorf("off, and no workgroup: %v", err)
	}
	env["SLUICE_PACK_AFTER_DAYS"], env["SLUICE_WORKGROUP"] = "36501", "sluice-pack"
	if _, err := Load(func(name string) string { return env[name] }); err == nil {
		t.Error("a hundred years and a day")
	}
	if _, err := Load(func(string) string { return "a b/:" }); err == nil || strings.Count(err.Error(), "\n") != 5 {
		t.Errorf("want six faults at once, got %v", err)
	}
}
