package docs

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/cost"
)

// Prices of what a backfill does not use; the others are in internal/cost.
const (
	metricMonth     = 0.30
	alarmMonth      = 0.10 // for each metric it looks at
	dashboardMonth  = 3.00
	eventbridge     = 1.00 / 1e6
	cloudtrailEvent = 0.10 / 1e5 // data events
)

// windows are the batches of a month in which every window has a file.
const windows = 30 * 24 * 3600 / 300

// load is what a month brings; without a name, what comes at once.
type load struct {
	name         string
	lines        float64
	linesPerFile float64
}

var loads = []load{
	{"small", 1e6, 110},
	{"medium", 100e6, 110},
	{"large", 3e9, 1000},
}

// measured reads a figure out of docs/performance.md.
func measured(t *testing.T, pattern string) float64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(read(t, "docs/performance.md"))
	if m == nil {
		t.Fatalf("docs/performance.md has no line like %q", pattern)
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", ""), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestCostIsMeasured: a new measurement is a new price.
func TestCostIsMeasured(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		is            float64
	}{
		{"ConvertSeconds", `convert, CPU s per million lines: all columns +([0-9.]+)`, cost.ConvertSeconds * 1e6},
		{"ThousandFileSeconds", `1,000 files of 110 lines, CPU s +([0-9.]+)`, cost.ThousandFileSeconds},
		{"GetSeconds", `awsio.S3.Open. \| ([0-9.]+)`, cost.GetSeconds * 1e6},
		{"LineBytes", `1,000,000 lines, ([0-9.]+) MB of text`, cost.LineBytes},
		{"RowBytes", `convert, bytes per row: all columns +([0-9.]+)`, cost.RowBytes},
	} {
		if want := measured(t, c.pattern); math.Abs(c.is-want) > 1e-9 {
			t.Errorf("cost.%s says %v, docs/performance.md %v: bring internal/cost up to date, then make generate", c.name, c.is, want)
		}
	}
	tpl := template(t)
	s := cost.DefaultStack()
	for name, is := range map[string]float64{
		"MemorySize": s.MemoryMB, "BatchSize": s.BatchSize, "BackfillInvocations": s.Invocations, "BackfillConcurrency": s.Concurrency, "StateWriteLimit": s.WriteLimit,
	} {
		if want := tpl.Parameters[name].Default; fmt.Sprint(is) != fmt.Sprint(want) {
			t.Errorf("internal/cost takes %s for %v, the template for %v", name, is, want)
		}
	}
}

// bill is what a month costs, by what is paid for.
type bill struct {
	cost.Bill
	text, watching float64
}

func (b bill) storage() float64 { return b.Parquet + b.text }

func (b bill) total() float64 { return b.Total() + b.text + b.watching }

func costOf(t *testing.T, l load) bill {
	t.Helper()
	files := l.lines / l.linesPerFile
	batches := files / 1000 // a backlog
	if l.name != "" {
		batches = max(batches, min(files, windows)) // and every five minutes what has come
	}
	alarms := float64(len(template(t).of("AWS::CloudWatch::Alarm")) + 1) // one looks at two metrics
	// A metric is paid for by the hour in which it has a value: those of the daily
	// look for one in 24.
	metrics := float64(len(emittedIn(t, "internal/ingest"))) + float64(len(emittedIn(t, "internal/coverage")))/24
	return bill{
		Bill:     cost.Of(cost.Load{Lines: l.lines, Files: files, Batches: batches, MemoryMB: cost.DefaultStack().MemoryMB}),
		text:     l.lines * cost.LineBytes / 1e9 * cost.S3GBMonth,
		watching: metrics*metricMonth + alarms*alarmMonth + dashboardMonth,
	}
}

