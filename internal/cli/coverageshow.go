package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/coverage"
	"sluice/internal/logs"
)

// coverageAnswer is what coverage found. Its JSON is for scripts.
type coverageAnswer struct {
	Checked   time.Time        `json:"checked"`
	Account   string           `json:"account"`
	Region    string           `json:"region,omitempty"`
	LogBucket string           `json:"log_bucket,omitempty"`
	Counts    map[string]int64 `json:"counts"` // by status
	Buckets   []bucketCoverage `json:"buckets"`
}

// bucketCoverage is one bucket.
type bucketCoverage struct {
	Bucket    string `json:"bucket"`
	Region    string `json:"region,omitempty"`
	Status    string `json:"status"`
	Before    string `json:"status_before,omitempty"`
	New       *bool  `json:"new,omitempty"` // nil at the first look
	Detail    string `json:"detail,omitempty"`
	LogBucket string `json:"log_bucket,omitempty"`
	LogPrefix string `json:"log_prefix,omitempty"`
	Silent    *int64 `json:"silent_hours,omitempty"`
	Usual     *int64 `json:"usual_hours,omitempty"`
}

func coverageOf(r *coverage.Row) bucketCoverage {
	b := bucketCoverage{
		Bucket: string(r.BucketName), Region: string(r.Region), Status: string(r.Status), Before: string(r.StatusBefore),
		Detail: string(r.Detail), LogBucket: string(r.LogBucket), LogPrefix: string(r.LogPrefix),
		Silent: some(r.SilentHours), Usual: some(r.UsualHours),
	}
	if r.IsNew.OK {
		b.New = &r.IsNew.V
	}
	return b
}

func some(n logs.Int) *int64 {
	if !n.OK {
		return nil
	}
	return &n.V
}

// sort brings what needs a person to the top, and counts.
func (c *coverageAnswer) sort() {
	slices.SortFunc(c.Buckets, func(x, y bucketCoverage) int {
		return cmp.Or(cmp.Compare(rank(x.Status), rank(y.Status)), cmp.Compare(x.Bucket, y.Bucket))
	})
	c.Counts = map[string]int64{}
	for _, b := range c.Buckets {
		c.Counts[b.Status]++
	}
}

func (c *coverageAnswer) writeJSON(to screen) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("BUG: write JSON: %w", err)
	}
	_, err = fmt.Fprintln(to, escapeJSON(string(text)))
	return err
}

// shownBuckets is how many buckets of one status are shown.
const shownBuckets = 50

// write writes the answer for a person.
func (c *coverageAnswer) write(to screen) error {
	var b strings.Builder
	var counts []string
	for _, s := range coverage.Statuses {
		if n := c.Counts[string(s)]; n > 0 {
			counts = append(counts, amount.Grouped(n)+" "+string(s))
		}
	}
	fmt.Fprintf(&b, "%s on %s: %s\n\n", to.bold(amount.Of(int64(len(c.Buckets)), "bucket")), shortTime(c.Checked), strings.Join(counts, ", "))
	g := grid{columns: []gridColumn{{name: "bucket"}, {name: "status"}, {name: "before"}, {name: "silent h", right: true}, {name: "usual h", right: true}, {name: "logs to"}}}
	shown, more := map[string]int{}, 0
	for i := range c.Buckets {
		x := &c.Buckets[i]
		if shown[x.Status]++; shown[x.Status] > shownBuckets {
			more++
			continue
		}
		before := x.Before
		switch {
		case x.New != nil && *x.New:
			before = "new"
		case before == x.Status:
			before = ""
		}
		status := clean.Line(x.Status)
		if x.Status == string(coverage.Silent) || x.Before != "" && before != "" && (x.Status == string(coverage.Off) || x.Status == string(coverage.Elsewhere)) {
			status = to.red(status)
		}
		where := ""
		if x.LogBucket != "" {
			where = "s3://" + x.LogBucket + "/" + x.LogPrefix
		}
		g.add(clean.Line(x.Bucket), status, clean.Line(before), numberText(x.Silent), numberText(x.Usual), clean.Line(where))
	}
	b.WriteString(g.render())
	if more > 0 {
		fmt.Fprintf(&b, " and %s (--json lists all)\n", amount.Of(int64(more), "more bucket"))
	}
	c.next(&b)
	_, err := fmt.Fprint(to, b.String())
	return err
}

// next says what to do about what was found.
func (c *coverageAnswer) next(b *strings.Builder) {
	var steps []string
	if c.Counts[string(coverage.Silent)] > 0 {
		steps = append(steps, "sluice verify BUCKET    why a silent bucket is silent")
	}
	if c.Counts[string(coverage.Off)] > 0 {
		steps = append(steps, "sluice enroll BUCKET    switches logging on, showing first what it would do")
	}
	if len(steps) > 0 {
		fmt.Fprintf(b, "\nNext:\n  %s\n", strings.Join(steps, "\n  "))
	}
}

func numberText(n *int64) string {
	if n == nil {
		return ""
	}
	return amount.Grouped(*n)
}
