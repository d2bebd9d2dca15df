package generate

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	start   = regexp.MustCompile(`^[0-9a-f]{64} [a-z-]+ \[[0-3]\d/[A-Z][a-z]{2}/\d{4}:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d \+0000\] \S+ {1,2}\S.*? [0-9A-Z]{16} ((?:REST|WEBSITE|BATCH|S3)\.[A-Z_.]+) (\S+) `)
	numbers = regexp.MustCompile(`^ (\d{3}|-) (\S+) (\d+|-) (\d+|-) (\d+|-) (\d+|-) `)
	tail    = regexp.MustCompile(`^ \S+(?: [A-Za-z0-9+/]{75}=(?: (?:SigV[24]|-) \S+ (?:AuthHeader|QueryString|-) \S+ (?:TLSv\S+|-)(?: \S+(?: (?:Yes|-)(?: \S+)?)?)?)?)?$`)
)

// splits counts in how many ways line splits into fields: a second, slow
// statement of the format, so that the truth's "ambiguous" is not mere hope.
func splits(line string) int {
	m := start.FindStringIndex(line)
	if m == nil {
		return 0
	}
	rest, n := line[m[1]:], 0
	ends := func(s string) (all []int) { // where a quoted text, or a bare "-", may end
		if strings.HasPrefix(s, "- ") {
			return []int{1}
		}
		if !strings.HasPrefix(s, `"`) {
			return nil
		}
		for i := 1; i < len(s)-1; i++ {
			if s[i] == '"' && s[i+1] == ' ' {
				all = append(all, i+1)
			}
		}
		return all
	}
	for _, uri := range ends(rest) {
		num := numbers.FindString(rest[uri:])
		if num == "" {
			continue
		}
		texts := rest[uri+len(num):]
		for _, referer := range ends(texts) {
			agents := texts[referer+1:]
			for _, agent := range ends(agents) {
				if tail.MatchString(agents[agent:]) {
					n++
				}
			}
		}
	}
	return n
}

func TestVerdictsHold(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and one goroutine: not for the race detector")
	}
	truth, files := write(t, whole)
	var clean, ambiguous, rejected int64
	for _, f := range files {
		if !isAccess(f.key) {
			continue
		}
		for i, line := range linesOf(f) {
			switch n := splits(line); {
			case n == 0:
				rejected++
				if i == 0 {
					t.Errorf("%s begins with a broken line", f.key)
				}
			case n == 1:
				clean++
			default:
				ambiguous++
			}
		}
	}
	if clean != truth.Clean.Rows || ambiguous != truth.Access.Ambiguous || rejected != truth.Access.Rejected {
		t.Errorf("%d clean, %d ambiguous, %d rejected; truth says %d, %d, %d", clean, ambiguous, rejected,
			truth.Clean.Rows, truth.Access.Ambiguous, truth.Access.Rejected)
	}
	if ambiguous < 50 || rejected < 4 {
		t.Errorf("%d ambiguous, %d rejected: want some", ambiguous, rejected)
	}
	for _, s := range specials {
		if truth.Special[s.name] == 0 {
			t.Errorf("no line of kind %s", s.name)
		}
	}
}

