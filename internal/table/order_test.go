package table

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/internal/logs"
)

// orders compare rows by a column, NULL first.
var orders = map[string]func(a, b *every) int{
	"when_":  func(a, b *every) int { return cmp.Compare(a.When, b.When) },
	"bucket": func(a, b *every) int { return orderTexts(a.Bucket, b.Bucket) },
	"uri":    func(a, b *every) int { return orderTexts(a.URI, b.URI) },
	"size": func(a, b *every) int {
		return cmp.Or(cmp.Compare(number(a.Size.OK), number(b.Size.OK)), cmp.Compare(a.Size.V, b.Size.V))
	},
	"ok": func(a, b *every) int {
		return cmp.Or(cmp.Compare(number(a.OK.OK), number(b.OK.OK)), cmp.Compare(number(a.OK.V), number(b.OK.V)))
	},
	"hash":  func(a, b *every) int { return cmp.Compare(a.Hash, b.Hash) },
	"shard": func(a, b *every) int { return cmp.Compare(a.Shard, b.Shard) },
}

func orderTexts(a, b logs.Text) int {
	return cmp.Or(cmp.Compare(number(a != nil), number(b != nil)), bytes.Compare(a, b))
}

// TestSortByColumns: however many columns a table is ordered by, and however many bits
// they take together, rows stand as sorting them by one after the other leaves them;
// those that are equal in all stand as they came.
func TestSortByColumns(t *testing.T) {
	names := []string{"when_", "bucket", "uri", "size", "ok", "shard"}
	for seed := range uint64(72) {
		r := rand.New(rand.NewPCG(seed, 3))
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		by := everyTable
		by.Sort = append(slices.Clone(names[:r.IntN(5)]), "hash")
		w, err := New(by, newStage(t))
		if err != nil {
			t.Fatal(err)
		}
		// Hashes and shards take a number of bits together that is about one pass.
		wide := []int{1, 24, 47, 48, 49, 63}[seed%6]
		rows := random(seed, []int{1, 300, 300, 4500}[r.IntN(4)], 1+r.IntN(3))
		for i := range rows {
			rows[i].Line = logs.Int64(i)
			rows[i].Hash = logs.Int64(r.Uint64()>>(64-wide)) - 5
			rows[i].Shard = logs.Int64(r.Uint64() >> (64 - max(1, 48-wide)))
			if i%7 == 0 {
				rows[i].Hash, rows[i].Size = []logs.Int64{0, 1, -5, 1<<wide - 6}[r.IntN(4)], logs.SomeInt([]int64{math.MinInt64, 0, 3, math.MaxInt64}[r.IntN(4)])
			}
		}
		want := slices.Clone(rows)
		slices.SortStableFunc(want, func(a, b every) int {
			c := cmp.Compare(a.When.Day(), b.When.Day())
			for _, name := range by.Sort {
				c = cmp.Or(c, orders[name](&a, &b))
			}
			return c
		})
		var values [][]any
		for i := range want {
			values = append(values, want[i].values())
		}
		write(t, w, random(seed+100, 100, 1)) // and what was ordered before is forgotten
		finish(t, w)
		write(t, w, rows)
		got := readBack(t, finish(t, w))
		for i := range got {
			if fmt.Sprint(got[i]) != fmt.Sprint(values[i]) {
				t.Fatalf("seed %d, by %v, hashes of %d bits: row %d is\n%q, want\n%q", seed, by.Sort, wide, i, got[i], values[i])
			}
		}
	}
}

