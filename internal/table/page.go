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

	"sluice/internal/frame"
)

// encoder turns buffered columns into the pages of a row group. All its memory
// is scratch, kept from one column to the next.
type encoder struct {
	column Column
	out    []byte       // finished pages that are not yet in a file
	hold   bool         // keeps them there
	spill  func() error // writes out to the file, and empties it
	beside bool         // on a goroutine of its own: there is a core for that
	second []byte       // with beside: what is being written, or nothing
	zip    *zstd.Encoder
	header thrift.Encoder
	bytes  bytes.Buffer // header's output
	page   format.PageHeader
	delta  delta.BinaryPackedEncoding

	chunk // the column chunk being written

	levels    []byte   // 0 NULL, 1 present; ends at the last NULL of the page
	pageNulls int      // of the page being made
	gathered  []uint16 // ids of rows, in their order
	ids       []int32  // values as places in the dictionary, from 0
	used      []uint32 // ids in the buffer's dictionary, by place in the chunk's
	places    []uint32 // place+1 by id in the buffer's dictionary; all 0 between chunks
	nums      []int64
	distinct  []int64  // of nums, by place
	slots     []uint32 // hash table of distinct: place+1
	spread    uint64   // what numbers are hashed with: random, as senders choose numbers too
	order     sorter   // of numbers
	body      []byte   // a page before compression
	plain     []byte
	small     []byte
	values    [][]byte // of a page of texts, nil where NULL
	length    [4]byte
	seen      []uint64 // hash<<32 | number of a value of the page
	starts    []uint32 // of values of the page, where they begin
	frame     frame.Writer
}

// chunk is what the footer will say about a column chunk.
type chunk struct {
	rows                    int
	nulls                   int
	dictBytes               int64 // of the dictionary page, header included; 0 without one
	zipped, text            int64 // of all pages, headers included
	bounded                 bool
	least, most             []byte
	leastPrefix, mostPrefix uint64 // of bounds that are texts
	dataPages               int32
	encoding                format.Encoding
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

// forget clears what a chunk leaves behind that was not written to its end, as
// after a panic: the next one would take it for its own.
func (e *encoder) forget() { clear(e.places) }

// begin starts a column chunk of n rows.
func (e *encoder) begin(c Column, n int) {
	e.column = c
	least, most := e.least[:0], e.most[:0]
	e.chunk = chunk{rows: n, least: least, most: most}
}

// begun starts a page.
func (e *encoder) begun() { e.levels, e.pageNulls = e.levels[:0], 0 }

// absent says that n rows of the page are NULL, from row i on.
func (e *encoder) absent(i, n int) {
	e.present(i)
	e.levels = append(e.levels, make([]byte, n)...)
	e.pageNulls += n
}

// present says that the page's rows before row i are not NULL, as far as that is
// not known yet.
func (e *encoder) present(i int) {
	for len(e.levels) < i {
		e.levels = append(e.levels, 1)
	}
}

// data adds a data page of n rows. The parts are its values, in their encoding.
func (e *encoder) data(enc format.Encoding, n int, parts ...[]byte) error {
	e.body = e.body[:0]
	if err := e.addLevels(n); err != nil {
		return err
	}
	for _, p := range parts {
		e.body = append(e.body, p...)
	}
	e.describePage(enc, n)
	return e.write()
}

// describePage makes the header of a data page of n rows.
func (e *encoder) describePage(enc format.Encoding, n int) {
	e.page = format.PageHeader{Type: format.DataPage}
	e.page.DataPageHeader.Set(format.DataPageHeader{
		NumValues:               int32(n),
		Encoding:                enc,
		DefinitionLevelEncoding: format.RLE,
		RepetitionLevelEncoding: format.RLE,
		Statistics:              format.Statistics{NullCount: int64(e.pageNulls)},
	})
	e.nulls += e.pageNulls
	e.dataPages++
	e.encoding = enc
}

// addLevels appends the definition levels of a page of n rows.
func (e *encoder) addLevels(n int) (err error) {
	switch {
	case e.column.Required():
		return nil
	case e.pageNulls == 0 || e.pageNulls == n: // one run, as most columns are
		e.small = binary.AppendUvarint(e.small[:0], uint64(n)<<1)
		e.small = append(e.small, byte(min(1, n-e.pageNulls)))
	default:
		e.present(n)
		e.small, err = (&rle.Encoding{BitWidth: 1}).EncodeLevels(e.small, e.levels)
		if err != nil {
			return fmt.Errorf("column %s: encode levels: %w", e.column.Name, err)
		}
	}
	e.body = binary.LittleEndian.AppendUint32(e.body, uint32(len(e.small)))
	e.body = append(e.body, e.small...)
	return nil
}

// dictionary adds e.body as the dictionary page of n plain values.
func (e *encoder) dictionary(n int) error {
	e.page = format.PageHeader{Type: format.DictionaryPage}
	e.page.DictionaryPageHeader.Set(format.DictionaryPageHeader{NumValues: int32(n), Encoding: format.Plain})
	before := e.zipped
	write := e.write
	if e.column.Kind == Text {
		write = e.writeText
	}
	err := write()
	e.dictBytes = e.zipped - before
	return err
}

// write compresses e.body behind its header e.page.
func (e *encoder) write() error {
	if len(e.body) > math.MaxInt32 {
		return fmt.Errorf("column %s: page of %d bytes", e.column.Name, len(e.body))
	}
	e.small = e.zip.EncodeAll(e.body, e.small[:0])
	return e.add(len(e.body))
}

// minFrame is how much text is worth a frame of our own: smaller pages came out up to a
// tenth larger, in the same time.
const minFrame = 64 << 10

// writeText is write for a page of texts and their lengths. Where pieces of texts
// repeat, it is known in which places to look for them: that takes a quarter less than
// looking everywhere.
func (e *encoder) writeText() error {
	if len(e.body) < minFrame || len(e.body) > frame.MaxText {
		return e.write()
	}
	e.frame.Reset(e.small[:0], len(e.body))
	e.frame.Text(e.body)
	var ok bool
	if e.small, ok = e.frame.Close(); !ok {
		return e.write()
	}
	return e.add(len(e.body))
}

// add adds a page whose size bytes are compressed in e.small behind its header.
func (e *encoder) add(size int) error {
	e.page.UncompressedPageSize = int32(size)
	e.page.CompressedPageSize = int32(len(e.small))
	e.bytes.Reset()
	if err := e.header.Encode(&e.page); err != nil {
		return fmt.Errorf("column %s: encode page header: %w", e.column.Name, err)
	}
	e.zipped += int64(e.bytes.Len() + len(e.small))
	e.text += int64(e.bytes.Len() + size)
	e.out = append(e.out, e.bytes.Bytes()...)
	e.out = append(e.out, e.small...)
	if len(e.out) > maxPage && !e.hold {
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
