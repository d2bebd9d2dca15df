package docs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/coverage"
	"sluice/internal/finding"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/query"
)

// withExamples gives each column a value that it has: of the delivered files in
// testdata as the readers read them, and of a finding and a look at a bucket. A
// column that none of them fills is a fault of testdata.
func withExamples(t *testing.T, tables []Table) {
	t.Helper()
	values := map[string]map[string]string{}
	for _, s := range sources {
		values[s.table] = map[string]string{}
	}
	var bad []logs.Rejected
	bad = append(bad, examplesOf(t, s3access.Format, "eu-central-1/finance-reports/2026/11/22/2026-11-22-10-21-33-5C8E7F3A9D1B2C4E", "access-log", values)...)
	bad = append(bad, examplesOf(t, cloudtrail.Format, "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/22/111122223333_CloudTrail_eu-central-1_20261122T0920Z_AbCdEfGhIjKlMnOp.json.gz", "trail.json", values)...)
	for _, b := range bad {
		keep(values[logs.RejectedTable.Name], &b)
	}
	for _, r := range exampleFindings(t) {
		keep(values[finding.Table.Name], &r)
	}
	keep(values[coverage.Table.Name], &coverage.Row{
		CheckedTime: logs.TimeOf(time.Date(2026, 11, 22, 5, 17, 0, 0, time.UTC)),
		Account:     logs.Text("111122223333"), Region: logs.Text("eu-central-1"), BucketName: logs.Text("finance-reports"),
		Status: logs.Text("silent"), StatusBefore: logs.Text("logging"), IsNew: logs.SomeBool(false),
		Detail: logs.Text("no line for 71 hours, 24 are usual"), LogBucket: logs.Text("example-logs"), LogPrefix: logs.Text("access/"),
		SilentHours: logs.SomeInt(71), UsualHours: logs.SomeInt(24), LongestGapHours: logs.SomeInt(9), ActiveDays: logs.SomeInt(22),
	})
	for i := range tables {
		for j := range tables[i].Columns {
			c := &tables[i].Columns[j]
			if c.Example = values[tables[i].Name][c.Name]; c.Example == "" {
				t.Errorf("no example of %s in %s: give internal/docs/testdata one", c.Name, tables[i].Name)
			}
		}
	}
}

// examplesOf keeps values of the rows that a file holds, and returns its rejects.
func examplesOf[R any](t *testing.T, format logs.Format[R], key, file string, values map[string]map[string]string) (bad []logs.Rejected) {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	for row, err := range format.NewReader().Read(&logs.Input{Key: key}, r) {
		var b *logs.BadRecord
		switch {
		case errors.As(err, &b):
			bad = append(bad, logs.Rejected{
				EventTime: b.Time, MeantFor: logs.Text(format.Name), Reason: logs.Text(b.Reason), Detail: logs.Text(b.Detail),
				Raw: append(logs.Text{}, b.Raw...), LogKey: logs.Text(key), LogLine: logs.Int64(b.Line),
			})
		case err != nil:
			t.Fatalf("%s: %v", file, err)
		default:
			keep(values[format.Name], row)
		}
	}
	return bad
}

// exampleFindings are two messages about incidents, as different as rules are.
func exampleFindings(t *testing.T) (rows []finding.Row) {
	t.Helper()
	at := func(hour, minute int) logs.Time {
		return logs.TimeOf(time.Date(2026, 11, 22, hour, minute, 7, 0, time.UTC))
	}
	rule := finding.Rule{
		ID: "9f2f1a5e-2c0f-4d6b-8a43-6f1d1f0f7b11", Title: "Many objects deleted", Level: "high", Service: "s3_server_access",
		Type: "Impact:S3/MassDelete", Tags: []string{"attack.impact", "attack.t1485"},
	}
	f := finding.Finding{
		Step: 1, Rule: rule, Alert: true, Owner: strings.Repeat("a1", 32), Account: "111122223333", Region: "eu-central-1", Bucket: "finance-reports",
		Group:  []finding.Pair{{Name: "requester", Value: "arn:aws:sts::111122223333:assumed-role/reporting/ann"}, {Name: "remote_ip", Value: "198.51.100.7"}},
		Period: at(0, 0) - 7000, PeriodEnd: at(24, 0) - 7000, First: at(9, 14), Last: at(9, 31), Created: time.Date(2026, 11, 22, 10, 26, 40, 0, time.UTC),
		Count: 112, Measure: "events", Value: 112, Threshold: 100, Sources: []string{"eu-central-1/finance-reports/2026/11/22/2026-11-22-10-21-33-5C8E7F3A9D1B2C4E"},
	}
	f.UID = finding.UID(rule.ID, f.Owner, f.Group, f.Period)
	r, err := f.Row()
	if err != nil {
		t.Fatal(err)
	}
	return []finding.Row{r}
}

