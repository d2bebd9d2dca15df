package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/detect"
	"sluice/internal/logs"
	"sluice/internal/logs/s3access"
)

// uids are the incidents that were sent, each once, as "title group day".
func (s *sent) uids() []string {
	var all []string
	for _, f := range s.all {
		var b strings.Builder
		fmt.Fprintf(&b, "%s @%s", f.Rule.Title, f.Period.Go().Format("01-02"))
		for _, p := range f.Group {
			fmt.Fprintf(&b, " %s", p.Value)
		}
		all = append(all, b.String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// found are the incidents of rows, dealt out to files by chance and applied in
// any order, some of them twice.
func found(t testing.TB, rules *detect.Rules, rows []*s3access.Row, files int, r *rand.Rand) []string {
	t.Helper()
	dealt := make([][]*s3access.Row, files)
	for _, row := range rows {
		i := r.IntN(files)
		dealt[i] = append(dealt[i], row)
	}
	order := append(r.Perm(files), r.IntN(files))
	out := &sent{}
	e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	w := rules.Watch()
	for _, i := range order {
		if _, err := e.Apply(t.Context(), watched(w, fmt.Sprint(i), dealt[i]...)); err != nil {
			t.Fatal(err)
		}
	}
	return out.uids()
}

func correlation(kind, timespan, condition, group string) string {
	if condition != "" {
		condition = "\n  condition: {" + condition + "}"
	}
	return fmt.Sprintf(`---
title: Correlated
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0b01
status: test
level: high
correlation:
  type: %s
  rules: [deleted]
  group-by: [%s]
  timespan: %s%s
`, kind, group, timespan, condition)
}

// randomTimes are times around midnight, in bursts.
func randomTimes(r *rand.Rand, n int, unit time.Duration) []logs.Time {
	all := make([]logs.Time, n)
	var t time.Duration
	for i := range all {
		t += time.Duration(r.IntN(1+r.IntN(4))) * unit
		all[i] = at((24*time.Hour - time.Duration(n)*unit/2 + t).Truncate(time.Second))
	}
	return all
}

// A count fires on the days on which a window of the timespan ends that holds
// enough, and says so from the definition alone, in seconds.
func TestEventCountIsExact(t *testing.T) {
	for _, timespan := range []time.Duration{10 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour} {
		const enough = 5
		rules := load(t, fmt.Sprintf(deletes, "low")+correlation("event_count", fmt.Sprintf("%ds", int(timespan/time.Second)), "gte: 5", "bucket_name"))
		fired := 0
		for seed := range uint64(60) {
			r := rand.New(rand.NewPCG(seed, 3))
			times := randomTimes(r, 12+r.IntN(20), timespan/10)
			var rows []*s3access.Row
			for _, at := range times {
				rows = append(rows, row(at))
			}
			got := found(t, rules, rows, 1+r.IntN(8), r)
			// Bins make a window shorter by less than two of them, never longer.
			bin := max(time.Second, timespan/64).Truncate(time.Second)
			shorter := timespan - 2*bin
			if bin == time.Second && timespan%time.Second == 0 {
				shorter = timespan
			}
			must, may := days(times, enough, shorter, bin), days(times, enough, timespan, bin)
			for _, d := range must {
				if !slices.Contains(got, "Correlated @"+d+" amber-files") {
					t.Errorf("%s, seed %d: got %v, want %s: %v", timespan, seed, got, d, times)
				}
			}
			for _, g := range got {
				if d := strings.Fields(g)[1][1:]; !slices.Contains(may, d) {
					t.Errorf("%s, seed %d: got %v, want at most %v: %v", timespan, seed, got, may, times)
				}
			}
			fired += len(got)
		}
		if fired == 0 || fired == 120 {
			t.Errorf("%s: fired %d times in 60 seeds: nothing was tested", timespan, fired)
		}
	}
}

// days are those in which a window ends that holds enough, by looking at every
// pair of events. A bin belongs to the day in which it begins.
func days(times []logs.Time, enough int, timespan, bin time.Duration) []string {
	slices.Sort(times)
	var all []string
	for j := range times {
		for i := 0; i <= j; i++ {
			if j-i+1 >= enough && time.Duration(times[j]-times[i])*time.Millisecond < timespan {
				begin := times[j] - times[j]%logs.Time(bin.Milliseconds())
				all = append(all, begin.Go().Format("01-02"))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestOrderAndSplitChangeNothing(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "high")+simRules)
	for seed := range uint64(100 / scale) {
		rows := traffic(seed, 80)
		r := rand.New(rand.NewPCG(seed, 5))
		want := found(t, rules, rows, 1, r)
		if len(want) == 0 {
			t.Fatalf("seed %d: nothing found", seed)
		}
		for _, files := range []int{2, 7, 40, 80} {
			if got := found(t, rules, rows, files, r); !slices.Equal(got, want) {
				t.Fatalf("seed %d in %d files: got\n%s\nwant\n%s", seed, files, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
}

// firing runs a correlation over rows in files of one and says on which days it
// fired.
func firing(t *testing.T, docs string, rows ...*s3access.Row) string {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	return strings.Join(found(t, load(t, docs), rows, len(rows)+1, r), "; ")
}

func TestCorrelations(t *testing.T) {
	deleted := fmt.Sprintf(deletes, "low")
	second := func(n int, change ...func(*s3access.Row)) *s3access.Row {
		return row(at(time.Duration(n)*time.Second), change...)
	}
	pattern := func(kind string) string {
		docs, _, _ := strings.Cut(simRules[strings.Index(simRules, "---\ntitle: Object put"):], "---\ntitle: Denied")
		return deleted + docs + fmt.Sprintf(`---
title: Pattern
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0b02
status: test
level: high
correlation: {type: %s, rules: [put, deleted], group-by: [bucket_name], timespan: 1m}
`, kind)
	}
	put := op("REST.PUT.OBJECT")
	anonymous := func(r *s3access.Row) { r.RequesterName = nil }
	const fires = "Correlated @03-03 amber-files"
	for _, c := range []struct {
		name, docs string
		rows       []*s3access.Row
		want       string
	}{
		{"distinct values reached", deleted + correlation("value_count", "1m", "field: key_name, gte: 3", "bucket_name"),
			[]*s3access.Row{second(0, key("a")), second(1, key("b")), second(2, key("c"))}, fires},
		{"same values again", deleted + correlation("value_count", "1m", "field: key_name, gte: 3", "bucket_name"),
			[]*s3access.Row{second(0, key("a")), second(1, key("b")), second(2, key("a")), second(3, key("b"))}, ""},
		{"distinct values too far apart", deleted + correlation("value_count", "1m", "field: key_name, gte: 3", "bucket_name"),
			[]*s3access.Row{second(0, key("a")), second(1, key("b")), second(60, key("c"))}, ""},
		{"no value is no distinct value", deleted + correlation("value_count", "1m", "field: requester_name, gte: 2", "bucket_name"),
			[]*s3access.Row{second(0), second(1, anonymous)}, ""},
		{"sum reached", deleted + correlation("value_sum", "1m", "field: bytes_sent_size, gte: 100", "bucket_name"),
			[]*s3access.Row{second(0, sized(60)), second(59, sized(40))}, fires},
		{"sum not reached", deleted + correlation("value_sum", "1m", "field: bytes_sent_size, gt: 100", "bucket_name"),
			[]*s3access.Row{second(0, sized(60)), second(59, sized(40))}, ""},
		{"negative values take nothing away", deleted + correlation("value_sum", "1m", "field: bytes_sent_size, gte: 100", "bucket_name"),
			[]*s3access.Row{second(0, sized(100)), second(5, sized(-50))}, fires},
		{"average reached", deleted + correlation("value_avg", "1m", "field: bytes_sent_size, gte: 50", "bucket_name"),
			[]*s3access.Row{second(0, sized(60)), second(1, sized(50))}, fires},
		{"average not reached", deleted + correlation("value_avg", "1m", "field: bytes_sent_size, gt: 50", "bucket_name"),
			[]*s3access.Row{second(0, sized(50)), second(1, sized(50))}, ""},
		{"together", pattern("temporal"), []*s3access.Row{second(0), second(59, put)}, "Pattern @03-03 amber-files"},
		{"together, too far apart", pattern("temporal"), []*s3access.Row{second(0), second(60, put)}, ""},
		{"in order", pattern("temporal_ordered"), []*s3access.Row{second(0, put), second(59)}, "Pattern @03-03 amber-files"},
		{"in the wrong order", pattern("temporal_ordered"), []*s3access.Row{second(0), second(59, put)}, ""},
		{"in order, too far apart", pattern("temporal_ordered"), []*s3access.Row{second(0, put), second(60)}, ""},
		{"in order, the last start counts", pattern("temporal_ordered"), []*s3access.Row{second(0, put), second(50, put), second(100)}, "Pattern @03-03 amber-files"},
		{"without a requester is a group", deleted + correlation("event_count", "1m", "gte: 2", "requester_name"),
			[]*s3access.Row{second(0, anonymous), second(1, anonymous)}, "Correlated @03-03 "},
		{"without a requester is another group", deleted + correlation("event_count", "1m", "gte: 2", "requester_name"),
			[]*s3access.Row{second(0, anonymous), second(1)}, ""},
		{"another owner is another incident", deleted + correlation("event_count", "1m", "gte: 2", "requester_name"),
			[]*s3access.Row{second(0), second(1, func(r *s3access.Row) { r.BucketOwnerID = logs.Text("other") })}, ""},
	} {
		if got := firing(t, c.docs, c.rows...); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFirstSeen(t *testing.T) {
	docs := fmt.Sprintf(deletes, "low") + `---
title: New
id: 6d1b2a52-95d0-4d0e-8f0f-0d6a7a0f0b03
status: test
level: high
correlation:
  type: first_seen
  rules: [deleted]
  group-by: [bucket_name]
  timespan: 30d
  condition: {field: remote_ip}
sluice: {learn: 7d}
`
	day := func(n int, ip string) *s3access.Row {
		return row(at(time.Duration(n)*24*time.Hour+time.Hour), from(ip))
	}
	rules := load(t, docs)
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name string
		rows []*s3access.Row
		want string
	}{
		{"while learning", []*s3access.Row{day(0, "192.0.2.1"), day(6, "192.0.2.2")}, ""},
		{"new after learning", []*s3access.Row{day(0, "192.0.2.1"), day(7, "192.0.2.2"), day(8, "192.0.2.2")}, "New @03-10 amber-files 192.0.2.2"},
		{"learned", []*s3access.Row{day(0, "192.0.2.1"), day(5, "192.0.2.2"), day(30, "192.0.2.2")}, ""},
		{"new again", []*s3access.Row{day(0, "192.0.2.1"), day(1, "192.0.2.2"), day(20, "192.0.2.1"), day(40, "192.0.2.2")}, "New @04-12 amber-files 192.0.2.2"},
		{"silent for longer than the timespan", []*s3access.Row{day(0, "192.0.2.1"), day(10, "192.0.2.1"), day(45, "192.0.2.2")}, ""},
		{"learns anew", []*s3access.Row{day(0, "192.0.2.1"), day(8, "192.0.2.1"), day(60, "192.0.2.2"), day(66, "192.0.2.3"), day(67, "192.0.2.4")}, "New @05-09 amber-files 192.0.2.4"},
		{"silent for the timespan", []*s3access.Row{day(0, "192.0.2.1"), day(10, "192.0.2.1"), day(40, "192.0.2.2")}, "New @04-12 amber-files 192.0.2.2"},
		{"no value", []*s3access.Row{day(0, "192.0.2.1"), row(at(9*24*time.Hour), func(r *s3access.Row) { r.RemoteIP = nil })}, ""},
	} {
		// In order of the days: a file that is later than the timespan could make an
		// earlier day the first.
		out := &sent{}
		e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
		w := rules.Watch()
		for i, row := range c.rows {
			o := watched(w, fmt.Sprint(i), row)
			for range 1 + r.IntN(2) {
				if _, err := e.Apply(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := strings.Join(out.uids(), "; "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		out = &sent{}
		applied(t, detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{}), watched(rules.Watch(), "all", c.rows...))
		if got := strings.Join(out.uids(), "; "); got != c.want {
			t.Errorf("%s, in one file: got %q, want %q", c.name, got, c.want)
		}
	}
}

// What a finding says of distinct values is what is known of them: no more of a
// bin are kept than it takes to cross, and the records they came in are not
// counted at all.
func TestDistinctValuesAreNotCountedAsRecords(t *testing.T) {
	rules := load(t, fmt.Sprintf(deletes, "low")+correlation("value_count", "12h", "field: key_name, gte: 5", "bucket_name"))
	for _, c := range []struct {
		apart   time.Duration
		keys    int
		value   int64
		atLeast bool
	}{
		{time.Hour, 7, 7, false}, // each in a bin of its own
		{time.Second, 40, 5, true},
	} {
		out := &sent{}
		e := detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{Every: true})
		var rows []*s3access.Row
		for i := range c.keys {
			for range 3 {
				rows = append(rows, row(at(time.Duration(i)*c.apart), key(fmt.Sprint(i))))
			}
		}
		applied(t, e, watched(rules.Watch(), "a", rows...))
		f := out.all[len(out.all)-1]
		if f.Rule.Title != "Correlated" || f.Value != c.value || f.AtLeast != c.atLeast || f.Count != 0 {
			t.Errorf("%d keys: got %d, at least: %v, %d records of %s; want %d, %v, and none", c.keys, f.Value, f.AtLeast, f.Count, f.Rule.Title, c.value, c.atLeast)
		}
	}
}

// What takes away from a sum does not: what was told once stays true.
func TestSumsDoNotFall(t *testing.T) {
	rules := load(t, cutRules)
	out := &sent{}
	w, e := rules.Watch(), detect.NewEngine(rules, detect.NewMemory(), out, detect.Config{})
	applied(t, e, watched(w, "a", row(at(0), op("GET"), sized(-5_000_000)), row(at(time.Minute), op("GET"), sized(600_000))))
	applied(t, e, watched(w, "b", row(at(time.Minute), op("GET"), sized(-1)), row(at(2*time.Minute), op("GET"), sized(400_000))))
	var got []string
	for _, f := range out.all {
		if f.Rule.Title == "Sum" {
			got = append(got, fmt.Sprint(f.Value))
		}
	}
	if !slices.Equal(got, []string{"1000000"}) {
		t.Errorf("told of sums %v, want 1000000", got)
	}
}
