//go:build cgo && unix

package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/awsio"
	"sluice/internal/generate"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/pack"
	"sluice/internal/table"
)

// statements runs SQL in Trino as Athena does: one that had the same token is
// not run again.
type statements struct {
	*trino
	ran map[string]error
	n   int
}

func (s *statements) Run(ctx context.Context, token, sql string) error {
	if err, before := s.ran[token]; before && token != "" {
		return err
	}
	_, err := s.ask(ctx, sql)
	if token != "" {
		s.ran[token] = err
	}
	s.n++
	return err
}

func (s *statements) Ask(ctx context.Context, sql string) ([][]string, error) {
	a, err := s.ask(ctx, sql)
	if err != nil {
		return nil, err
	}
	all, err := texts(a)
	return all[min(1, len(all)):], err
}

// packed are the tables of which the rows are packed here.
func packedTables(t *testing.T) map[string]pack.Table {
	t.Helper()
	all := map[string]pack.Table{}
	add := func(name string, sort []string, columns []table.Column, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all[name] = pack.Table{Live: name, Packed: name + "_packed", Columns: columns, Sort: sort}
	}
	columns, err := table.Columns[s3access.Row]()
	add(s3access.Format.Name, s3access.Format.Sort, columns, err)
	columns, err = table.Columns[cloudtrail.Row]()
	add(cloudtrail.Format.Name, cloudtrail.Format.Sort, columns, err)
	columns, err = table.Columns[logs.Rejected]()
	add(logs.RejectedTable.Name, logs.RejectedTable.Sort, columns, err)
	return all
}

// packer is what packs the lake of a stack, at a time of its own.
type packer struct {
	*stack
	trino  *trino
	run    *statements
	tables map[string]pack.Table
	bucket string
	now    time.Time
	named  func(table string) string // what readers ask
	// removing says that live objects go meanwhile: who has listed one and not yet
	// read it is told so, and asks again.
	removing bool
	// meet lets an engine's change be met by something, or nothing.
	meet func(what string, do func() error) error
}

