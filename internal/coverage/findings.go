package coverage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/internal/finding"
	"sluice/internal/logs"
)

// The findings of a look have no rule, but an id as one has, so that people can
// filter by it.
const (
	lostRule   = "8d0c5a0e-2f43-4a5e-9a3c-0f6f1c9b7d21"
	hiddenRule = "4e1b6c52-90d7-4f3a-a8c6-5b27e0f1d934"
	silentRule = "b7f2e1d4-63a9-4c0b-8e57-2d9a40c6f3e8"
)

const (
	// apart is how many buckets of a look are told one by one. When more change at
	// once they have one cause, and are one incident.
	apart = 5
	// named is how many of them the one finding names; the table has all.
	named = 50
)

// Findings are what a person should hear of a look. The same change, found again
// by another look because that look could not be finished, has the same identity.
func (r *Report) Findings(account, region string, now time.Time) []*finding.Finding {
	if r.since.IsZero() {
		r.since = now
	}
	m := maker{account: account, region: region, now: now, since: r.since}
	return slices.Concat(m.all(r.lost, m.lost, m.manyLost), m.all(r.hidden, m.hidden, m.manyHidden), m.all(r.silent, m.silent, m.manySilent))
}

type maker struct {
	account, region string
	now, since      time.Time
}

// all makes a finding of each change, or one of many.
func (m *maker) all(changes []change, one func(change) *finding.Finding, many func([]change) *finding.Finding) (fs []*finding.Finding) {
	if len(changes) > apart {
		return []*finding.Finding{many(changes)}
	}
	for _, c := range changes {
		fs = append(fs, one(c))
	}
	return fs
}

// lost is logging that was on at the look before. Its period is the day of that
// look: until a look has been finished, each of its repetitions finds the same.
func (m *maker) lost(c change) *finding.Finding {
	what := "no longer logs. Until the look before, its access logs went to " + c.before.Target + "."
	if c.now.Target != "" {
		what = "sends its access logs to " + c.now.Target + ", which is not converted here. Until the look before, they went to " + c.before.Target + "."
	}
	f := m.finding(lostRule, "Access logging of a bucket was switched off", "high", "SwitchedOff",
		"The bucket "+c.now.Bucket+" "+what+" What is done with it from now on leaves no line, and no rule sees it.",
		"Find out who did it: CloudTrail has PutBucketLogging among its management events. If nobody can say why, switch it on again: sluice enroll "+c.now.Bucket+".",
		[]finding.Pair{{Name: "bucket_name", Value: c.now.Bucket}}, c.before.Looked)
	f.Bucket, f.Rule.Tags = c.now.Bucket, evasion
	f.First, f.Last = logs.TimeOf(c.before.Looked), logs.TimeOf(m.now)
	return f
}

func (m *maker) manyLost(changes []change) *finding.Finding {
	f := m.finding(lostRule, "Access logging of many buckets was switched off", "high", "SwitchedOff",
		fmt.Sprintf("%d buckets that logged at the look before log no longer, or to somewhere else: %s. What is done with them from now on leaves no line, and no rule sees it.", len(changes), names(changes)),
		"Find out who did it: CloudTrail has PutBucketLogging among its management events. sluice coverage lists all of them as they are now.",
		[]finding.Pair{{Name: "buckets", Value: "many"}}, m.since)
	f.Rule.Tags, f.First, f.Last = evasion, logs.TimeOf(m.since), logs.TimeOf(m.now)
	f.Count, f.Value = int64(len(changes)), int64(len(changes))
	return f
}

// hidden is a bucket that logged here, and of which nobody may see any more whether
// it does: who wants to switch logs off unseen forbids that first. Its period is the
// day of the last look that saw it, which stays the same until one sees it again.
func (m *maker) hidden(c change) *finding.Finding {
	f := m.finding(hiddenRule, "Whether a bucket still logs can no longer be seen", "medium", "Hidden",
		"At the last look that was allowed to see it, the bucket "+c.now.Bucket+" sent its access logs to "+c.before.Target+". Now its policy, or one of the organization, forbids to read where it logs. "+
			"Its logging can be switched off from now on, and no look will tell.",
		"Find out who changed the policy: CloudTrail has PutBucketPolicy among its management events. Let the role of the stack's CoverageFunction have s3:GetBucketLogging on the bucket again.",
		[]finding.Pair{{Name: "bucket_name", Value: c.now.Bucket}}, c.before.Looked)
	f.Bucket, f.Rule.Tags = c.now.Bucket, evasion
	f.First, f.Last = logs.TimeOf(c.before.Looked), logs.TimeOf(m.now)
	return f
}

