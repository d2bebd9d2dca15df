package table

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/internal/logs"
)

// visit is a row with columns of many values.
type visit struct {
	When logs.Time  `col:"event_time"`
	Key  logs.Text  `col:"key,dict"`
	From logs.Text  `col:"from,dict"`
	Line logs.Int64 `col:"line"`
}

// visits makes rows of which many values were a few rows ago, or long ago, or never.
func visits(seed uint64, n int) (rows []visit) {
	r := rand.New(rand.NewPCG(seed, 9))
	text := func(i int) logs.Text {
		switch i % 401 {
		case 1: // NULL
			return nil
		case 2:
			return logs.Text{}
		case 3: // waits for nobody
			return fmt.Appendf(nil, "%d %s", i, strings.Repeat("long", 300+i%5))
		}
		return fmt.Appendf(nil, "logs/2026/%0*d/x.gz", 4+i%3, i)
	}
	for i := range n {
		row := visit{When: logs.Time(r.IntN(2) * 86_400_000), From: text(r.IntN(9000)), Line: logs.Int64(i)}
		switch r.IntN(4) {
		case 0:
			row.Key = text(100_000 + i)
		case 1:
			row.Key = text(r.IntN(20_000))
		default:
			row.Key = text(100_000 + i - r.IntN(50))
		}
		rows = append(rows, row)
	}
	return rows
}

// TestLate: values that are looked up together make the same objects as values looked
// up one by one, which are read back as they were, whatever was rolled back or flushed
// while some waited.
func TestLate(t *testing.T) {
	table := logs.Table[visit]{Name: "visits", Time: func(r *visit) logs.Time { return r.When }, Sort: []string{"key", "line"}}
	for _, background := range []bool{false, true} {
		stage := newStage(t)
		if background {
			stage.Background()
		}
		late, err := New(table, stage)
		if err != nil {
			t.Fatal(err)
		}
		once, err := New(table, newStage(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range once.buf.row.words {
			c.alone = false
		}
		late.limits.rows, once.limits.rows = 20_011, 20_011
		r := rand.New(rand.NewPCG(3, 3))
		waited := 0
		for batch := range uint64(2) {
			rows := visits(batch, 40_000)
			kept := map[int64]visit{}
			for len(rows) > 0 {
				late.Mark()
				once.Mark()
				file := rows[:min(len(rows), 1+r.IntN(3000))]
				rows = rows[len(file):]
				for i := range file {
					if err := late.Write(&file[i]); err != nil {
						t.Fatal(err)
					}
					if err := once.Write(&file[i]); err != nil {
						t.Fatal(err)
					}
				}
				for _, c := range late.buf.row.words {
					waited += len(c.late.of)
				}
				if r.IntN(3) == 0 {
					if err := late.Rollback(); err != nil {
						t.Fatal(err)
					}
					if err := once.Rollback(); err != nil {
						t.Fatal(err)
					}
					continue
				}
				for _, row := range file {
					kept[int64(row.Line)] = row
				}
			}
			got, err := late.Close("b")
			if err != nil {
				t.Fatal(err)
			}
			want, err := once.Close("b")
			if err != nil {
				t.Fatal(err)
			}
			sameBytes(t, contents(t, got), contents(t, want))
			found := 0
			for _, values := range readBack(t, got) {
				row, ok := kept[values[3].(int64)]
				if !ok || fmt.Sprint(values[1:3]) != fmt.Sprint(row.values()) {
					t.Fatalf("read %q, want %q", values[1:3], row.values())
				}
				found++
			}
			if found != len(kept) {
				t.Errorf("batch %d: read %d rows, want %d", batch, found, len(kept))
			}
		}
		if waited == 0 {
			t.Error("no value waited at the end of a file")
		}
	}
}

// values is what a reader must find of key and from: NULL is nil.
func (v visit) values() (values []any) {
	for _, text := range []logs.Text{v.Key, v.From} {
		if text == nil {
			values = append(values, nil)
			continue
		}
		values = append(values, string(text))
	}
	return values
}

// What was rolled back while it waited stays in the dictionary, so it counts: many
// files that are given up do not fill more memory than the buffer may.
func TestLateCounts(t *testing.T) {
	w, err := New(logs.Table[visit]{Name: "visits", Time: func(r *visit) logs.Time { return r.When }}, newStage(t))
	if err != nil {
		t.Fatal(err)
	}
	put := func(i, size int) {
		t.Helper()
		if err := w.Write(&visit{Key: fmt.Appendf(nil, "%0*d", size, i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range lateFrom + 1 {
		put(i, 8)
	}
	const files, rows, size = 50, lateMost / 2, 1000
	before := w.buf.size
	for i := range files {
		w.Mark()
		for k := range rows {
			put(i*rows+k, size)
		}
		if err := w.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.buf.size - before; got < files*rows*size {
		t.Errorf("%d bytes were counted, of at least %d that are kept", got, files*rows*size)
	}
}
