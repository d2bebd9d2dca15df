package table

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// encoder turns buffered columns into the pages of a row group. All its memory
// is scratch, kept from one column to the next.
type encoder struct {
	column Column
	out    []byte       // finished pages that are not yet in a file
	spill  func() error // writes out to the file, and empties it
	zip    *zstd.Encoder
	header thrift.Encoder
	bytes  bytes.Buffer // header's output
	page   format.PageHeader
	delta  delta.BinaryPackedEncoding

	chunk // the column chunk being written

	levels []byte   // 0 NULL, 1 present
	ids    []int32  // values as places in the dictionary, from 0
	used   []uint32 // ids in the buffer's dictionary, by place in the chunk's
	places []uint32 // place+1 by id in the buffer's dictionary; all 0 between chunks
	nums   []int64
	slots  []uint32 // hash table of numbers: place+1
	spread uint64   // what numbers are hashed with: random, as senders choose numbers too
	body   []byte   // a page before compression
	plain  []byte
	small  []byte
}

// chunk is what the footer will say about a column chunk.
type chunk struct {
	rows, nulls  int
	dictBytes    int64 // of the dictionary page, header included; 0 without one
	zipped, text int64 // of all pages, headers included
	bounded      bool
	least, most  []byte
	dataPages    int32
	encoding     format.Encoding
}

func newEncoder() (*encoder, error) {
	// The fastest level: the time of a conversion goes into random ids that no
	// level compresses. Entropy coding of literals matters for those (57 instead
	// of 80 bytes for an extended request id). The window is that of one page.
	zip, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(maxPage),
		zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("make zstd encoder: %w", err)
	}
	e := &encoder{zip: zip, spread: maphash.String(maphash.MakeSeed(), "") | 1}
	e.header.Reset(new(thrift.CompactProtocol).NewWriter(&e.bytes))
	return e, nil
}

// begin starts a column chunk of n rows.
func (e *encoder) begin(c Column, n int) {
	e.column = c
	least, most := e.least[:0], e.most[:0]
	e.chunk = chunk{rows: n, least: least, most: most}
}

// data adds a data page of values whose encoding is body's; levels are one byte
// a row, 0 where it is NULL.
func (e *encoder) data(enc format.Encoding, levels, values []byte) error {
	nulls := 0
	e.body = e.body[:0]
	if !e.column.Required() {
		var err error
		if nulls, err = e.addLevels(levels); err != nil {
			return err
		}
	}
	e.body = append(e.body, values...)
	e.page = format.PageHeader{Type: format.DataPage}
	e.page.DataPageHeader.Set(format.DataPageHeader{
		NumValues:               int32(len(levels)),
		Encoding:                enc,
		DefinitionLevelEncoding: format.RLE,
		RepetitionLevelEncoding: format.RLE,
		Statistics:              format.Statistics{NullCount: int64(nulls)},
	})
	e.nulls += nulls
	e.dataPages++
	e.encoding = enc
	return e.write()
}

// addLevels appends definition levels to the page and counts the NULLs.
func (e *encoder) addLevels(levels []byte) (nulls int, err error) {
	nulls = bytes.Count(levels, []byte{0})
	switch nulls {
	case 0, len(levels): // one run, as most columns are
		e.small = binary.AppendUvarint(e.small[:0], uint64(len(levels))<<1)
		e.small = append(e.small, levels[0])
	default:
		e.small, err = (&rle.Encoding{BitWidth: 1}).EncodeLevels(e.small, levels)
		if err != nil {
			return 0, fmt.Errorf("column %s: encode levels: %w", e.column.Name, err)
		}
	}
	e.body = binary.LittleEndian.AppendUint32(e.body, uint32(len(e.small)))
	e.body = append(e.body, e.small...)
	return nulls, nil
}

// dictionary adds the dictionary page of n plain values.
func (e *encoder) dictionary(n int, values []byte) error {
	e.body = append(e.body[:0], values...)
	e.page = format.PageHeader{Type: format.DictionaryPage}
	e.page.DictionaryPageHeader.Set(format.DictionaryPageHeader{NumValues: int32(n), Encoding: format.Plain})
	before := e.zipped
	err := e.write()
	e.dictBytes = e.zipped - before
	return err
}

// write compresses e.body behind its header e.page.
func (e *encoder) write() error {
	if len(e.body) > math.MaxInt32 {
		return fmt.Errorf("column %s: page of %d bytes", e.column.Name, len(e.body))
	}
	e.small = e.zip.EncodeAll(e.body, e.small[:0])
	e.page.UncompressedPageSize = int32(len(e.body))
	e.page.CompressedPageSize = int32(len(e.small))
	e.bytes.Reset()
	if err := e.header.Encode(&e.page); err != nil {
		return fmt.Errorf("column %s: encode page header: %w", e.column.Name, err)
	}
	e.zipped += int64(e.bytes.Len() + len(e.small))
	e.text += int64(e.bytes.Len() + len(e.body))
	e.out = append(e.out, e.bytes.Bytes()...)
	e.out = append(e.out, e.small...)
	if len(e.out) > maxPage {
		return e.spill()
	}
	return nil
}

// describe says in c what a reader needs to know of the chunk, whose first page
// is at offset in its file. It reuses the memory of what c said before.
func (e *encoder) describe(c *format.ColumnChunk, offset int64) {
	m := &c.MetaData
	m.Type = physical(e.column.Kind)
	m.Codec = format.Zstd
	m.NumValues = int64(e.rows)
	m.TotalUncompressedSize, m.TotalCompressedSize = e.text, e.zipped
	m.PathInSchema = append(m.PathInSchema[:0], e.column.Name)
	m.Encoding = append(m.Encoding[:0], e.encoding)
	m.EncodingStats = append(m.EncodingStats[:0],
		format.PageEncodingStats{PageType: format.DataPage, Encoding: e.encoding, Count: e.dataPages})
	m.DataPageOffset, m.DictionaryPageOffset = offset+e.dictBytes, 0
	if !e.column.Required() {
		m.Encoding = append(m.Encoding, format.RLE)
	}
	if e.dictBytes > 0 {
		m.DictionaryPageOffset = offset
		m.Encoding = append(m.Encoding, format.Plain)
		m.EncodingStats = append(m.EncodingStats,
			format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
	}
	m.Statistics = format.Statistics{NullCount: int64(e.nulls)}
	if e.bounded {
		m.Statistics.MinValue = append([]byte{}, e.least...) // not nil: "" is a bound too
		m.Statistics.MaxValue = append([]byte{}, e.most...)
	}
}

func physical(k Kind) format.Type {
	switch k {
	case Text:
		return format.ByteArray
	case Bool:
		return format.Boolean
	}
	return format.Int64
}
