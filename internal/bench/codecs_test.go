//go:build cgo && unix

package bench

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/gzip"
	"github.com/parquet-go/parquet-go/compress/lz4"
	"github.com/parquet-go/parquet-go/compress/snappy"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"sluice/internal/frame"
)

// choiceLines is how many lines choices are measured on: six row groups, where that
// many are asked for.
func choiceLines(b *testing.B) int64 { return min(lines(b), 6<<16) }

// page is a page of a file that Sluice wrote.
type page struct {
	column string
	stored int    // bytes as written
	text   []byte // what they stand for
}

// ids are the columns of random text, which are most of what is written.
var ids = []string{"request_id", "host_id"}

// written converts so many lines and returns the one object of them.
func written(b *testing.B, n int64) (path string) {
	b.Helper()
	file, _ := accessLog(b, n)
	lake := b.TempDir()
	r, err := convert(file, lake)
	if err == nil {
		err = r.whole(1, n)
	}
	objects, _ := filepath.Glob(lake + "/s3_access_logs/dt=*/*.parquet")
	if err != nil || len(objects) != 1 {
		b.Fatalf("%d objects of %d lines: %v", len(objects), n, err)
	}
	return objects[0]
}

// pagesOf reads all pages of a file, chunk by chunk.
func pagesOf(b *testing.B, path string) (all []page) {
	b.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		b.Fatal(err)
	}
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	defer unzip.Close()
	for _, g := range f.Metadata().RowGroups {
		for _, c := range g.Columns {
			from := c.MetaData.DataPageOffset
			if d := c.MetaData.DictionaryPageOffset; d > 0 {
				from = min(from, d)
			}
			r := bytes.NewReader(file[from : from+c.MetaData.TotalCompressedSize])
			for r.Len() > 0 {
				var h format.PageHeader
				before := r.Len()
				if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(r)).Decode(&h); err != nil {
					b.Fatal(err)
				}
				body := make([]byte, h.CompressedPageSize)
				if _, err := r.Read(body); err != nil {
					b.Fatal(err)
				}
				p := page{column: c.MetaData.PathInSchema[0], stored: before - r.Len()}
				if p.text, err = unzip.DecodeAll(body, nil); err != nil || len(p.text) != int(h.UncompressedPageSize) {
					b.Fatalf("page of %s: %d bytes, want %d: %v", p.column, len(p.text), h.UncompressedPageSize, err)
				}
				all = append(all, p)
			}
		}
	}
	return all
}

// codec compresses a page and makes it again.
type codec struct {
	name         string
	pack, unpack func(dst, src []byte) ([]byte, error)
}

func ofParquetGo(name string, c compress.Codec) codec { return codec{name, c.Encode, c.Decode} }

// zstdOf is klauspost's, with the options that the table has but for the level.
func zstdOf(b *testing.B, name string, level zstd.EncoderLevel, literals bool) codec {
	b.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithAllLitEntropyCompression(literals),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		b.Fatal(err)
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(r.Close)
	return codec{name,
		func(dst, src []byte) ([]byte, error) { return w.EncodeAll(src, dst[:0]), nil },
		func(dst, src []byte) ([]byte, error) { return r.DecodeAll(src, dst[:0]) },
	}
}

