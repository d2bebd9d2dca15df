package report

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"sluice/internal/amount"
)

// TestAssets: the libraries are the released files that VERSIONS says, and can
// stand in a page.
func TestAssets(t *testing.T) {
	versions, err := files.ReadFile("assets/VERSIONS")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(versions)) {
		f := strings.Fields(line)
		if len(f) != 5 {
			t.Fatalf("%q: want file, name, version, licence, sha256", line)
		}
		text, err := files.ReadFile("assets/" + f[0])
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != f[4] {
			t.Errorf("%s has the hash %x", f[0], sum)
		}
		head, _, _ := strings.Cut(string(text), "\n")
		if !strings.Contains(head, "v"+f[2]) {
			t.Errorf("%s begins with %s", f[0], head)
		}
		seen++
	}
	if seen != len(scripts)-1 {
		t.Errorf("%d libraries, and %d scripts", seen, len(scripts))
	}
	for _, name := range scripts {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range []string{"</script", "<!--", "<script"} {
			if strings.Contains(strings.ToLower(string(text)), end) {
				t.Errorf("%s has %s, which a script in a page cannot", name, end)
			}
		}
	}
	for _, name := range licences {
		if text, err := files.ReadFile(name); err != nil || !strings.Contains(string(text), "Permission") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPlotStyle: the policy lets in the style that Plot adds, and no other.
func TestPlotStyle(t *testing.T) {
	text, err := files.ReadFile("assets/plot.umd.min.js")
	if err != nil {
		t.Fatal(err)
	}
	source := strings.NewReplacer("\n", `\n`, ".plot", ".${c}").Replace(plotStyle)
	if !strings.Contains(string(text), `.append("style").text(`+"`"+source+"`)") {
		t.Error("Plot has another style: page.js asks for the class name plot, and plotStyle must be what that gives")
	}
}

func TestAxis(t *testing.T) {
	at := func(text string) int64 {
		m, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return m.Unix()
	}
	for _, c := range []struct {
		first, last, unit, label string
		bins                     int64
	}{
		{"2026-03-02 10:15", "2026-03-02 10:15", "minute", "2026-03-02 10:15", 1},
		{"2026-03-02 10:15", "2026-03-02 11:20", "minute", "2026-03-02 10:15", 66},
		{"2026-03-02 10:15", "2026-03-02 12:00", "5 minutes", "2026-03-02 10:15", 22},
		{"2026-03-02 00:10", "2026-03-03 23:59", "hour", "2026-03-02 00:00", 48},
		{"2026-03-02 00:10", "2026-03-08 23:59", "3 hours", "2026-03-02 00:00", 56},
		{"2026-03-01 00:00", "2026-05-31 23:59", "day", "2026-03-01", 92},
		{"2026-03-04 00:00", "2026-12-31 00:00", "week", "2026-03-02", 44},
		{"2020-01-01 00:00", "2026-12-31 00:00", "4 weeks", "2019-12-30", 92},
		{"2006-03-01 00:00", "2026-12-31 00:00", "13 weeks", "2006-02-20", 84},
		{"1950-01-01 00:00", "2026-12-31 00:00", "52 weeks", "1949-01-31", 79},
		{"0001-01-01 00:00", "9999-12-31 00:00", "39697 days", "0001-01-01", 92},
	} {
		a := axisOf(at(c.first), at(c.last))
		if a.Bins > maxBins || a.Start > at(c.first) || a.Start+a.Bins*a.Step <= at(c.last) {
			t.Errorf("%s to %s: %+v does not hold it", c.first, c.last, a)
		}
		if c.label == "0001-01-01" {
			continue // whatever holds it
		}
		if a.unit() != c.unit || a.Bins != c.bins || a.label(0) != c.label {
			t.Errorf("%s to %s: %d × %s from %s", c.first, c.last, a.Bins, a.unit(), a.label(0))
		}
	}
}

func TestSpan(t *testing.T) {
	on := func(dt string, n int64) day {
		m, err := time.Parse(time.DateOnly, dt)
		if err != nil {
			t.Fatal(err)
		}
		return day{dt: dt, n: n, first: m.Unix(), last: m.Unix() + 3600}
	}
	for _, c := range []struct {
		name      string
		days      []day
		first     string
		last      string
		strayDays int
		strayRows int64
	}{
		{"one day", []day{on("2026-03-02", 5)}, "2026-03-02", "2026-03-02", 0, 0},
		{"old lines", []day{on("2012-10-17", 1), on("2019-12-04", 1), on("2026-03-02", 500), on("2026-03-03", 500)}, "2026-03-02", "2026-03-03", 2, 2},
		{"lines of tomorrow", []day{on("2026-03-02", 500), on("2026-03-03", 500), on("2031-01-01", 3)}, "2026-03-02", "2026-03-03", 1, 3},
		{"both", []day{on("2012-10-17", 1), on("2026-03-02", 500), on("2031-01-01", 3)}, "2026-03-02", "2026-03-02", 2, 4},
		{"not few", []day{on("2012-10-17", 100), on("2026-03-02", 500)}, "2012-10-17", "2026-03-02", 0, 0},
		{"not far", []day{on("2026-02-20", 1), on("2026-03-02", 500)}, "2026-02-20", "2026-03-02", 0, 0},
		{"a quiet start", []day{on("2012-10-17", 1), on("2026-02-20", 1), on("2026-03-02", 500)}, "2026-02-20", "2026-03-02", 1, 1},
		{"two tables", []day{on("2026-03-02", 500), on("2026-03-02", 7), on("2012-10-17", 1), on("2012-10-17", 1)}, "2026-03-02", "2026-03-02", 1, 2},
	} {
		s := spanOf(c.days)
		if moment(s.first)[:10] != c.first || moment(s.last)[:10] != c.last || s.strayDays != c.strayDays || s.strayRows != c.strayRows {
			t.Errorf("%s: %s to %s, beside it %d days, %d rows", c.name, moment(s.first), moment(s.last), s.strayDays, s.strayRows)
		}
	}
}

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"a key.txt":               "a key.txt",
		"a\u202eb":                `a\u202eb`,
		strings.Repeat("é", 160):  strings.Repeat("é", 160),
		strings.Repeat("é", 161):  strings.Repeat("é", 160) + "… (161 characters)",
		strings.Repeat("x", 5000): strings.Repeat("x", 160) + "… (5,000 characters)",
	} {
		if got := shown(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := shown(strings.Repeat("\u202e", 100)); len(got) > 200 || !strings.HasSuffix(got, "… (100 characters)") {
		t.Errorf("escapes: %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{percent(0, 10), "0 %"}, {percent(10, 10), "100 %"}, {percent(1, 100000), "under 0.1 %"}, {percent(99999, 100000), "over 99.9 %"}, {percent(1, 3), "33.3 %"},
		{amount.Bytes(999), "999 B"}, {amount.Bytes(1000), "1.0 kB"}, {amount.Bytes(999_950), "1.0 MB"}, {amount.Bytes(61_987_654_321), "62.0 GB"},
		{amount.Grouped(-1234567), "-1,234,567"}, {decimals("1234.5"), "1,234.5"}, {decimals("-0.4"), "-0.4"}, {decimals("1e30"), "1e30"},
		{(&table{Rows: make([]tableRow, 2), Of: 2}).Cut(), ""},
		{(&table{Rows: make([]tableRow, 2), Of: 1234}).Cut(), "The first 2 of 1,234."},
		{(&table{Rows: make([]tableRow, 2), Of: beyond, More: true}).Cut(), "The first 2 of more than 10,000."},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// TestDetail: a finding's document is somebody's text, too.
func TestDetail(t *testing.T) {
	if d := detailOf(`{"finding_info": 3`); d.About != "" || d.Samples != nil {
		t.Errorf("%+v", d)
	}
	d := detailOf(`{"finding_info":{"desc":"one two\u202e","attacks":[{"technique":{"uid":"T1530","name":"Data"}}]},"remediation":{"desc":"` + strings.Repeat("word ", 1000) + `"},
		"evidences":[{"api":{"operation":"GetObject"},"data":{"time":1772409600000,"key":"a\u0007b"}},{},{},{}]}`)
	if d.About != `one two\u202e` || !strings.HasSuffix(d.ToDo, " …") || len(d.ToDo) > 2100 || len(d.Samples.Rows) != maxSamples || d.Samples.Of != 4 {
		t.Errorf("%+v", d)
	}
	if row := d.Samples.Rows[0].Cells; row[0].Text != "2026-03-02 00:00:00" || row[2].Text != `a\x07b` || !row[3].Null {
		t.Errorf("%+v", row)
	}
}