// keep takes the values of a row whose columns have none yet. Empty texts tell a
// reader nothing.
func keep(values map[string]string, row any) {
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("col")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		text := ""
		switch x := v.Field(i).Interface().(type) {
		case logs.Text:
			text = string(x)
		case logs.Int:
			if x.OK {
				text = strconv.FormatInt(x.V, 10)
			}
		case logs.Bool:
			if x.OK {
				text = strconv.FormatBool(x.V)
			}
		case logs.Time:
			text = x.Go().Format("2006-01-02 15:04:05.000")
		case logs.Int64:
			text = strconv.FormatInt(int64(x), 10)
		}
		if values[name] == "" {
			values[name] = text
		}
	}
}

// inRecords are the names in a record of columns that rules do not name.
var inRecords = map[string]string{
	"version_id": "requestParameters.versionId", "host_header": "requestParameters.Host", "list_type": "requestParameters.list-type",
	"host_id": "additionalEventData.x-amz-id-2", "acl_required": "additionalEventData.aclRequired",
	"mfa_authenticated":     "userIdentity.sessionContext.attributes.mfaAuthenticated",
	"session_creation_date": "userIdentity.sessionContext.attributes.creationDate",
	"bucket_arn":            "resources.ARN", "bucket_account_id": "resources.accountId", "object_arn": "resources.ARN",
	"object_arn_prefix": "resources.ARNPrefix", "access_point_arn": "resources.ARN",
}

// TestAWSNamesAreInRecords: where tables.md says that a column is in a record,
// the example is.
func TestAWSNamesAreInRecords(t *testing.T) {
	tables, err := Tables(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	withExamples(t, tables)
	withAWSNames(t, tables)
	text, err := os.ReadFile("testdata/trail.json")
	var file struct{ Records any }
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, table := range tables {
		for _, c := range table.Columns {
			if table.Name != "cloudtrail_events" || c.AWS == "" {
				continue
			}
			seen++
			if !slices.ContainsFunc(valuesAt(file.Records, strings.Split(c.AWS, ".")), func(v any) bool { return same(v, c) }) {
				t.Errorf("%s: no record of testdata has %s at %s", c.Name, c.Example, c.AWS)
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d columns have a name in the record", seen)
	}
}

// valuesAt lists the values at a path, in all elements of lists on the way.
func valuesAt(v any, path []string) (all []any) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			all = append(all, valuesAt(e, path)...)
		}
		return all
	}
	if len(path) == 0 {
		return []any{v}
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	return valuesAt(object[path[0]], path[1:])
}

// same tells whether a value of a record is the example of a column. Objects are
// kept as logged, blanks and all, and times and User-Agents are made plain.
func same(v any, c Column) bool {
	switch v := v.(type) {
	case nil:
		return false
	case map[string]any:
		return strings.HasPrefix(strings.TrimPrefix(c.Example, "["), "{")
	case string:
		at, err := time.Parse(time.RFC3339, v)
		return v == c.Example || v == "["+c.Example+"]" || err == nil && at.Format("2006-01-02 15:04:05.000") == c.Example || v == "Yes" && c.Example == "true"
	}
	return fmt.Sprint(v) == c.Example
}

// leads is the column that a column of a view is, by its explanation.
var leads = regexp.MustCompile(`^[a-z_]+`)

// withAWSNames says what AWS calls a column: in the table that its guide has
// long told people to create, and in the records of CloudTrail.
func withAWSNames(t *testing.T, tables []Table) {
	t.Helper()
	names := map[string]map[string]string{"s3_access_logs": {}, "cloudtrail_events": {}}
	views, err := query.Views()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		for classic, says := range v.Columns {
			if v.Name == "s3_access_logs_classic" && classic != "timestamp" {
				names["s3_access_logs"][leads.FindString(says)] = classic
			}
		}
	}
	maps.Copy(names["cloudtrail_events"], inRecords)
	for _, f := range ruleFields() {
		if f.Column != "" && names["cloudtrail_events"][f.Column] == "" {
			names["cloudtrail_events"][f.Column] = f.Name
		}
	}
	for i := range tables {
		for j := range tables[i].Columns {
			c := &tables[i].Columns[j]
			c.AWS = names[tables[i].Name][c.Name]
		}
	}
	if n := len(names["s3_access_logs"]); n < 27 {
		t.Errorf("%d columns have a name in AWS's table", n)
	}
}
