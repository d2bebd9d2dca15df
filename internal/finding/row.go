package finding

import (
	"encoding/json"
	"fmt"
	"strings"

	"sluice/internal/logs"
)

// Row is one message about one incident, in the table findings.
type Row struct {
	// Identity of the incident: the same in every message about it.
	FindingUID logs.Text `col:"finding_uid,dict"`
	// Identity of this message: finding_uid, a hyphen and step. A message may be written twice: count distinct ones.
	MessageUID logs.Text `col:"message_uid,plain"`
	// 1 for the first message; 10, 100 or 1000 when the incident has become that many times its threshold.
	Step logs.Int64 `col:"step"`
	// Earliest record counted, UTC.
	EventTime logs.Time `col:"event_time"`
	// Latest record counted, UTC.
	LastTime logs.Time `col:"last_time"`
	// Start of the period that the incident belongs to, UTC: its day is dt, so all messages about it are in one partition.
	Period logs.Time `col:"period"`
	// When the message was made, UTC.
	CreatedTime logs.Time `col:"created_time"`
	// Id of the rule.
	RuleID logs.Text `col:"rule_id,dict"`
	// Title of the rule.
	RuleTitle logs.Text `col:"rule_title,dict"`
	// informational, low, medium, high or critical.
	Level logs.Text `col:"level,dict"`
	// Level as OCSF counts it: 1 informational to 5 critical.
	SeverityID logs.Int64 `col:"severity_id"`
	// TRUE when the finding is for a person, FALSE when it is for this table only.
	Alert logs.Bool `col:"alert"`
	// Type of the finding, such as Impact:S3/MassDelete.
	Type logs.Text `col:"type,dict"`
	// Log the rule reads: s3_server_access or cloudtrail; NULL for both.
	Service logs.Text `col:"service,dict"`
	// Whose incident: canonical id of the bucket's owner, or account the CloudTrail record was delivered to; NULL over both logs.
	Owner logs.Text `col:"owner,dict"`
	// Account; NULL where unknown.
	Account logs.Text `col:"account,dict"`
	// Region; NULL where unknown.
	Region logs.Text `col:"region,dict"`
	// Bucket; NULL where unknown or several.
	BucketName logs.Text `col:"bucket_name,dict"`
	// What makes records one incident, as a JSON list of name and value, null where records had none.
	GroupValues logs.Text `col:"group_values,dict"`
	// Requester, where the rule groups by it.
	Requester logs.Text `col:"requester,dict"`
	// Address, where the rule groups by it.
	RemoteIP logs.Text `col:"remote_ip,dict"`
	// Records counted; NULL where the rule counts something else, such as distinct values.
	EventCount logs.Int `col:"event_count"`
	// What the rule measures: events, distinct values or a sum.
	Measure logs.Text `col:"measure,dict"`
	// Measured so far; of distinct values, there may be more.
	MeasuredValue logs.Int64 `col:"measured_value"`
	// From which value on it is an incident.
	Threshold logs.Int64 `col:"threshold"`
	// ATT&CK techniques, separated by commas.
	Techniques logs.Text `col:"techniques,dict"`
	// First delivered file the records stood in.
	LogKey logs.Text `col:"log_key,dict"`
	// The whole finding, an OCSF 1.8.0 Detection Finding as JSON.
	OCSF logs.Text `col:"ocsf,plain"`
}

// Table says how findings lie in the lake.
var Table = logs.Table[Row]{
	Name: "findings",
	Time: func(r *Row) logs.Time { return r.Period },
	Sort: []string{"rule_id", "finding_uid", "step"},
}

// Row is the finding as a row of the table findings, cleaned and redacted as its
// messages are.
func (f *Finding) Row() (Row, error) {
	doc, err := f.OCSF()
	if err != nil {
		return Row{}, err
	}
	group, err := json.Marshal(groupOf(f.Group))
	if err != nil {
		return Row{}, fmt.Errorf("finding %s: write its group: %w", f.UID, err)
	}
	r := Row{
		FindingUID: known(f.UID), MessageUID: known(f.MessageUID()), Step: logs.Int64(f.Step),
		EventTime: f.First, LastTime: f.Last, Period: f.Period, CreatedTime: logs.TimeOf(f.Created),
		RuleID: known(shown(f.Rule.ID, maxName)), RuleTitle: known(shown(f.Rule.Title, maxTitle)),
		Level: known(shown(f.Rule.Level, maxName)), SeverityID: logs.Int64(severityOf(f.Rule.Level).id),
		Alert: logs.SomeBool(f.Alert), Type: known(shown(f.Rule.Type, maxName)), Service: known(shown(f.Rule.Service, maxName)),
		Owner: known(shown(f.Owner, maxName)), Account: known(shown(f.Account, maxName)),
		Region: known(shown(f.Region, maxName)), BucketName: known(shown(f.Bucket, maxName)),
		GroupValues: logs.Text(group), EventCount: logs.Int{V: f.Count, OK: f.Count > 0},
		Measure: known(shown(f.Measure, maxName)), MeasuredValue: logs.Int64(f.Value), Threshold: logs.Int64(f.Threshold),
		Techniques: known(strings.Join(techniqueIDs(f.Rule.Tags), ",")), OCSF: logs.Text(doc),
	}
	for _, p := range f.Group {
		switch p.Name {
		case "requester", "requester_name", "userIdentity.arn", "derived.principal":
			r.Requester = of(p)
		case "remote_ip", "sourceIPAddress", "derived.remote_net", "derived.source_net":
			r.RemoteIP = of(p)
		}
	}
	if len(f.Sources) > 0 {
		r.LogKey = known(shown(f.Sources[0], maxText))
	}
	return r, nil
}

// groupOf is the group as it stands in the document.
func groupOf(group []Pair) []pair {
	all := []pair{}
	for _, p := range group[:min(len(group), maxGroup)] {
		g := pair{Name: shown(p.Name, maxName)}
		if !p.Null {
			v := shown(p.Value, maxText)
			g.Value = &v
		}
		all = append(all, g)
	}
	return all
}

// known is NULL where a finding knows nothing.
func known(s string) logs.Text {
	if s == "" {
		return nil
	}
	return logs.Text(s)
}

// of is the value of a group, which may be empty and there.
func of(p Pair) logs.Text {
	if p.Null {
		return nil
	}
	return append(logs.Text{}, shown(p.Value, maxText)...)
}