func dollars(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.001:
		return "below 0.001"
	case v < 0.1:
		return fmt.Sprintf("%.3f", v)
	case v < 100:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func costTable(t *testing.T) []string {
	t.Helper()
	million := costOf(t, load{"", 1e6, 110})
	head, rule := "| dollars | a million lines more, 110 a file |", "|---|---|"
	million.watching = 0 // paid by the month, not by the line
	bills := []bill{million}
	for _, l := range loads {
		head += fmt.Sprintf(" %s: %.0f million lines a month, %.0f a file |", l.name, l.lines/1e6, l.linesPerFile)
		rule += "---|"
		bills = append(bills, costOf(t, l))
	}
	out := []string{"", head, rule}
	for _, r := range []struct {
		what string
		of   func(bill) float64
	}{
		{"function: time and invocations", func(b bill) float64 { return b.Function }},
		{"S3 and SQS: requests", func(b bill) float64 { return b.Requests }},
		{"DynamoDB: counters of findings, ledger", func(b bill) float64 { return b.State + b.Ledger }},
		{"the function's log", func(b bill) float64 { return b.Log }},
		{"S3: a month of text and Parquet, kept for a month", func(b bill) float64 { return b.storage() }},
		{"metrics, alarms, dashboard, before what is free", func(b bill) float64 { return b.watching }},
		{"**together**", bill.total},
	} {
		line := "| " + r.what + " |"
		for _, b := range bills {
			line += " " + dollars(r.of(b)) + " |"
		}
		out = append(out, line)
	}
	return append(out, "")
}

// fileTable is what a million lines and a GB cost by the size of their files.
func fileTable() []string {
	out := []string{"", "| dollars |", "|---|"}
	var bills []cost.Backfill
	for _, of := range []struct {
		what  string
		lines float64
	}{{"a million lines", 1e6}, {"a GB", 1e9 / cost.LineBytes}} {
		for _, file := range []struct {
			name  string
			bytes float64
		}{{"73 KB", 73e3}, {"1 MB", 1e6}} {
			out[1] += fmt.Sprintf(" %s in files of %s |", of.what, file.name)
			out[2] += "---|"
			b := cost.OfBackfill(of.lines*cost.LineBytes/file.bytes, of.lines, false, cost.DefaultStack())
			b.Job -= cost.BatchOperations // a job is paid once, however large
			bills = append(bills, b)
		}
	}
	live := func(b cost.Backfill) float64 { return b.Convert.Total() - b.Convert.Parquet - b.Convert.Ledger }
	for _, r := range []struct {
		what string
		of   func(cost.Backfill) float64
	}{
		{"requests to S3 and SQS", func(b cost.Backfill) float64 { return b.Convert.Requests }},
		{"function: CPU to fetch and convert", func(b cost.Backfill) float64 { return b.Convert.Convert }},
		{"function: findings, waiting, invocations", func(b cost.Backfill) float64 { return b.Convert.Function - b.Convert.Convert }},
		{"DynamoDB: counters of findings, ledger", func(b cost.Backfill) float64 { return b.Convert.State }},
		{"the function's log", func(b cost.Backfill) float64 { return b.Convert.Log }},
		{"**live, together**", live},
		{"announcing old files", func(b cost.Backfill) float64 { return b.Job + b.Announce }},
		{"**backfill, together**", func(b cost.Backfill) float64 { return live(b) + b.Job + b.Announce }},
	} {
		line := "| " + r.what + " |"
		for _, b := range bills {
			line += " " + figure(r.of(b)) + " |"
		}
		out = append(out, line)
	}
	return append(out, "")
}

// figure has two digits that count: what CPU costs is far below a cent.
func figure(v float64) string {
	return strconv.FormatFloat(v, 'f', max(0, 1-int(math.Floor(math.Log10(v)))), 64)
}

// TestCost: the tables in docs/operations.md are what the figures and prices give.
func TestCost(t *testing.T) {
	const page = "docs/operations.md"
	is := read(t, page)
	want, err := fill(is, "cost", costTable(t))
	if err == nil {
		want, err = fill(want, "cost by file", fileTable())
	}
	if err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	if is == want {
		return
	}
	if *update {
		if err := os.WriteFile(root+page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not what the figures say; run make generate:\n%s", page, cmp.Diff(strings.Split(is, "\n"), strings.Split(want, "\n")))
}
