//go:build cgo

package query_test

import (
	"strconv"
	"testing"

	"sluice/internal/generate"
	"sluice/internal/query"
)

// generatedLake is a lake of generated log files with what the rules find in
// them, and what the generator says of them.
func generatedLake(t *testing.T) (*query.Lake, *generate.Truth) {
	t.Helper()
	dir := t.TempDir()
	sluice(t, "generate", dir+"/logs", "--lines", "2000", "--events", "300", "--days", "2")
	truth, err := generate.ReadTruth(dir + "/logs")
	if err != nil {
		t.Fatal(err)
	}
	sluice(t, "convert", dir+"/logs", "-o", dir+"/lake")
	sluice(t, "scan", dir+"/logs", "--lake", dir+"/lake", "--exit-zero")
	return lakeOf(t, dir+"/lake"), truth
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// recordsOfS3 counts the records of CloudTrail about S3: the generator makes
// others, too, and tells only how many there are of all.
func recordsOfS3(t *testing.T, l *query.Lake) int64 {
	t.Helper()
	rows, err := ask(t.Context(), l, "SELECT count(*) FROM cloudtrail_events WHERE event_source = 's3.amazonaws.com'")
	if err != nil {
		t.Fatal(err)
	}
	return number(t, rows[0])
}
