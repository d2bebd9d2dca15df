package finding_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/table"
)

func TestAttributes(t *testing.T) {
	got := massDelete().Attributes()
	want := []finding.Attribute{
		{Name: "schema", Type: "String", Value: "ocsf/1.8.0/2004"},
		{Name: "severity", Type: "String", Value: "High"},
		{Name: "severity_id", Type: "Number", Value: "4"},
		{Name: "rule_id", Type: "String", Value: "0c1f52c2-6a1e-4f0f-8a3c-5a2f1f2b7d10"},
		{Name: "bucket", Type: "String", Value: "finance-reports"},
		{Name: "account", Type: "String", Value: "111122223333"},
		{Name: "region", Type: "String", Value: "us-west-2"},
		{Name: "source", Type: "String", Value: "s3_server_access"},
		{Name: "techniques", Type: "String.Array", Value: `["T1485"]`},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	f := massDelete()
	f.Bucket, f.Account, f.Region, f.Rule.Service, f.Rule.Tags = "", "", "", "", nil
	for _, a := range f.Attributes() {
		if a.Value == "" || slices.Contains([]string{"bucket", "account", "region", "source", "techniques"}, a.Name) {
			t.Errorf("%+v is sent", a)
		}
	}
}

func TestRow(t *testing.T) {
	f := anonymous()
	got, err := f.Row()
	if err != nil {
		t.Fatal(err)
	}
	want := finding.Row{
		FindingUID: logs.Text(f.UID), MessageUID: logs.Text(f.UID + "-1"), Step: 1,
		EventTime: f.First, LastTime: f.Last, Period: f.Period, CreatedTime: logs.TimeOf(f.Created),
		RuleID: logs.Text(f.Rule.ID), RuleTitle: logs.Text(f.Rule.Title), Level: logs.Text("medium"), SeverityID: 3,
		Alert: logs.SomeBool(true), Type: logs.Text(f.Rule.Type), Service: logs.Text("s3_server_access"),
		Owner: logs.Text(owner), Account: logs.Text("111122223333"), Region: logs.Text("eu-central-1"),
		BucketName:  logs.Text("brochures.example.com"),
		GroupValues: logs.Text(`[{"name":"bucket_name","value":"brochures.example.com"},{"name":"requester","value":null},{"name":"remote_ip","value":"2001:db8::7"}]`),
		RemoteIP:    logs.Text("2001:db8::7"), EventCount: logs.SomeInt(1), Measure: logs.Text("events"), MeasuredValue: 1, Threshold: 1,
		Techniques: logs.Text("T1530,T1190"), LogKey: logs.Text(f.Sources[0]), OCSF: logs.Text(ocsf(t, f)),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if at := finding.Table.Time(&got); at != f.Period {
		t.Errorf("dt is of %v, want the period's start", at)
	}
	// An empty value is there; an unknown one is not.
	g := hostile()
	g.Account, g.Sources, g.Rule.Service = "", nil, ""
	row, err := g.Row()
	if err != nil {
		t.Fatal(err)
	}
	if row.Requester == nil || len(row.Requester) != 0 || row.Account != nil || row.LogKey != nil || row.Service != nil {
		t.Errorf("requester %q, account %q, log_key %q, service %q", row.Requester, row.Account, row.LogKey, row.Service)
	}
}

func TestTable(t *testing.T) {
	columns, err := table.Columns[finding.Row]()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range finding.Table.Sort {
		if !slices.ContainsFunc(columns, func(c table.Column) bool { return c.Name == name }) {
			t.Errorf("sorted by %s, which is no column", name)
		}
	}
}

func TestAttacks(t *testing.T) {
	for _, c := range []struct {
		tags []string
		want string
	}{
		{nil, `null`},
		{[]string{"attack.t1485"}, `[{"version":"19","technique":{"uid":"T1485","name":"Data Destruction"}}]`},
		{[]string{"attack.impact", "attack.t1485.001"}, `[{"version":"19","tactic":{"uid":"TA0040","name":"Impact"},"technique":{"uid":"T1485","name":"Data Destruction"},"sub_technique":{"uid":"T1485.001","name":"Lifecycle-Triggered Deletion"}}]`},
		{[]string{"attack.exfiltration"}, `[{"version":"19","tactic":{"uid":"TA0010","name":"Exfiltration"}}]`},
		{[]string{"attack.defense_evasion", "attack.TA0112", "attack.t1685.002"}, `[{"version":"19","tactic":{"uid":"TA0112","name":"Defense Impairment"},"technique":{"uid":"T1685","name":"Disable or Modify Tools"},"sub_technique":{"uid":"T1685.002","name":"Disable or Modify Cloud Log"}},{"version":"19","tactic":{"uid":"TA0005","name":"Stealth"}}]`},
		{[]string{"attack.impact", "attack.t9999"}, `[{"version":"19","tactic":{"uid":"TA0040","name":"Impact"},"technique":{"uid":"T9999"}}]`},
		{[]string{"attack.t1485", "attack.T1485", "attack.t14", "attack.x", "cve.2026-1", "attack.s0001"}, `[{"version":"19","technique":{"uid":"T1485","name":"Data Destruction"}}]`},
	} {
		f := massDelete()
		f.Rule.Tags = c.tags
		var d struct {
			Info struct {
				Attacks json.RawMessage `json:"attacks"`
			} `json:"finding_info"`
		}
		if err := json.Unmarshal(ocsf(t, f), &d); err != nil {
			t.Fatal(err)
		}
		got := string(d.Info.Attacks)
		if got == "" {
			got = "null"
		}
		if got != c.want {
			t.Errorf("%v\n got %s\nwant %s", c.tags, got, c.want)
		}
	}
}
