//go:build cgo

package query_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestClassicColumns: the names, types and order of AWS's table, and behind them
// the days.
func TestClassicColumns(t *testing.T) {
	lake, _ := smallLake(t)
	got, err := ask(t.Context(), lake, "SELECT column_name, column_type FROM (DESCRIBE s3_access_logs_classic)")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range strings.Fields(`bucketowner bucket_name requestdatetime remoteip requester requestid operation key request_uri
		httpstatus errorcode bytessent objectsize totaltime turnaroundtime referrer useragent versionid hostid sigv ciphersuite
		authtype endpoint tlsversion accesspointarn aclrequired sourceregion timestamp dt`) {
		kind := "VARCHAR"
		if name == "bytessent" || name == "objectsize" {
			kind = "BIGINT"
		}
		want = append(want, name+"|"+kind)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-AWS's +ours:\n%s", d)
	}
}

// TestClassicQueries: what people have from AWS's guide and from elsewhere runs
// as it is and gives the right answer.
func TestClassicQueries(t *testing.T) {
	b, err := os.ReadFile("testdata/classic.txt")
	if err != nil {
		t.Fatal(err)
	}
	lake, _ := smallLake(t)
	cases := strings.Split(string(b), "\n== ")[1:]
	if len(cases) < 20 {
		t.Fatalf("%d questions", len(cases))
	}
	for _, c := range cases {
		name, rest, _ := strings.Cut(c, "\n")
		sql, want, found := strings.Cut(rest, "\n--\n")
		if !found {
			t.Errorf("%s: no answer", name)
			continue
		}
		got, err := ask(t.Context(), lake, sql)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(strings.TrimSpace(want), strings.Join(got, "\n")); d != "" {
			t.Errorf("%s, -worked out +answered:\n%s", name, d)
		}
	}
	for _, sql := range []string{"SELECT parse_datetime('2026', 'yyyy')", "SELECT parse_datetime(requestdatetime, 'dd/MMM/yyyy') FROM s3_access_logs_classic"} {
		if _, err := ask(t.Context(), lake, sql); err == nil || !strings.Contains(err.Error(), "knows the forms") {
			t.Errorf("%s: another form: %v", sql, err)
		}
	}
}
