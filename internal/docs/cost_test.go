package docs

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Prices in dollars: list prices of us-east-1, written down on 2026-11-23.
const (
	lambdaGBSecond  = 0.0000133334 // arm64
	lambdaRequest   = 0.20 / 1e6
	s3Get           = 0.0004 / 1e3
	s3Put           = 0.005 / 1e3
	s3GBMonth       = 0.023
	sqsRequest      = 0.40 / 1e6
	dynamoWrite     = 0.625 / 1e6
	dynamoRead      = 0.125 / 1e6
	logGB           = 0.50
	metricMonth     = 0.30
	alarmMonth      = 0.10 // for each metric it looks at
	dashboardMonth  = 3.00
	eventbridge     = 1.00 / 1e6
	cloudtrailEvent = 0.10 / 1e5 // data events
)

// Measured on 2026-11-23 on two shared x86 cores, beside what docs/performance.md
// says: BenchmarkWatch, BenchmarkApply (100 lines) and TestCosts (ordinary traffic,
// 110 lines a file) of internal/detect with all shipped rules, TestCost of
// internal/awsio with 100 files a batch.
const (
	watchSeconds   = 4.6e-6 // CPU a line
	applySeconds   = 5.2e-6 // CPU a line, in files of 100 lines
	writesPerLine  = 0.22   // items written for counters and claims, of up to 1 KB
	readsPerLine   = 0.18   // queries of counters, of up to 4 KB
	ledgerPerFile  = 1.3    // write units
	logLineBytes   = 450    // a file, with its part of the metrics
	sqsPerFile     = 1.2    // sent alone, received and deleted by ten
	objectsPerTime = 4      // Parquet objects a batch: two days, and those of rejects and findings
)

// Assumed, because nothing local can measure it.
const (
	waitPerFile  = 0.012 // seconds of waiting for DynamoDB and S3, four files counted and sixteen fetched at once
	waitPerBatch = 1.0   // to start, to commit
	windows      = 30 * 24 * 3600 / 300
)

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

// measured reads a figure out of docs/performance.md, so that a new measurement
// there is a new price here.
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

// bill is what a month costs, by what is paid for.
type bill struct{ lambda, requests, state, logs, storage, watching float64 }

func (b bill) total() float64 {
	return b.lambda + b.requests + b.state + b.logs + b.storage + b.watching
}

func costOf(t *testing.T, l load) bill {
	t.Helper()
	convert := measured(t, `convert, CPU s per million lines +([0-9.]+)`) / 1e6
	thousandFiles := measured(t, `1,000 files of 110 lines, CPU s +([0-9.]+)`)
	perFile := max(0, thousandFiles/1000-110*convert)
	text := measured(t, `1,000,000 lines, ([0-9.]+) MB of text`) // bytes a line
	row := measured(t, `convert, bytes per row +([0-9.]+)`)

	files := l.lines / l.linesPerFile
	batches := files / 1000 // a backlog
	if l.name != "" {
		batches = max(batches, min(files, windows)) // and every five minutes what has come
	}
	seconds := l.lines*(convert+watchSeconds+applySeconds) + files*(perFile+waitPerFile) + batches*waitPerBatch
	memory, ok := template(t).Parameters["MemorySize"].Default.(float64)
	if !ok {
		t.Fatal("MemorySize has no default")
	}
	alarms := float64(len(template(t).of("AWS::CloudWatch::Alarm")) + 1) // one looks at two metrics
	// A metric is paid for by the hour in which it has a value: those of the daily
	// look for one in 24.
	metrics := float64(len(emittedIn(t, "internal/ingest"))) + float64(len(emittedIn(t, "internal/coverage")))/24
	return bill{
		lambda:   seconds*memory/1024*lambdaGBSecond + batches*lambdaRequest,
		requests: files*(s3Get+sqsPerFile*sqsRequest) + batches*objectsPerTime*2*s3Put, // put out of sight, then copied
		state:    l.lines*(writesPerLine*dynamoWrite+readsPerLine*dynamoRead) + files*ledgerPerFile*dynamoWrite,
		logs:     files * logLineBytes / 1e9 * logGB,
		storage:  l.lines * (text + row) / 1e9 * s3GBMonth,
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
		{"function: time and invocations", func(b bill) float64 { return b.lambda }},
		{"S3 and SQS: requests", func(b bill) float64 { return b.requests }},
		{"DynamoDB: counters of findings, ledger", func(b bill) float64 { return b.state }},
		{"the function's log", func(b bill) float64 { return b.logs }},
		{"S3: a month of text and Parquet, kept for a month", func(b bill) float64 { return b.storage }},
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

// TestCost: the table in docs/operations.md is what the figures and prices give.
func TestCost(t *testing.T) {
	const page = "docs/operations.md"
	is := read(t, page)
	want, err := fill(is, "cost", costTable(t))
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
