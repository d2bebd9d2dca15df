//go:build cgo && unix

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	_ "github.com/duckdb/duckdb-go/v2"
)

// glueTable is a table, or a view, as Athena would find it.
type glueTable struct {
	Name, TableType   string
	ViewOriginalText  string
	Parameters        map[string]string
	PartitionKeys     []column
	StorageDescriptor struct {
		Columns  []column
		Location string
	}
}

type column struct{ Name, Type string }

// tables asks Glue for the tables and views of the stack's database.
func (s *stack) tables(ctx context.Context) []glueTable {
	s.t.Helper()
	var list struct{ TableList []glueTable }
	s.ask(ctx, "glue", "AWSGlue.GetTables", map[string]any{"DatabaseName": s.Resources["Database"].ID}, &list)
	if len(list.TableList) == 0 {
		s.t.Fatal("Glue has no tables")
	}
	return list.TableList
}

// ask calls a service that speaks JSON, as the administrator.
func (s *stack) ask(ctx context.Context, service, target string, what, into any) {
	s.t.Helper()
	body, err := json.Marshal(what)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	cfg := s.config(s.URL, s.Admin)
	who, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, who, req, hex.EncodeToString(sum[:]), service, s.Region, time.Now()); err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(text, into)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v\n%s", target, res.Status, err, text)
	}
}

// objects are all objects of the lake bucket below lake/, by key.
func (s *stack) objects(ctx context.Context) map[string][]byte {
	s.t.Helper()
	bucket := s.Resources["LakeBucket"].ID
	prefix := "lake/"
	all := map[string][]byte{}
	pages := s3.NewListObjectsV2Paginator(s.s3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			s.t.Fatalf("list lake: %v", err)
		}
		for _, o := range page.Contents {
			out, err := s.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
			if err != nil {
				s.t.Fatalf("get %s: %v", *o.Key, err)
			}
			body, err := io.ReadAll(out.Body)
			out.Body.Close()
			if err != nil {
				s.t.Fatalf("get %s: %v", *o.Key, err)
			}
			all[*o.Key] = body
		}
	}
	return all
}

// duckTypes are Glue's types as DuckDB calls what stands in the files.
var duckTypes = map[string]string{
	"string": "VARCHAR", "bigint": "BIGINT", "int": "INTEGER", "double": "DOUBLE", "boolean": "BOOLEAN",
	"timestamp": "TIMESTAMP", "date": "DATE",
}

// lake is what the tables of Glue show of the objects, for queries.
type lake struct {
	t       *testing.T
	db      *sql.DB
	tables  []glueTable
	objects map[string][]byte
}

// open reads the lake as Athena does: the tables, their columns and types and
// where their partitions are come from Glue, and nothing else is known of the
// objects. One that no table would find is an error.
func (s *stack) open() *lake {
	s.t.Helper()
	l := &lake{t: s.t, tables: s.tables(s.t.Context()), objects: s.objects(s.t.Context())}
	dir := s.t.TempDir()
	var err error
	if l.db, err = sql.Open("duckdb", ""); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { l.db.Close() })
	l.exec("SET TimeZone = 'UTC'")
	found := map[string]bool{}
	for _, g := range l.tables {
		if g.TableType == "VIRTUAL_VIEW" {
			continue
		}
		files := map[string][]string{} // by value of dt
		where := l.location(g, s.Resources["LakeBucket"].ID)
		for key, body := range l.objects {
			m := where.FindStringSubmatch(key)
			if m == nil {
				continue
			}
			if first, _, _ := strings.Cut(g.Parameters["projection.dt.range"], ","); m[1] < first {
				s.t.Errorf("%s is before %s, where Athena begins to look", key, first)
			}
			found[key] = true
			path := filepath.Join(dir, g.Name, filepath.Base(filepath.Dir(key))+"-"+filepath.Base(key))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				s.t.Fatal(err)
			}
			if err := os.WriteFile(path, body, 0o600); err != nil {
				s.t.Fatal(err)
			}
			files[m[1]] = append(files[m[1]], path)
		}
		l.view(g, files)
	}
	l.views(s.Resources["Database"].ID)
	for key := range l.objects {
		// What begins with an underline is nobody's rows: Athena does not see it either.
		if !found[key] && !strings.HasPrefix(key, "lake/_") {
			s.t.Errorf("%s is where no table looks", key)
		}
	}
	return l
}