// TestBoundsOfNumbers: the least and the most of a chunk are those of its values, with
// a dictionary and without, where they are as far apart as can be and where they are
// one; a chunk of NULLs says none.
func TestBoundsOfNumbers(t *testing.T) {
	for _, values := range [][]int64{
		{math.MinInt64, math.MaxInt64, 0, -1}, {math.MinInt64}, {math.MaxInt64}, {-1, -2, -1 << 40}, {3, 1, 2}, {0}, nil,
	} {
		rows := make([]every, 400)
		for i := range rows {
			rows[i] = every{When: 20000*day + logs.Time(i)}
			if n := len(values); n > 0 && i%7 > 0 {
				rows[i].Status, rows[i].Size = logs.SomeInt(values[i%n]), logs.SomeInt(values[i%n])
			}
			if n := len(values); n > 0 {
				rows[i].Shard, rows[i].Then = logs.Int64(values[i%n]), logs.Time(values[i%n])
			}
		}
		w := newWriter(t)
		write(t, w, rows)
		objects := finish(t, w)
		same(t, readBack(t, objects), sorted(rows))
		for _, c := range footers(t, objects)[0].RowGroups[0].Columns {
			m := &c.MetaData
			name, s := m.PathInSchema[0], &m.Statistics
			switch {
			case !slices.Contains([]string{"status", "size", "shard", "then_"}, name):
			case len(values) == 0 && (name == "status" || name == "size"):
				if s.MinValue != nil || s.MaxValue != nil || s.NullCount != int64(len(rows)) {
					t.Errorf("%s of NULLs: %+v", name, s)
				}
			default:
				least, most := int64(0), int64(0)
				if len(values) > 0 {
					least, most = slices.Min(values), slices.Max(values)
				}
				if got, want := fmt.Sprint(s.MinValue, s.MaxValue), fmt.Sprint(bytesOf(least), bytesOf(most)); got != want {
					t.Errorf("%s of %v: bounds %s, want %s", name, values, got, want)
				}
			}
		}
	}
}

func bytesOf(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

// TestSortByUniqueTexts: a buffer may be full of rows that all differ in a text it is
// ordered by.
func TestSortByUniqueTexts(t *testing.T) {
	byURI := everyTable
	byURI.Sort = []string{"uri"}
	w, err := New(byURI, newStage(t))
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxRows {
		if err := w.Write(&every{When: 20000 * day, URI: fmt.Appendf(nil, "%05d", i*40503%maxRows)}); err != nil {
			t.Fatal(err)
		}
	}
	got := readBack(t, finish(t, w))
	for i := range got {
		if want := fmt.Sprintf("%05d", i); len(got) != maxRows || got[i][2] != want {
			t.Fatalf("row %d of %d: got %v, want %s", i, len(got), got[i][2], want)
		}
	}
}

// TestBoundsOfTexts: readers pass over chunks by their bounds, so these hold what
// differs behind the first bytes, too, and at the end of the shorter one.
func TestBoundsOfTexts(t *testing.T) {
	for _, values := range [][]string{
		{"same beginning b", "same beginning a", "same beginning c", "same beginning b"},
		{"12345678", "1234567", "123456789", "12345678\x00"},
		{"a\x00\x00", "a\x00", "a"}, {"a", "a\x00"}, {"b", "", "b\xff"}, {""},
		{"same beginning z", "same beginning a"}, {"same beginning a", "same beginning z"},
	} {
		for _, repeated := range []int{1, 40} { // 40: with a dictionary
			var rows []every
			for i := range repeated * len(values) {
				v := logs.Text(values[i%len(values)])
				rows = append(rows, every{When: 20000*day + logs.Time(i), URI: v, Agent: v, UID: v})
			}
			w := newWriter(t)
			write(t, w, rows)
			for _, c := range footers(t, finish(t, w))[0].RowGroups[0].Columns {
				m := &c.MetaData
				if !slices.Contains([]string{"uri", "agent", "uid"}, m.PathInSchema[0]) {
					continue
				}
				if least, most := slices.Min(values), slices.Max(values); string(m.Statistics.MinValue) != least || string(m.Statistics.MaxValue) != most {
					t.Errorf("%s of %q: bounds %q and %q", m.PathInSchema[0], values, m.Statistics.MinValue, m.Statistics.MaxValue)
				}
			}
		}
	}
}
