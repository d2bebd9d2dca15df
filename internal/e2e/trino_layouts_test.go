//go:build cgo && unix

package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"sluice/internal/formats"
	"sluice/internal/generate"
	"sluice/internal/ledger"
	"sluice/internal/maintain"
	"sluice/internal/pipeline"
	"sluice/internal/query"
	"sluice/internal/testaws"
)

// sixQuestions are those that people ask of access logs, from reading two columns
// of a day to reading its longest.
var sixQuestions = []string{"errors", "cost-drivers", "deletions", "sensitive-files", "anonymous", "automation"}

// TestTrinoLayouts asks six questions about a day of SLUICE_TRINO_LINES lines that
// is cut into more and into fewer objects, the last time as the deployed function
// has packed it and through the view. It tells what Trino took and asked of S3.
// The answers must be the same.
func TestTrinoLayouts(t *testing.T) {
	needTrino(t)
	lines, err := strconv.ParseInt(os.Getenv("SLUICE_TRINO_LINES"), 10, 64)
	if err != nil || lines < 1000 {
		t.Skip("SLUICE_TRINO_LINES=100000 measures layouts")
	}
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -3)
	s := deploy(t, "PackAfterDays=1", "ProjectionStart="+day.AddDate(0, 0, -1).Format(time.DateOnly))
	dir, _ := generated(t, generate.Options{Seed: 5, Lines: lines, Events: 100, Start: day})
	files := deliveredIn(t, filepath.Join(dir, "access"))

	proxy := testaws.NewProxy(t, s.URL, s.Account)
	direct := s.URL
	s.URL = proxy.URL // for what Trino asks
	x := trinoFor(t, s, connected{direct, s.Admin}, "iceberg")
	s.URL = direct
	tables, err := maintain.Tables(s.Resources["LakeBucket"].ID)
	if err != nil {
		t.Fatal(err)
	}
	own := testaws.NewProxy(t, s.URL, s.Account)
	m := &maintainer{
		packer: &packer{stack: s, trino: x, tables: tables, bucket: s.Resources["LakeBucket"].ID, run: &statements{trino: x, ran: map[string]error{}}},
		proxy:  own, athena: s.athenaOver(x, own),
	}
	if m.program, err = compile(t.TempDir(), "maintain", "functions/maintain"); err != nil {
		t.Fatal(err)
	}
	if a := m.deployed("Create"); a.Status != "SUCCESS" {
		t.Fatalf("the deployment: %+v", a)
	}

	want := &sixAnswers{}
	t.Logf("%d lines of one day in %d log files, six queries, the better of two times each", lines, len(files))
	t.Log("layout | objects | opened by a query | requests of a query | MB read by a query | s of the six")
	ask := func(name, table string, objects int) {
		t.Helper()
		if want.rows == nil { // compiles what the others use
			want.ask(t, x, proxy, day, table)
		}
		a := want.ask(t, x, proxy, day, table)
		if d := cmp.Diff(want.rows, a.rows); d != "" {
			t.Errorf("%s: other answers:\n%.2000s", name, d)
		}
		n := float64(len(sixQuestions))
		t.Logf("%s | %d | %.1f | %.0f | %.1f | %.1f", name, objects, a.opened/n, a.requests/n, mega(a.read)/n, a.took.Seconds())
	}
	for _, l := range []struct {
		name string
		span time.Duration
	}{{"one log file each", 0}, {"five minutes", 5 * time.Minute}, {"an hour", time.Hour}} {
		lake := t.TempDir()
		convertIn(t, lake, files, l.span)
		for key := range s.under(m.bucket, "lake/s3_access_logs/") {
			if _, err := s.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &m.bucket, Key: &key}); err != nil {
				t.Fatal(err)
			}
		}
		objects := 0
		for _, name := range keysIn(t, lake) {
			if strings.HasSuffix(name, ".parquet") && strings.HasPrefix(name, "s3_access_logs/") {
				body, err := os.ReadFile(filepath.Join(lake, filepath.FromSlash(name)))
				if err != nil {
					t.Fatal(err)
				}
				s.put(m.bucket, "lake/"+name, body)
				objects++
			}
		}
		ask(l.name, "s3_access_logs_live", objects)
		if l.span == 5*time.Minute {
			ask(l.name+", through the view", "s3_access_logs", objects)
		}
	}
	m.maintain()
	_, packed := m.files("s3_access_logs")
	ask("packed, live objects not yet removed", "s3_access_logs", packed)
	m.notes("end", "at", time.Now().Add(-25*time.Hour))
	m.maintain()
	ask("packed, through the view", "s3_access_logs", packed)
	ask("packed, the table alone", "s3_access_logs_packed", packed)
}

