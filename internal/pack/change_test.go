package pack

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/table"
)

// A version with more columns comes at any moment between a plan and the removal
// of its objects: the checksums of the notes stay those of what was packed.
func TestANewVersion(t *testing.T) {
	for night := range 2 {
		w := filled(t)
		died := w.worker()
		if night == 0 { // the rows are taken, and nobody knows
			died.meet = func(what string, do func() error) error {
				err := do()
				if what == "take" {
					return errDead
				}
				return err
			}
		}
		if _, err := died.run(); (err != nil) != (night == 0) {
			t.Fatal(err)
		}
		w.columns = append(w.columns, "colour")
		r, err := w.worker().run()
		if err != nil || r.Undone != 0 {
			t.Fatalf("the new version: %+v, %v", r, err)
		}
		w.check("the new version has run")
		w.now = w.now.Add(grace)
		if r, err := w.worker().run(); err != nil || r.Removed != 5 {
			t.Errorf("after the grace: %+v, %v", r, err)
		}
		w.check("removed")
	}
}

// A later version has a column more, and carries out a plan of the one before
// with its statement, for Athena knows that by its token.
func TestTheStatementsOfAPlan(t *testing.T) {
	s := &said{answers: map[string][][]string{`"$path"`: {{"s3://lake-example/lake/a", "3", "0F"}, {"s3://lake-example/lake/b", "1", "A0"}}}}
	old := accessLogs(t, s)
	parts, columns, err := old.Live(t.Context(), "s3_access_logs", "2026-11-20", []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{Table: "s3_access_logs", Day: "2026-11-20", Parts: parts, Columns: columns}
	later := accessLogs(t, s)
	grown := later.tables["s3_access_logs"]
	grown.Columns = append(slices.Clone(grown.Columns), table.Column{Name: "colour", Kind: table.Text})
	later.tables["s3_access_logs"] = grown
	if was, is := old.take(p), later.take(p); was != is {
		t.Errorf("the statement was\n%s\nand is\n%s", was, is)
	}
	if is := later.take(Plan{Table: p.Table, Day: p.Day, Parts: p.Parts}); !strings.Contains(is, `"colour"`) {
		t.Errorf("a plan that says nothing of columns has all:\n%s", is)
	}
	asked := map[string]bool{}
	for _, e := range []*SQL{old, later} {
		e.run = asker(func(sql string) [][]string {
			if strings.HasPrefix(sql, "SELECT source") {
				asked[sql] = true
				return nil
			}
			return [][]string{{"2"}}
		})
		if _, err := e.Seen(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 1 {
		t.Errorf("compared by %d sums: %v", len(asked), asked)
	}
}

// Who packs later than before, or no more, goes on with what is begun.
func TestPackingIsPutOff(t *testing.T) {
	w := filled(t)
	died := w.worker()
	died.meet = func(what string, do func() error) error {
		err := do()
		if what == "take" {
			return errDead
		}
		return err
	}
	if _, err := died.run(); err == nil {
		t.Fatal("it did not die")
	}
	w.days = 36500
	for i := range 3 {
		w.place(fmt.Sprintf("%slate%d-0000.parquet", closed, i), 1)
	}
	if r, err := w.worker().run(); err != nil || len(r.Packed) != 1 || r.Waiting != 0 {
		t.Errorf("what was begun: %+v, %v", r, err)
	}
	w.check("ended")
	w.now = w.now.Add(grace)
	if r, err := w.worker().run(); err != nil || len(r.Packed) != 0 || r.Removed != 5 || r.Waiting != 0 {
		t.Errorf("what is packed: %+v, %v", r, err)
	}
	w.check("removed")
}

// To plan reads each object once, however many plans a day takes; and what was
// removed is not removed once more.
func TestWhatADayCosts(t *testing.T) {
	w := newWorld(t)
	place := func(from, to int) {
		for i := from; i < to; i++ {
			w.place(fmt.Sprintf("%sb%03d-0000.parquet", closed, i), 1)
		}
	}
	place(0, 50)
	if r, err := w.worker().run(); err != nil || len(r.Packed) != 10 || w.looked != 50 {
		t.Errorf("%d plans, %d objects of 50 looked at, %v", len(r.Packed), w.looked, err)
	}
	place(50, 60)
	w.now = w.now.Add(grace)
	me := w.worker()
	seen := 0
	me.meet = func(what string, do func() error) error {
		if what == "seen" {
			seen++
		}
		return me.looking(what, do)
	}
	if r, err := me.run(); err != nil || len(r.Packed) != 2 || r.Removed != 50 || seen != 10+2 {
		t.Errorf("%d plans, %d removed, compared %d times, %v", len(r.Packed), r.Removed, seen, err)
	}
}

// The words of every statement, for a small table: each condition in them keeps
// somebody's rows. Those of Take also name an attempt at Athena, so where they
// change, change the token with them: Athena refuses other words for a token that
// it knows, and a plan that was open when the version changed would stay so.
func TestTheWords(t *testing.T) {
	s := &said{answers: map[string][][]string{"count(*)": {{"2"}}, "GROUP BY": nil}}
	e := NewSQL(s, "s3://lake/", "sluice", map[string]Table{"t": {
		Live: "t_live", Packed: "t_packed", Sort: []string{"name"}, Columns: []table.Column{{Name: "at", Kind: table.Time}, {Name: "name", Kind: table.Text}},
	}})
	var asked []string
	e.run = both{s, func(sql string) [][]string {
		asked = append(asked, sql)
		if strings.Contains(sql, "GROUP BY") {
			return nil
		}
		return [][]string{{"2"}}
	}}
	p := Plan{Table: "t", Day: "2026-11-20", Parts: []Part{{Name: "a"}, {Name: "b"}}}
	if _, _, err := e.Live(t.Context(), "t", p.Day, []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Seen(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := e.Take(t.Context(), p, 0); err != nil {
		t.Fatal(err)
	}
	if err := e.Undo(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	const (
		sum = `to_hex(checksum(ROW(CAST("at" AS timestamp(3)), "name")))`
		of  = ` dt = '2026-11-20' AND run = 'RUN'`
	)
	want := []string{
		`SELECT "$path", count(*), ` + sum + ` FROM t_live WHERE dt = '2026-11-20' AND "$path" IN ('s3://lake/a', 's3://lake/b') GROUP BY "$path"`,
		`SELECT count(*) FROM t_packed WHERE` + of + ` AND kind = 'taken'`,
		`SELECT source, count(*), ` + sum + ` FROM t_packed WHERE` + of + ` AND kind = 'rows' GROUP BY source`,
		`INSERT INTO t_packed ("at", "name", source, run, kind, dt)` +
			` SELECT CAST("at" AS timestamp(6)) AS "at", "name", "$path" AS source, 'RUN', 'rows' AS kind, dt FROM t_live` +
			` WHERE dt = '2026-11-20' AND "$path" IN ('s3://lake/a', 's3://lake/b') AND NOT EXISTS (SELECT 1 FROM t_packed WHERE` + of + `)` +
			` UNION ALL SELECT NULL, NULL, path, 'RUN', 'taken', '2026-11-20'` +
			` FROM (VALUES 's3://lake/a', 's3://lake/b') AS taken (path) WHERE NOT EXISTS (SELECT 1 FROM t_packed WHERE` + of + `)` +
			` ORDER BY kind, "name"`,
		`INSERT INTO t_packed (run, kind, dt) SELECT 'RUN', 'undone', '2026-11-20'` +
			` WHERE NOT EXISTS (SELECT 1 FROM t_packed WHERE` + of + ` AND kind = 'undone')`,
		`DELETE FROM t_packed WHERE` + of + ` AND kind IN ('rows', 'taken')`,
	}
	for i, got := range append(asked, s.told...) {
		if got = strings.ReplaceAll(got, p.ID(), "RUN"); i >= len(want) || got != want[i] {
			t.Errorf("statement %d:\n%s\nwant\n%s", i, got, want[min(i, len(want)-1)])
		}
	}
	if n := len(asked) + len(s.told); n != len(want) {
		t.Errorf("%d statements, want %d", n, len(want))
	}
}

// both is an engine that keeps what it is told and answers what it is asked.
type both struct {
	*said
	answer asker
}

func (b both) Ask(ctx context.Context, sql string) ([][]string, error) { return b.answer.Ask(ctx, sql) }

// The time is over every night, in the middle of a backlog of one table: rows of
// both tables go when they are old, and the other one is packed, too.
func TestABacklogOfOneTable(t *testing.T) {
	w := newWorld(t)
	w.keep = 5 * 24 * time.Hour
	for _, name := range []string{"logs", "rejected"} {
		for i := range 3 {
			w.place(fmt.Sprintf("%s/dt=2026-11-01/b%d-0000.parquet", name, i), 1)
		}
	}
	if r, err := w.worker().run(); err != nil || len(r.Packed) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	w.now = w.now.Add(w.keep)
	for day := range 2 {
		for _, name := range []string{"logs", "rejected"} {
			for i := range 3 {
				w.place(fmt.Sprintf("%s/dt=2026-11-2%d/b%d-0000.parquet", name, day, i), 1)
			}
		}
	}
	reached := map[string]int{}
	expired := 0
	for range 2 {
		ctx, end := context.WithCancel(t.Context())
		me := w.worker()
		me.meet = func(what string, do func() error) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := do(); err != nil {
				return err
			}
			if what == "take" {
				end()
			}
			return nil
		}
		r, err := me.runIn(ctx)
		end()
		if err != nil || !r.Cut {
			t.Fatalf("%+v, %v", r, err)
		}
		expired += r.Expired
		w.check("cut")
		for name := range w.notes {
			for _, table := range []string{"logs", "rejected"} {
				if strings.HasPrefix(name, NotesFolder+table+"/dt=2026-11-2") {
					reached[table]++
				}
			}
		}
		w.now = w.now.Add(24 * time.Hour)
	}
	if reached["logs"] == 0 || reached["rejected"] == 0 || expired != 2 {
		t.Errorf("reached %v, %d plans expired of 2", reached, expired)
	}
}