func (m *maker) manyHidden(changes []change) *finding.Finding {
	f := m.finding(hiddenRule, "Whether many buckets still log can no longer be seen", "medium", "Hidden",
		fmt.Sprintf("%d buckets that logged when they were last seen may not be asked any more: %s. So many have one cause, such as a policy of the organization or of the role.", len(changes), names(changes)),
		"Let the role of the stack's CoverageFunction have s3:GetBucketLogging again. sluice coverage lists all of them as they are now.",
		[]finding.Pair{{Name: "buckets", Value: "many"}}, changes[0].before.Looked)
	f.Rule.Tags, f.First, f.Last = evasion, logs.TimeOf(changes[0].before.Looked), logs.TimeOf(m.now)
	f.Count, f.Value = int64(len(changes)), int64(len(changes))
	return f
}

// evasion is what switching logs off is in ATT&CK.
var evasion = []string{"attack.defense-evasion", "attack.t1562.008"}

// silent is a bucket whose lines stopped. Its period is the day of the last of
// them, so that one silence is told once, however long it lasts.
func (m *maker) silent(c change) *finding.Finding {
	f := m.finding(silentRule, "Access logs of a bucket have stopped", "medium", "Silent",
		fmt.Sprintf("The bucket %s logs to %s, and no line of it has come since %s. Before that, the longest time without one in 30 days was %s. "+
			"Either nobody uses it any more, or S3 cannot deliver.", c.now.Bucket, c.now.Target, stamp(c.now.Last), hours(c.now.Gap)),
		"sluice verify "+c.now.Bucket+" checks what S3 needs to deliver, sends a request that must be logged, and waits for its line.",
		[]finding.Pair{{Name: "bucket_name", Value: c.now.Bucket}}, c.now.Last)
	f.Bucket = c.now.Bucket
	f.First, f.Last = logs.TimeOf(c.now.Last), logs.TimeOf(m.now)
	return f
}

func (m *maker) manySilent(changes []change) *finding.Finding {
	f := m.finding(silentRule, "Access logs of many buckets have stopped", "high", "Silent",
		fmt.Sprintf("%d buckets have fallen silent at once, each for longer than is usual for it: %s. So many have one cause: S3 can deliver no more, or what it delivers is not converted.", len(changes), names(changes)),
		"Look at the policy of the log bucket and at the alarms of the stack. sluice verify BUCKET checks one of them step by step.",
		[]finding.Pair{{Name: "buckets", Value: "many"}}, m.since)
	f.First, f.Last = logs.TimeOf(m.since), logs.TimeOf(m.now)
	f.Count, f.Value = int64(len(changes)), int64(len(changes))
	return f
}

func (m *maker) finding(rule, title, level, kind, description, response string, group []finding.Pair, period time.Time) *finding.Finding {
	from := day(period)
	f := &finding.Finding{
		Step: 1,
		Rule: finding.Rule{
			ID: rule, Title: title, Level: level, Type: finding.OwnType + "Coverage/" + kind, Version: "1",
			Description: description, Response: response,
		},
		Owner: m.account, Account: m.account, Region: m.region, Group: group,
		Period: logs.TimeOf(from), PeriodEnd: logs.TimeOf(from.Add(24 * time.Hour)),
		Created: m.now, Count: 1, Value: 1, Threshold: 1, Measure: "buckets", Alert: true,
	}
	f.UID = finding.UID(f.Rule.ID, f.Owner, f.Group, f.Period)
	return f
}

// names lists buckets of a finding, in the order of the look.
func names(changes []change) string {
	var all []string
	for _, c := range changes[:min(len(changes), named)] {
		all = append(all, c.now.Bucket)
	}
	if more := len(changes) - named; more > 0 {
		all = append(all, "and "+strconv.Itoa(more)+" more")
	}
	return strings.Join(all, ", ")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

func hours(n int64) string {
	if n == 1 {
		return "an hour"
	}
	return strconv.FormatInt(n, 10) + " hours"
}