// make makes the packed tables and the views, as names of their own.
func (p *packer) make() {
	p.t.Helper()
	for name, t := range p.tables {
		var columns []string
		for _, c := range t.Columns {
			columns = append(columns, c.Name+" "+map[table.Kind]string{table.Text: "varchar", table.Int: "bigint", table.Int64: "bigint", table.Bool: "boolean", table.Time: "timestamp(6)"}[c.Kind])
		}
		for _, sql := range []string{
			fmt.Sprintf("CREATE TABLE iceberg.%s.%s (%s, source varchar, run varchar, kind varchar, dt varchar) WITH (format = 'PARQUET', partitioning = ARRAY['dt', 'kind'], location = 's3://%s/packed/%s/')",
				p.trino.schema, t.Packed, strings.Join(columns, ", "), p.bucket, name),
			fmt.Sprintf("CREATE VIEW %s AS %s", whole(name), t.View()),
		} {
			if _, err := p.trino.ask(p.t.Context(), sql); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

func whole(table string) string { return table + "_whole" }

// night is one run.
func (p *packer) night() (pack.Report, error) {
	p.t.Helper()
	lake := awsio.NewS3(p.config(p.URL, p.Admin)).Packing(p.bucket, "lake/", "packed/notes/")
	c := pack.Config{
		Engine: engineOf{pack.NewSQL(p.run, "s3://"+p.bucket+"/lake/", p.trino.schema, p.tables), p}, Objects: lake, Notes: lake,
		Keeper: untended{}, Days: 1, Grace: 24 * time.Hour, Least: 2, Most: 400, AtOnce: 100, Now: func() time.Time { return p.now },
	}
	c.Tables = slices.Sorted(maps.Keys(p.tables))
	pk, err := pack.New(c)
	if err != nil {
		p.t.Fatal(err)
	}
	return pk.Run(p.t.Context())
}

// engineOf lets something happen where rows are taken.
type engineOf struct {
	*pack.SQL
	p *packer
}

func (e engineOf) Take(ctx context.Context, plan pack.Plan, attempt int) error {
	do := func() error { return e.SQL.Take(ctx, plan, attempt) }
	if e.p.meet != nil {
		return e.p.meet(plan.Table, do)
	}
	return do()
}

// read is what a reader of a table sees: its rows, and a checksum over all of
// their values.
func (p *packer) read(ctx context.Context, name, from string) (string, error) {
	var columns []string
	for _, c := range p.tables[name].Columns {
		columns = append(columns, c.Name)
	}
	a, err := p.trino.ask(ctx, "SELECT dt, count(*), to_hex(checksum(ROW("+strings.Join(columns, ", ")+"))) FROM "+from+" GROUP BY dt ORDER BY dt")
	return fmt.Sprint(a.Rows), err
}

// files are how many objects readers of a live table see, and of a packed one.
func (p *packer) files(name string) (live, packed int) {
	p.t.Helper()
	for from, n := range map[string]*int{p.tables[name].Live + " WHERE true": &live, p.tables[name].Packed + " WHERE kind = 'rows'": &packed} {
		rows, err := p.run.Ask(p.t.Context(), `SELECT DISTINCT "$path" FROM `+from)
		if err != nil {
			p.t.Fatal(err)
		}
		*n = len(rows)
	}
	return live, packed
}

// sorted holds the packed objects of access logs against the order that was
// asked for, and says how many there are. Trino's writers take pages of sorted
// rows as they come, so an object is a few runs, each of which is in order.
func (p *packer) sorted() (n int) {
	p.t.Helper()
	prefix := "packed/s3_access_logs/data/"
	out, err := p.s3.ListObjectsV2(p.t.Context(), &s3.ListObjectsV2Input{Bucket: &p.bucket, Prefix: &prefix})
	if err != nil {
		p.t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	for _, o := range out.Contents {
		if !strings.Contains(*o.Key, "/kind=rows/") {
			continue
		}
		file, err := p.s3.GetObject(p.t.Context(), &s3.GetObjectInput{Bucket: &p.bucket, Key: o.Key})
		if err != nil {
			p.t.Fatal(err)
		}
		body, err := io.ReadAll(file.Body)
		file.Body.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		local := filepath.Join(p.t.TempDir(), "packed.parquet")
		if err := os.WriteFile(local, body, 0o600); err != nil {
			p.t.Fatal(err)
		}
		var rows, wrong int
		err = db.QueryRow(`SELECT count(*), count(*) FILTER (WHERE before > bucket_name) FROM (
			SELECT bucket_name, lag(bucket_name) OVER (ORDER BY file_row_number) AS before FROM read_parquet('`+local+`', file_row_number = true))`).Scan(&rows, &wrong)
		if err != nil || rows == 0 || wrong*100 > rows {
			p.t.Errorf("%s: %d runs of %d rows, %v", *o.Key, wrong+1, rows, err)
		}
		p.t.Logf("%d rows in %d runs", rows, wrong+1)
		n++
	}
	return n
}

// TestTrinoPack packs closed days in a real Iceberg table while readers look: a
// view over live and packed rows says the same at every moment.
func TestTrinoPack(t *testing.T) {
	needTrino(t)
	today := time.Now().UTC().Truncate(24 * time.Hour)
	s := deploy(t, "BatchSize=10", "ProjectionStart="+today.AddDate(0, 0, -20).Format(time.DateOnly))
	dir, _ := generated(t, generate.Options{Seed: 12, Lines: 1200, Events: 200, Start: today.AddDate(0, 0, -5), Days: 2, LinesPerFile: 60, Scenarios: []string{"all"}})
	keys := keysIn(t, dir)
	late := keys[len(keys)/3] // it comes when its day is packed
	for _, key := range keys {
		if key != late {
			s.deliver(dir, key)
		}
	}
	s.drain()
	x := trinoOver(t, s, "iceberg")
	p := &packer{
		stack: s, trino: x, run: &statements{trino: x, ran: map[string]error{}}, tables: packedTables(t), bucket: s.Resources["LakeBucket"].ID,
		now: today.Add(3 * time.Hour), named: whole,
	}
	p.make()
	want := p.truth()

	// Rows are taken, and the worker hears nothing of it; readers look before,
	// meanwhile and after.
	lost := errors.New("the answer is lost")
	p.meet = func(name string, do func() error) error {
		p.readers(want, func() {
			if err := do(); err != nil {
				t.Errorf("take rows of %s: %v", name, err)
			}
		})
		return lost
	}
	if _, err := p.night(); !errors.Is(err, lost) {
		t.Fatalf("the first night: %v", err)
	}
	p.meet = nil
	n := p.run.n
	r, err := p.night()
	if err != nil || len(r.Packed) < 4 {
		t.Fatalf("the second night: %d plans, %v", len(r.Packed), err)
	}
	t.Logf("%d plans, %d statements in the first night and %d in the second", len(r.Packed), n, p.run.n-n)
	p.same(want, "packed")
	if n := p.sorted(); n == 0 {
		t.Error("no packed object of access logs")
	}

	// A plan that was undone counts no more, whoever still works on it.
	plan := r.Packed[0]
	engine := pack.NewSQL(p.run, "s3://"+p.bucket+"/lake/", p.trino.schema, p.tables)
	if err := engine.Undo(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	p.same(want, "undone")
	if err := engine.Take(t.Context(), plan, 1); err != nil {
		t.Fatal(err)
	}
	if seen, err := engine.Seen(t.Context(), plan); err != nil || seen.Marks != 0 || len(seen.Parts) != 0 {
		t.Errorf("a plan that was undone took rows: %+v, %v", seen, err)
	}
	p.same(want, "taken too late")
	p.now = p.now.Add(25 * time.Hour)
	before, _ := p.files(plan.Table)
	r, err = p.night()
	if err == nil || !strings.Contains(err.Error(), "nothing is removed") {
		t.Errorf("a plan whose rows are gone: %v", err)
	}
	if after, _ := p.files(plan.Table); after < len(plan.Parts) || after >= before || r.Removed == 0 {
		t.Errorf("%d live objects of %s, before %d; removed %d", after, plan.Table, before, r.Removed)
	}
	p.same(want, "removed what is packed")
	for name := range p.tables {
		live, packed := p.files(name)
		t.Logf("%s: %d live objects are left, %d objects are packed", name, live, packed)
	}

	// A late file is one more live object, and readers see it at once.
	s.deliver(dir, late)
	s.drain()
	if got := p.truth(); maps.Equal(got, want) {
		t.Error("the late file changed nothing")
	}
}

// truth is what readers of the views see now.
func (p *packer) truth() map[string]string {
	p.t.Helper()
	all := map[string]string{}
	for name := range p.tables {
		rows, err := p.read(p.t.Context(), name, p.named(name))
		if err != nil || rows == "[]" {
			p.t.Fatalf("read %s: %s %v", name, rows, err)
		}
		all[name] = rows
	}
	return all
}

func (p *packer) same(want map[string]string, when string) {
	p.t.Helper()
	for name, got := range p.truth() {
		if got != want[name] {
			p.t.Errorf("%s, %s:\n%s\ninstead of\n%s", name, when, got, want[name])
		}
	}
}

// readers read all the time while something is done, once before it and once
// after it at least.
func (p *packer) readers(want map[string]string, do func()) {
	p.t.Helper()
	p.same(want, "before")
	stop, ended := make(chan struct{}), make(chan int)
	go func() { // ends before readers returns
		reads, missed := 0, 0
		defer func() {
			if missed > 0 {
				p.t.Logf("%d more reads met an object that was removed", missed)
			}
		}()
		for {
			for name := range p.tables {
				got, err := p.read(p.t.Context(), name, p.named(name))
				if p.removing && err != nil && strings.HasPrefix(err.Error(), "HIVE_CANNOT_OPEN_SPLIT") {
					missed++
					continue
				}
				if err != nil || got != want[name] {
					p.t.Errorf("%s, meanwhile: %v\n%s\ninstead of\n%s", name, err, got, want[name])
				}
				reads++
			}
			select {
			case <-stop:
				ended <- reads
				return
			default:
			}
		}
	}()
	do()
	close(stop)
	p.t.Logf("%d reads meanwhile", <-ended)
	p.same(want, "after")
}

// untended is no Keeper: the test makes the tables itself.
type untended struct{}

func (untended) Prepare(context.Context, string) error             { return nil }
func (untended) Expire(context.Context, string, []pack.Plan) error { return nil }
func (untended) Tidy(context.Context, string) error                { return nil }