// sixAnswers is what six questions were answered and took.
type sixAnswers struct {
	rows             [][][]string
	opened, requests float64
	read             int64
	took             time.Duration
}

// ask asks them of a table that has the rows of s3_access_logs.
func (first *sixAnswers) ask(t *testing.T, x *trino, proxy *testaws.Proxy, day time.Time, table string) (all sixAnswers) {
	t.Helper()
	for _, name := range sixQuestions {
		q, err := query.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		sql, err := q.Render(map[string]string{"from": day.Format(time.DateOnly), "to": day.Format(time.DateOnly)})
		if err != nil {
			t.Fatal(err)
		}
		asked := strings.ReplaceAll(sql, "FROM s3_access_logs\n", "FROM "+table+"\n")
		if table == "s3_access_logs_packed" {
			asked = strings.ReplaceAll(sql, "FROM s3_access_logs\n", "FROM (SELECT * FROM "+table+" WHERE kind = 'rows')\n")
		}
		if asked == sql && table != "s3_access_logs" {
			t.Fatalf("%s does not ask s3_access_logs:\n%s", name, sql)
		}
		var best time.Duration
		for again := range 2 {
			before, began := len(proxy.Calls()), time.Now()
			a, err := x.ask(t.Context(), asked)
			took := time.Since(began)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if best == 0 || took < best {
				best = took
			}
			if again > 0 {
				continue
			}
			rows, err := texts(a)
			if err != nil {
				t.Fatal(err)
			}
			all.rows = append(all.rows, rows)
			all.read += a.Read
			opened := map[string]bool{}
			for _, c := range proxy.Calls()[before:] {
				if c.Service != "s3" {
					continue
				}
				all.requests++
				if strings.HasSuffix(c.Resource, ".parquet") {
					opened[c.Resource] = true
				}
			}
			all.opened += float64(len(opened))
		}
		all.took += best
	}
	if first.rows == nil {
		first.rows = all.rows
	}
	return all
}

// deliveredIn lists log files in the order in which they were delivered.
func deliveredIn(t *testing.T, dir string) (all []pipeline.Object) {
	t.Helper()
	for _, name := range keysIn(t, dir) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pipeline.Object{Key: path, Size: info.Size(), Version: "1"})
	}
	slices.SortFunc(all, func(x, y pipeline.Object) int { return strings.Compare(filepath.Base(x.Key), filepath.Base(y.Key)) })
	return all
}

type fromDisk struct{}

func (fromDisk) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	return os.Open(o.Key)
}

// convertIn makes a lake in which the files that were delivered within one span
// are one object, or each for itself.
func convertIn(t *testing.T, dir string, files []pipeline.Object, span time.Duration) {
	t.Helper()
	lake, err := ledger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.New(pipeline.Config{Routes: formats.Routes(), Stage: lake.Stage()})
	if err != nil {
		t.Fatal(err)
	}
	slot := func(o pipeline.Object) string {
		const form = "2006-01-02-15-04-05"
		at, err := time.Parse(form, filepath.Base(o.Key)[:len(form)])
		if err != nil {
			t.Fatal(err)
		}
		if span == 0 {
			return o.Key
		}
		return fmt.Sprint(at.Truncate(span))
	}
	for len(files) > 0 {
		n := 1
		for n < len(files) && slot(files[n]) == slot(files[0]) {
			n++
		}
		if _, err := p.Run(t.Context(), fromDisk{}, lake, files[:n]); err != nil {
			t.Fatal(err)
		}
		files = files[n:]
	}
	for _, err := range []error{p.Close(), lake.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
}
