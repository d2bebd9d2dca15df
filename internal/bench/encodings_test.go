//go:build cgo && unix

package bench

import (
	"bytes"
	"errors"
	"io"
	"math/bits"
	"os"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/bytestreamsplit"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// inEncodings are columns with values of each kind: times in the order of the table,
// numbers that repeat and that do not, texts that repeat, that begin alike, and that
// are random.
var inEncodings = []string{
	"request_time", "http_status", "object_size", "total_duration",
	"remote_ip", "requester", "user_agent", "key_name", "request_uri", "request_id", "host_id",
}

// values are those of a column chunk that are not NULL, in their order.
type values struct {
	texts   []byte
	offsets []uint32 // of texts: one more than there are
	numbers []int64
}

func (v *values) add(p parquet.Value) {
	if p.Kind() == parquet.ByteArray {
		v.texts = append(v.texts, p.ByteArray()...)
		v.offsets = append(v.offsets, uint32(len(v.texts)))
		return
	}
	v.numbers = append(v.numbers, p.Int64())
}

// chunksOf reads a column of each row group of a file.
func chunksOf(b *testing.B, path, column string) (all []*values) {
	b.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		b.Fatal(err)
	}
	leaf, ok := f.Schema().Lookup(column)
	if !ok {
		b.Fatalf("no column %s", column)
	}
	some := make([]parquet.Value, 1024)
	for _, g := range f.RowGroups() {
		v := &values{offsets: []uint32{0}}
		pages := g.ColumnChunks()[leaf.ColumnIndex].Pages()
		for {
			p, err := pages.ReadPage()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			for r := p.Values(); ; {
				n, err := r.ReadValues(some)
				for _, x := range some[:n] {
					if !x.IsNull() {
						v.add(x)
					}
				}
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := pages.Close(); err != nil {
			b.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// encoding writes values; nil where they are not of its kind.
type encoding struct {
	name string
	do   func(*values) ([]byte, error)
}

var encodings = []encoding{
	{"PLAIN", func(v *values) ([]byte, error) {
		if v.numbers != nil {
			return new(plain.Encoding).EncodeInt64(nil, v.numbers)
		}
		return new(plain.Encoding).EncodeByteArray(nil, v.texts, v.offsets)
	}},
	{"RLE_DICTIONARY", dictionary},
	{"DELTA_BINARY_PACKED", func(v *values) ([]byte, error) {
		if v.numbers == nil {
			return nil, nil
		}
		return new(delta.BinaryPackedEncoding).EncodeInt64(nil, v.numbers)
	}},
	{"DELTA_LENGTH_BYTE_ARRAY", func(v *values) ([]byte, error) {
		if v.numbers != nil {
			return nil, nil
		}
		return new(delta.LengthByteArrayEncoding).EncodeByteArray(nil, v.texts, v.offsets)
	}},
	{"DELTA_BYTE_ARRAY", func(v *values) ([]byte, error) {
		if v.numbers != nil {
			return nil, nil
		}
		return new(delta.ByteArrayEncoding).EncodeByteArray(nil, v.texts, v.offsets)
	}},
	{"BYTE_STREAM_SPLIT", func(v *values) ([]byte, error) {
		if v.numbers == nil {
			return nil, nil
		}
		return new(bytestreamsplit.Encoding).EncodeInt64(nil, v.numbers)
	}},
}

// dictionary writes values as their places in a dictionary of them, which is in the
// order in which they came, and for numbers in their own, as in package table.
func dictionary(v *values) (out []byte, err error) {
	var places []int32
	n := 0
	if v.numbers != nil {
		sorted := slices.Compact(slices.Sorted(slices.Values(v.numbers)))
		at := map[int64]int32{}
		for i, x := range sorted {
			at[x] = int32(i)
		}
		for _, x := range v.numbers {
			places = append(places, at[x])
		}
		n = len(sorted)
		out, err = new(plain.Encoding).EncodeInt64(nil, sorted)
	} else {
		at := map[string]int32{}
		distinct := &values{offsets: []uint32{0}}
		for i, end := range v.offsets[1:] {
			text := v.texts[v.offsets[i]:end]
			place, ok := at[string(text)]
			if !ok {
				place = int32(len(at))
				at[string(text)] = place
				distinct.texts = append(distinct.texts, text...)
				distinct.offsets = append(distinct.offsets, uint32(len(distinct.texts)))
			}
			places = append(places, place)
		}
		n = len(at)
		out, err = new(plain.Encoding).EncodeByteArray(nil, distinct.texts, distinct.offsets)
	}
	if err != nil {
		return nil, err
	}
	packed, err := (&rle.Encoding{BitWidth: bits.Len(uint(max(n-1, 1)))}).EncodeInt32(nil, places)
	return append(out, packed...), err
}

// BenchmarkEncodings writes the values of columns that Sluice wrote in each encoding
// that Parquet has for them, and compresses them as Sluice does: bytes per row, and
// behind them what that took of CPU time. Chunks are those of Sluice.
func BenchmarkEncodings(b *testing.B) {
	rows := choiceLines(b)
	path := written(b, rows)
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true), zstd.WithEncoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		sizes := newGrid("encodings: bytes per row, zstd", "")
		times := newGrid("encodings: CPU ns per row, of encoding and zstd (a dictionary here by a map of Go's, which costs several times what Sluice's does)", "")
		for _, e := range encodings {
			sizes.head, times.head = append(sizes.head, e.name), append(times.head, e.name)
		}
		for _, column := range inEncodings {
			chunks := chunksOf(b, path, column)
			size, took := []string{column}, []string{column}
			for _, e := range encodings {
				n, fits := int64(0), true
				var zipped []byte
				cpu := spent(b, func() {
					for _, v := range chunks {
						out, err := e.do(v)
						if err != nil {
							b.Fatalf("%s of %s: %v", e.name, column, err)
						}
						if fits = fits && (out != nil || len(v.numbers)+len(v.texts) == 0); !fits {
							return
						}
						zipped = w.EncodeAll(out, zipped[:0])
						n += int64(len(zipped))
					}
				})
				if !fits {
					size, took = append(size, "–"), append(took, "–")
					continue
				}
				size = append(size, decimals(perRow(n, rows), 2))
				took = append(took, decimals(perRow(cpu.Nanoseconds(), rows), 0))
			}
			sizes.row(size...)
			times.row(took...)
		}
		pages := newGrid("pages: bytes per row of request_uri, PLAIN, zstd, by the most text that a page has", "", "bytes", "pages of a chunk")
		uris := chunksOf(b, path, "request_uri")
		for _, limit := range []int{64 << 10, 256 << 10, 1 << 20, 2 << 20, 8 << 20} {
			n, count := int64(0), 0
			for _, v := range uris {
				for text := v.plain(); len(text) > 0; count++ {
					some := min(limit, len(text)) // where a page ends inside a value does not matter here
					n += int64(len(w.EncodeAll(text[:some], nil)))
					text = text[some:]
				}
			}
			pages.row(decimals(float64(limit)/(1<<20), 2)+" MiB", decimals(perRow(n, rows), 2), decimals(float64(count)/float64(len(uris)), 1))
		}
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
}

func (v *values) plain() []byte {
	out, _ := new(plain.Encoding).EncodeByteArray(nil, v.texts, v.offsets) // it returns no error
	return out
}