func TestCleanTotals(t *testing.T) {
	truth, files := write(t, Options{Seed: 3, Lines: 900, Scenarios: []string{"anonymous-read", "mass-delete", "re-encryption"}})
	simple := regexp.MustCompile(`\] \S+ +(\S+) [0-9A-Z]{16} (\S+) \S+ (?:".*?"|-) (\d{3}|-) \S+ (\S+) (\S+) (\S+) (\S+) (?:"[^"]*"|-) `)
	got := Clean{Statuses: map[string]int64{}, Operations: map[string]int64{}}
	number := func(s string) int64 {
		if s == "-" {
			return 0
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, f := range files {
		for _, line := range linesOf(f) {
			if !isAccess(f.key) || splits(line) != 1 {
				continue
			}
			// A requester with spaces and quotes in a request line are beyond this expression.
			line = strings.Replace(line, "CloudFront Origin Access Identity ", "", 1)
			line = strings.Replace(line, `filename="report.pdf"`, "", 1)
			m := simple.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("cannot read %.300s", line)
			}
			got.Rows++
			if m[1] == "-" {
				got.Anonymous++
			}
			got.Operations[m[2]]++
			got.Statuses[strings.Replace(m[3], "-", "null", 1)]++
			if m[4] == "-" {
				got.BytesSentNull++
			}
			got.BytesSent += number(m[4])
			got.ObjectSize += number(m[5])
		}
	}
	found, _ := json.Marshal(got)
	said, _ := json.Marshal(truth.Clean)
	if !bytes.Equal(found, said) {
		t.Errorf("files hold\n%s, truth says\n%s", found, said)
	}
}

func TestEveryScenario(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and one goroutine: not for the race detector")
	}
	base, _ := write(t, Options{Seed: 5, Lines: 2000, Events: 200, Days: 2})
	for _, s := range Scenarios() {
		truth, files := write(t, Options{Seed: 5, Lines: 2000, Events: 200, Days: 2, Scenarios: []string{s.Name}})
		if len(truth.Scenarios) != 1 || truth.Scenarios[0].Name != s.Name {
			t.Errorf("%s: planted %+v", s.Name, truth.Scenarios)
			continue
		}
		p := truth.Scenarios[0]
		if p.Lines < 10 || sumOf(p.Operations) != p.Lines || len(p.RequestIDs) == 0 || len(p.RemoteIPs) == 0 || p.First >= p.Last || p.Last >= "2026-03-04" {
			t.Errorf("%s: %+v", s.Name, p)
		}
		if got := truth.Access.Lines - base.Access.Lines; got != p.Lines {
			t.Errorf("%s: %d lines more than without, want %d", s.Name, got, p.Lines)
		}
		if truth.Access.Rejected != base.Access.Rejected || truth.Access.Ambiguous != p.Ambiguous || truth.Clean.Rows != base.Clean.Rows+p.Lines-p.Ambiguous {
			t.Errorf("%s: the traffic around it changed", s.Name)
		}
		if (p.Ambiguous > 0) != (s.Name == "forged-lines") || (p.Records > 0) == (s.Name == "forged-lines") {
			t.Errorf("%s: %d ambiguous lines, %d records", s.Name, p.Ambiguous, p.Records)
		}
		for _, id := range p.RequestIDs {
			if !slices.ContainsFunc(files, func(f delivered) bool { return isAccess(f.key) && strings.Contains(f.text, " "+id+" ") }) {
				t.Errorf("%s: no line with request id %s", s.Name, id)
			}
		}
	}
	all, _ := write(t, Options{Seed: 5, Lines: 2000, Events: 200, Days: 2, Scenarios: []string{"all"}})
	if len(all.Scenarios) != len(Scenarios()) {
		t.Errorf("all plants %d scenarios, want %d", len(all.Scenarios), len(Scenarios()))
	}
}

func TestLinesLookReal(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and one goroutine: not for the race detector")
	}
	const n = 40_000
	var out bytes.Buffer
	if err := Lines(&out, 1, n); err != nil {
		t.Fatal(err)
	}
	if mean := out.Len() / n; mean < 620 || mean > 670 {
		t.Errorf("mean line of %d bytes, want 620 to 670", mean)
	}
	var six, anonymous, gets, presigned, bare int
	ids, keys, buckets := map[string]bool{}, map[string]int{}, map[string]int{}
	last := ""
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if splits(line) != 1 || strings.Count(line, `"`) > 6 {
			t.Fatalf("not a plain line: %s", line)
		}
		f := strings.Fields(line)
		if at := f[2]; at < last {
			t.Fatalf("%s after %s", at, last)
		}
		last = f[2]
		buckets[f[1]]++
		ids[f[6]] = true
		keys[f[1]+"/"+f[8]]++
		if strings.Contains(f[4], ":") {
			six++
		}
		if f[5] == "-" {
			anonymous++
		}
		if f[7] == "REST.GET.OBJECT" {
			gets++
		}
		if strings.Contains(line, " QueryString ") {
			presigned++
		}
		if f[9] == "-" {
			bare++
		}
	}
	for name, c := range map[string]struct{ got, low, high int }{
		"IPv6": {six, n / 100, n / 20}, "anonymous": {anonymous, n / 100, n / 10}, "GET": {gets, n / 2, n * 9 / 10},
		"presigned": {presigned, n / 30, n / 10}, "bare": {bare, n / 200, n / 10}, "request ids": {len(ids), n * 9 / 10, n},
		"keys": {len(keys), n / 10, n}, "buckets": {len(buckets), 8, 8},
	} {
		if c.got < c.low || c.got > c.high {
			t.Errorf("%s: %d of %d, want %d to %d", name, c.got, n, c.low, c.high)
		}
	}
	var again bytes.Buffer
	if err := Lines(&again, 1, n); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Errorf("the same seed gives other lines: %v", err)
	}
}

func TestEventsAreOneDocument(t *testing.T) {
	const n = 5000
	var out bytes.Buffer
	if err := Events(&out, 1, n); err != nil {
		t.Fatal(err)
	}
	names, sources := map[string]int{}, map[string]int{}
	records := recordsOf(t, delivered{key: "events", text: out.String()})
	for _, r := range records {
		names[r.EventName]++
		sources[r.EventSource]++
	}
	if len(records) != n || names["GetObject"] < n/3 || names["AssumeRole"] == 0 || sources["s3.amazonaws.com"] < n*9/10 {
		t.Errorf("%d records, %v, %v", len(records), names, sources)
	}
	var none bytes.Buffer
	if err := Events(&none, 1, 0); err != nil || none.String() != `{"Records":[]}` {
		t.Errorf("no events: %q, %v", none.String(), err)
	}
}