// BenchmarkCodecs compresses the pages that Sluice wrote in the other ways that
// Parquet knows, random ids apart: bytes and CPU time per row.
func BenchmarkCodecs(b *testing.B) {
	n := choiceLines(b)
	path := written(b, n)
	pages := pagesOf(b, path)
	for b.Loop() {
		g := newGrid("codecs: the same pages compressed in other ways, per row; CPU is that of compressing and of making them again",
			"", "bytes", "pack ns", "unpack ns", "ids: bytes", "pack ns", "unpack ns")
		for _, c := range []codec{
			zstdOf(b, "zstd, fastest", zstd.SpeedFastest, true),
			zstdOf(b, "zstd, fastest, literals as they are where nothing repeats", zstd.SpeedFastest, false),
			zstdOf(b, "zstd, default", zstd.SpeedDefault, true),
			zstdOf(b, "zstd, better", zstd.SpeedBetterCompression, true),
			ofParquetGo("gzip, 6", &gzip.Codec{Level: 6}),
			ofParquetGo("snappy", &snappy.Codec{}),
			ofParquetGo("lz4, raw", &lz4.Codec{Level: lz4.Fastest}),
			{"none", func(dst, src []byte) ([]byte, error) { return append(dst[:0], src...), nil }, func(dst, src []byte) ([]byte, error) { return append(dst[:0], src...), nil }},
		} {
			rest := packed(b, c, n, pages, func(p page) bool { return !slices.Contains(ids, p.column) })
			id := packed(b, c, n, pages, func(p page) bool { return slices.Contains(ids, p.column) })
			g.row(c.name, rest.perRow(), rest.packing(), rest.unpacking(), id.perRow(), id.packing(), id.unpacking())
		}
		framed := codec{"frames of literals and known repetitions (package frame)", frames, zstdOf(b, "", zstd.SpeedFastest, true).unpack}
		id := packed(b, framed, n, pages, func(p page) bool { return slices.Contains(ids, p.column) })
		g.row(framed.name, "", "", "", id.perRow(), id.packing(), id.unpacking())
		var stored, storedIDs int
		for _, p := range pages {
			if slices.Contains(ids, p.column) {
				storedIDs += p.stored
			} else {
				stored += p.stored
			}
		}
		g.row("as Sluice wrote them, with headers", decimals(perRow(int64(stored), n), 1), "", "", decimals(perRow(int64(storedIDs), n), 1), "", "")
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
}

// frames writes a page of plain texts as package table writes ids: a length is a match
// where it is that of the value before. What table does besides, with values that
// come twice, is left out.
func frames(dst, src []byte) ([]byte, error) {
	var w frame.Writer
	w.Reset(dst[:0], len(src))
	at := 4 + int(binary.LittleEndian.Uint32(src)) // definition levels, behind their length
	w.Literals(src[:at])
	for last := -1; at < len(src); {
		n := int(binary.LittleEndian.Uint32(src[at:]))
		if n == last {
			w.Match(4+n, 4)
			w.Literals(src[at+4 : at+4+n])
		} else {
			w.Literals(src[at : at+4+n])
		}
		last = n
		at += 4 + n
	}
	out, ok := w.Close()
	if !ok {
		return nil, fmt.Errorf("a frame larger than its text")
	}
	return out, nil
}

// packing is what pages took.
type packing struct {
	bytes, rows int64
	pack, made  time.Duration
}

func (p packing) perRow() string    { return decimals(perRow(p.bytes, p.rows), 1) }
func (p packing) packing() string   { return decimals(perRow(p.pack.Nanoseconds(), p.rows), 0) }
func (p packing) unpacking() string { return decimals(perRow(p.made.Nanoseconds(), p.rows), 0) }

// packed compresses pages and makes them again, and checks that they are the same.
func packed(b *testing.B, c codec, rows int64, pages []page, which func(page) bool) (p packing) {
	b.Helper()
	p.rows = rows
	var chosen, small [][]byte
	for _, pg := range pages {
		if which(pg) {
			chosen = append(chosen, pg.text)
		}
	}
	var scratch []byte
	p.pack = spent(b, func() {
		for _, text := range chosen {
			out, err := c.pack(scratch, text)
			if err != nil {
				b.Fatalf("%s: %v", c.name, err)
			}
			small = append(small, bytes.Clone(out))
			p.bytes += int64(len(out))
			scratch = out
		}
	})
	var texts [][]byte
	p.made = spent(b, func() {
		for i := range small {
			out, err := c.unpack(make([]byte, 0, len(chosen[i])), small[i])
			if err != nil {
				b.Fatalf("%s: %v", c.name, err)
			}
			texts = append(texts, out)
		}
	})
	for i := range texts {
		if !bytes.Equal(texts[i], chosen[i]) {
			b.Fatalf("%s: page %d is another one now", c.name, i)
		}
	}
	return p
}
