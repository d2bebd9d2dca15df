package pack

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// columnsOf answers the question for the columns of a table.
func columnsOf(names ...string) [][]string {
	var rows [][]string
	for _, n := range names {
		rows = append(rows, []string{n})
	}
	return rows
}

// A later version has columns that the packed table has not.
func TestPrepare(t *testing.T) {
	s := &said{}
	e := accessLogs(t, s)
	var all []string
	for _, c := range e.tables["s3_access_logs"].Columns {
		all = append(all, c.Name)
	}
	all = append(all, more...)
	s.answers = map[string][][]string{"information_schema.columns WHERE table_schema = 'sluice' AND table_name = 's3_access_logs_packed'": columnsOf(all...)}
	if err := e.Prepare(t.Context(), "s3_access_logs"); err != nil {
		t.Fatal(err)
	}
	if len(s.told) != 1 || !strings.HasPrefix(s.told[0], "CREATE TABLE IF NOT EXISTS s3_access_logs_packed (`bucket_owner_id` string, ") ||
		!strings.Contains(s.told[0], "PARTITIONED BY (dt, kind) LOCATION 's3://lake-example/packed/s3_access_logs/'") || !strings.Contains(s.told[0], "'table_type' = 'ICEBERG'") {
		t.Errorf("%q", s.told)
	}
	// By default OPTIMIZE leaves an object alone that has one list of deleted rows,
	// and a day of fewer than five objects: rows that are old would stay in both.
	for _, property := range []string{"'optimize_rewrite_delete_file_threshold' = '1'", "'optimize_rewrite_data_file_threshold' = '1'", "'vacuum_max_snapshot_age_seconds' = '172800'"} {
		if !strings.Contains(s.told[0], property) {
			t.Errorf("no %s in\n%s", property, s.told[0])
		}
	}
	for part := range s.answers {
		s.answers[part] = columnsOf(all[2:]...)
	}
	s.told = nil
	if err := e.Prepare(t.Context(), "s3_access_logs"); err != nil {
		t.Fatal(err)
	}
	if want := "ALTER TABLE s3_access_logs_packed ADD COLUMNS (`bucket_owner_id` string, `bucket_name` string)"; len(s.told) != 2 || s.told[1] != want {
		t.Errorf("%q, want %q", s.told, want)
	}
	for part := range s.answers {
		s.answers[part] = columnsOf(all[:3]...)
	}
	if err := e.Prepare(t.Context(), "s3_access_logs"); err == nil || !strings.Contains(err.Error(), "there is no source") {
		t.Errorf("a table that is none of ours: %v", err)
	}
}

func TestExpireIsOneStatement(t *testing.T) {
	s := &said{}
	a, b := Plan{Table: "s3_access_logs", Day: "2026-11-20"}, Plan{Table: "s3_access_logs", Day: "2026-11-20", Number: 1}
	if err := accessLogs(t, s).Expire(t.Context(), "s3_access_logs", []Plan{a, b}); err != nil {
		t.Fatal(err)
	}
	want := "DELETE FROM s3_access_logs_packed WHERE kind = 'rows' AND dt IN ('2026-11-20') AND run IN ('" + a.ID() + "', '" + b.ID() + "')"
	then := "OPTIMIZE s3_access_logs_packed REWRITE DATA USING BIN_PACK WHERE kind = 'rows' AND dt IN ('2026-11-20')"
	if len(s.told) != 2 || s.told[0] != want || s.told[1] != then {
		t.Errorf("%q, want %q and %q", s.told, want, then)
	}
}

// refusing is an engine that fails some times.
type refusing struct {
	said
	err   error
	times int
	runs  int
}

func (r *refusing) Run(context.Context, string, string) error {
	if r.runs++; r.runs > r.times {
		return nil
	}
	return r.err
}

func TestTidy(t *testing.T) {
	for _, c := range []struct {
		text        string
		times, runs int
		fails       bool
	}{
		{"", 0, 1, false},
		{"ICEBERG_VACUUM_MORE_RUNS_NEEDED: go on", 3, 4, false},
		{"ICEBERG_VACUUM_MORE_RUNS_NEEDED: go on", 1000, mostRuns, true},
		{"access denied", 1, 1, true},
	} {
		r := &refusing{err: errors.New(c.text), times: c.times}
		if err := NewSQL(r, "", "", map[string]Table{"t": {Packed: "t_packed"}}).Tidy(t.Context(), "t"); (err != nil) != c.fails || r.runs != c.runs {
			t.Errorf("%+v: %d runs, %v", c, r.runs, err)
		}
	}
}
