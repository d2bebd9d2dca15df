package ingest

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"sluice/internal/detect"
	"sluice/internal/pipeline"
	"sluice/internal/sigma"
)

// tally is what an invocation adds to the metrics.
type tally struct {
	files, skipped, failed           int64
	lines, rows, rejected, ambiguous int64
	unaccounted                      int64
	bytesIn, bytesOut                int64
	lag                              []int64 // ms from the file's delivery to its rows, one a file

	detects    bool // findings are on
	did        detect.Report
	refused    int64 // messages that SNS will never take
	ruleErrors int64 // documents that are left out now, not those found in this invocation
}

func (t *tally) add(f pipeline.File, now time.Time) {
	t.files++
	switch f.Outcome {
	case pipeline.Skipped:
		t.skipped++
	case pipeline.Failed:
		t.failed++ // its lines are counted when they arrive
	case pipeline.Converted:
		t.lines += f.Lines
		t.rows += f.Rows
		t.rejected += f.Rejected
		t.ambiguous += f.Ambiguous
		t.unaccounted += max(f.Unaccounted(), -f.Unaccounted()) // two faults must not add up to none
		t.bytesIn += f.BytesIn
		// What was delivered longer ago than any message waits is no late file but an
		// old one, announced by a backfill.
		if m := f.Object.Modified; !m.IsZero() && now.Sub(m) <= longestWait {
			t.lag = append(t.lag, max(now.Sub(m).Milliseconds(), 0))
		}
	}
}

// longestWait is how long SQS keeps a message, dead letters included.
const longestWait = 14 * 24 * time.Hour

// namespace is where CloudWatch shows the metrics.
const namespace = "Sluice"

type emfMetric struct {
	Name string
	Unit string
}

// write puts the tally on one line in CloudWatch's embedded metric format:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
//
// The function is the only dimension. Every value of a dimension is paid for as
// a metric of its own, so what others can choose must never be one.
func (t *tally) write(w io.Writer, function string, now time.Time) error {
	doc := map[string]any{"Function": function}
	var defs []emfMetric
	metric := func(name, unit string, v any) {
		defs = append(defs, emfMetric{name, unit})
		doc[name] = v
	}
	metric("Files", "Count", t.files)
	metric("Skipped", "Count", t.skipped)
	metric("Failed", "Count", t.failed)
	metric("Lines", "Count", t.lines)
	metric("Rows", "Count", t.rows)
	metric("Rejected", "Count", t.rejected)
	metric("Ambiguous", "Count", t.ambiguous)
	metric("Unaccounted", "Count", t.unaccounted)
	metric("BytesIn", "Bytes", t.bytesIn)
	metric("BytesOut", "Bytes", t.bytesOut)
	if t.detects {
		for l := sigma.Informational; l <= sigma.Critical; l++ {
			name := l.String()
			metric("Findings"+strings.ToUpper(name[:1])+name[1:], "Count", t.did.Findings[l])
		}
		metric("Alerts", "Count", t.did.Alerts)
		metric("AlertsLimited", "Count", t.did.Limited)
		metric("GroupsDropped", "Count", t.did.GroupsDropped)
		metric("MessagesRefused", "Count", t.refused)
		metric("RuleErrors", "Count", t.ruleErrors)
	}
	if len(t.lag) > 0 {
		metric("Lag", "Milliseconds", spread(t.lag, maxValues))
	}
	doc["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace":  namespace,
			"Dimensions": [][]string{{"Function"}},
			"Metrics":    defs,
		}},
	}
	line, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	if _, err := w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// maxValues is how many values CloudWatch takes for one metric of a document.
const maxValues = 100

// spread picks at most n values, evenly from the sorted ones and with both
// ends, so that the percentiles stay about what they were.
func spread(v []int64, n int) []int64 {
	if len(v) <= n {
		return v
	}
	sorted := slices.Sorted(slices.Values(v))
	out := make([]int64, n)
	for i := range out {
		out[i] = sorted[i*(len(sorted)-1)/(n-1)]
	}
	return out
}
