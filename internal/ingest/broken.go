package ingest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/pipeline"
	"sluice/internal/sigma"
)

// brokenFile is a file of rules that cannot be used as it is.
type brokenFile struct {
	name   string
	object pipeline.Object // zero where it is the folder that is wrong
	why    []string
}

// brokenRule is the id of the finding about a file of rules: what is no rule
// has one, too, so that people can filter by it.
const brokenRule = "1f6a3d0c-7f0b-4a52-9d0e-6b1c5f1f8e21"

const (
	maxWhy   = 10                   // reasons told of one file
	toldOnce = 366 * 24 * time.Hour // how long a version of a file is remembered as reported
)

// reporter makes findings of broken files of rules: whoever wrote a rule that
// does not run believes that it does.
type reporter struct {
	account, region, bucket string
	instance                string // who claims; another process claims for itself
}

// report tells a person of a broken file, once for each version of it: all
// processes see it, again at each of their starts.
func (r reporter) report(ctx context.Context, s detect.State, out detect.Outlet, b brokenFile, now time.Time) error {
	return detect.TellOnce(ctx, s, out, r.finding(b, now), r.instance, now, toldOnce)
}

// finding is about one version of a file; of a folder, about one day of it.
func (r reporter) finding(b brokenFile, now time.Time) *finding.Finding {
	at := b.object.Modified
	if at.IsZero() {
		at = now
	}
	day := at.UTC().Truncate(24 * time.Hour)
	n := int64(len(b.why))
	why := b.why
	if len(why) > maxWhy {
		why = append(why[:maxWhy:maxWhy], fmt.Sprintf("and %d more", len(b.why)-maxWhy))
	}
	f := &finding.Finding{
		Step: 1,
		Rule: finding.Rule{
			ID: brokenRule, Title: "Rule file cannot be used", Level: sigma.Medium.String(), Type: finding.OwnType + "Rules/Broken", Version: "1",
			Description: "What is wrong in the file is not used; the other rules are.\n\n" + strings.Join(why, "\n"),
			Response:    "Correct the file and put it into its place again; it is read within five minutes. sluice rules lint FILE says on a laptop what is wrong.",
		},
		Owner: r.account, Account: r.account, Region: r.region, Bucket: r.bucket,
		Group:  []finding.Pair{{Name: "rule_file", Value: b.name}, {Name: "version", Value: b.object.Version}},
		Period: logs.TimeOf(day), PeriodEnd: logs.TimeOf(day.Add(24 * time.Hour)),
		First: logs.TimeOf(at), Last: logs.TimeOf(at), Created: now,
		Count: n, Value: n, Threshold: 1, Measure: "problems", Alert: true,
	}
	if b.object.Key != "" {
		f.Sources = []string{b.object.Key}
	}
	f.UID = finding.UID(f.Rule.ID, f.Owner, f.Group, f.Period)
	return f
}