// location matches the keys of a table's objects and finds dt in them.
func (l *lake) location(g glueTable, bucket string) *regexp.Regexp {
	template := g.Parameters["storage.location.template"]
	prefix, ok := strings.CutPrefix(template, "s3://"+bucket+"/")
	if !ok || !strings.HasPrefix(template, g.StorageDescriptor.Location) || g.Parameters["projection.enabled"] != "true" ||
		len(g.PartitionKeys) != 1 || g.PartitionKeys[0] != (column{"dt", "string"}) || g.Parameters["projection.dt.format"] != "yyyy-MM-dd" {
		l.t.Fatalf("table %s: location %s, template %s, partitioned by %v", g.Name, g.StorageDescriptor.Location, template, g.PartitionKeys)
	}
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(prefix), `\$\{dt\}`, `(\d{4}-\d\d-\d\d)`) + `[^/_.][^/]*$`)
}

// view is a table of Glue over files. A column of another type than Glue says
// would be an error in Athena, and is one here.
func (l *lake) view(g glueTable, files map[string][]string) {
	l.t.Helper()
	var parts []string
	for dt, paths := range files {
		for _, path := range paths {
			stored := map[string]string{}
			for _, r := range l.query(fmt.Sprintf("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '%s')", path)) {
				stored[r[0]] = r[1]
			}
			var cols []string
			for _, c := range g.StorageDescriptor.Columns {
				want := duckTypes[c.Type]
				have := stored[c.Name]
				if strings.HasPrefix(have, "TIMESTAMP") {
					have = "TIMESTAMP" // Athena does not tell instants from local times
				}
				if want == "" || have != want {
					l.t.Errorf("%s: column %s is %s in Glue and %s in %s", g.Name, c.Name, c.Type, stored[c.Name], filepath.Base(path))
					have = ""
				}
				switch have {
				case "":
					cols = append(cols, fmt.Sprintf("NULL AS %q", c.Name))
				case "TIMESTAMP":
					cols = append(cols, fmt.Sprintf("CAST(%q AS TIMESTAMP) AS %[1]q", c.Name))
				default:
					cols = append(cols, fmt.Sprintf("%q", c.Name))
				}
				delete(stored, c.Name)
			}
			for name := range stored {
				l.t.Errorf("%s: column %s is not in Glue", g.Name, name)
			}
			parts = append(parts, fmt.Sprintf("SELECT %s, '%s' AS dt FROM '%s'", strings.Join(cols, ", "), dt, path))
		}
	}
	if len(parts) == 0 {
		var cols []string
		for _, c := range g.StorageDescriptor.Columns {
			cols = append(cols, fmt.Sprintf("CAST(NULL AS %s) AS %q", duckTypes[c.Type], c.Name))
		}
		parts = []string{"SELECT " + strings.Join(cols, ", ") + ", '' AS dt WHERE false"}
	}
	slices.Sort(parts)
	l.exec(fmt.Sprintf("CREATE VIEW %q AS %s", g.Name, strings.Join(parts, " UNION ALL ")))
}

func (l *lake) exec(q string) {
	l.t.Helper()
	if _, err := l.db.ExecContext(l.t.Context(), q); err != nil {
		l.t.Fatalf("%.200s: %v", q, err)
	}
}

// query returns rows as text, NULL as "null".
func (l *lake) query(q string) (all [][]string) {
	l.t.Helper()
	rows, err := l.db.QueryContext(l.t.Context(), q)
	if err != nil {
		l.t.Fatalf("%.200s: %v", q, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		l.t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			l.t.Fatal(err)
		}
		row := make([]string, len(names))
		for i, v := range values {
			if row[i] = fmt.Sprint(v); v == nil {
				row[i] = "null"
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		l.t.Fatalf("%.200s: %v", q, err)
	}
	return all
}

// counts is a query for a name and a number as a map.
func (l *lake) counts(q string) map[string]int64 {
	l.t.Helper()
	all := map[string]int64{}
	for _, r := range l.query(q) {
		var n int64
		if err := json.Unmarshal([]byte(r[1]), &n); err != nil {
			l.t.Fatalf("%.200s: %v", q, r)
		}
		all[r[0]] = n
	}
	return all
}

// rows is the content of a table, sorted, whatever objects it stands in.
func (l *lake) rows(table string) []string {
	l.t.Helper()
	var all []string
	for _, r := range l.query(fmt.Sprintf("SELECT CAST(t AS VARCHAR) FROM %q t", table)) {
		all = append(all, r[0])
	}
	slices.Sort(all)
	return all
}
