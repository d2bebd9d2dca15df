package table

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// part is one staged object. Between row groups it is two closed files: the
// object so far, and beside it what the footer will say about each row group,
// so that a backlog of many days costs neither descriptors nor memory.
type part struct {
	day      int32
	number   int // 0 for the day's first
	path     string
	bytes    int64 // of the file
	groups   int   // row groups in it
	meta     int64 // bytes of the file of their descriptions
	rows     int64
	finished bool // has its footer
}

func (p *part) metaPath() string { return p.path + ".groups" }

// files is the file system of staged objects; tests let it fail.
type files struct {
	// open opens a file to write at its end; a fresh one must not be there yet.
	open     func(path string, fresh bool) (io.WriteCloser, error)
	truncate func(path string, size int64) error
	remove   func(path string) error
	read     func(path string) ([]byte, error)
}

func osFiles() files {
	return files{
		open: func(path string, fresh bool) (io.WriteCloser, error) {
			flag := os.O_WRONLY | os.O_APPEND
			if fresh {
				flag |= os.O_CREATE | os.O_EXCL
			}
			return os.OpenFile(path, flag, 0o644)
		},
		truncate: os.Truncate,
		remove:   os.Remove,
		read:     os.ReadFile,
	}
}

// extend writes b at the end of a file of so many bytes, and counts them.
func (fs files) extend(path string, size *int64, b []byte) error {
	f, err := fs.open(path, *size == 0)
	if err != nil {
		return err
	}
	return errors.Join(extend(f, path, size, b), f.Close())
}

func extend(f io.Writer, path string, size *int64, b []byte) error {
	n, err := f.Write(b)
	*size += int64(n)
	if err == nil && n < len(b) {
		err = fmt.Errorf("write %s: %w", path, io.ErrShortWrite)
	}
	return err
}

var magic = []byte("PAR1")

// addGroup appends rows of the buffered columns as one row group.
func (p *part) addGroup(fs files, e *encoder, s *schema, cols []buffer, rows []uint16) (err error) {
	f, err := fs.open(p.path, p.bytes == 0)
	if err != nil {
		return err
	}
	out := output{write: func(b []byte) error { return extend(f, p.path, &p.bytes, b) }}
	defer func() { err = errors.Join(err, out.close(e), f.Close()) }()
	e.out = slices.Grow(e.out[:0], min(32*len(rows), 2*maxPage))
	e.spill = func() error { return out.spill(e) }
	start := p.bytes
	if p.bytes == 0 {
		e.out = append(e.out, magic...)
		start = int64(len(magic))
	}
	group := format.RowGroup{
		NumRows:        int64(len(rows)),
		SortingColumns: s.sorting,
		FileOffset:     start,
		Ordinal:        int16(p.groups),
	}
	offset := start
	s.placed = s.placed[:0]
	for n, i := range s.order {
		e.hold = n < s.narrow
		e.begin(s.columns[i], len(rows))
		if err := cols[i].encode(e, rows); err != nil {
			return err
		}
		e.describe(&s.chunks[i], offset)
		s.placed = append(s.placed, placed{i, offset, e.zipped})
		offset += e.zipped
		group.TotalByteSize += e.text
		if n == s.narrow-1 {
			e.smallFirst(s, p.bytes)
		}
	}
	if err := out.finish(e); err != nil {
		return err
	}
	group.Columns = s.chunks
	group.TotalCompressedSize = offset - start
	p.groups++
	p.rows += group.NumRows
	return p.describe(fs, e, &group)
}

// describe keeps what the footer will say about a row group.
func (p *part) describe(fs files, e *encoder, g *format.RowGroup) error {
	e.bytes.Reset()
	if err := e.header.Encode(g); err != nil {
		return fmt.Errorf("encode row group of %s: %w", p.path, err)
	}
	e.small = binary.LittleEndian.AppendUint32(e.small[:0], uint32(e.bytes.Len()))
	e.small = append(e.small, e.bytes.Bytes()...)
	return fs.extend(p.metaPath(), &p.meta, e.small)
}

// finish writes the footer.
func (p *part) finish(fs files, s *schema) error {
	meta, err := fs.read(p.metaPath())
	if err != nil {
		return err
	}
	if int64(len(meta)) != p.meta {
		return fmt.Errorf("read %s: %d bytes where %d were written", p.metaPath(), len(meta), p.meta)
	}
	foot := footer{
		Version:      2,
		Schema:       s.elements,
		NumRows:      p.rows,
		CreatedBy:    createdBy,
		ColumnOrders: s.orders,
	}
	for len(meta) > 0 {
		n := binary.LittleEndian.Uint32(meta)
		foot.RowGroups = append(foot.RowGroups, encoded(meta[4:4+n]))
		meta = meta[4+n:]
	}
	var b bytes.Buffer
	if err := thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(&b)).Encode(&foot); err != nil {
		return fmt.Errorf("encode footer of %s: %w", p.path, err)
	}
	tail := binary.LittleEndian.AppendUint32(b.Bytes(), uint32(b.Len()))
	if err := fs.extend(p.path, &p.bytes, append(tail, magic...)); err != nil {
		return err
	}
	p.finished = true
	return nil
}

// undo makes the part what it was.
func (p *part) undo(fs files, was part) error {
	*p = was
	return errors.Join(fs.truncate(p.path, p.bytes), fs.truncate(p.metaPath(), p.meta))
}

// discard removes the part's files, as far as they are there.
func (p *part) discard(fs files) error {
	return errors.Join(discard(fs, p.path), discard(fs, p.metaPath()))
}

func discard(fs files, path string) error {
	if err := fs.remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// createdBy names the writer of a file in the form readers parse: they know
// broken writers by it.
const createdBy = "sluice version 1.0.0 (build 1)"

// footer is format.FileMetaData with row groups that are encoded already.
type footer struct {
	Version      int32                              `thrift:"1,required"`
	Schema       thrift.Slice[format.SchemaElement] `thrift:"2,required"`
	NumRows      int64                              `thrift:"3,required"`
	RowGroups    thrift.Slice[encoded]              `thrift:"4,required"`
	CreatedBy    string                             `thrift:"6,optional"`
	ColumnOrders thrift.Slice[format.ColumnOrder]   `thrift:"7,optional"`
}

// encoded is a Thrift struct as bytes.
type encoded []byte

// Type makes encoded a thrift.Value.
func (encoded) Type() thrift.Type { return thrift.STRUCT }

// EncodeFunc copies the bytes.
func (encoded) EncodeFunc(thrift.EncodeFuncCache) thrift.EncodeFunc {
	return func(w thrift.Writer, v reflect.Value, _ thrift.Flags) error {
		_, err := w.Writer().Write(v.Bytes())
		return err
	}
}

// DecodeFunc is never asked for: footers are read by other programs.
func (encoded) DecodeFunc(thrift.DecodeFuncCache) thrift.DecodeFunc { return nil }

// NullFunc says that an encoded struct is always there.
func (encoded) NullFunc() thrift.NullFunc { return func(reflect.Value) bool { return false } }

// schema is what all objects of a table have in common.
type schema struct {
	columns  []Column
	elements []format.SchemaElement
	orders   []format.ColumnOrder
	sorting  []format.SortingColumn
	order    []int // see layout
	narrow   int
	chunks   []format.ColumnChunk // scratch of addGroup
	placed   []placed             // of the chunks so far
}

func newSchema(name string, columns []Column, sort []int) *schema {
	s := &schema{columns: columns, chunks: make([]format.ColumnChunk, len(columns))}
	root := format.SchemaElement{Name: name}
	root.NumChildren.Set(int32(len(columns)))
	s.elements = append(s.elements, root)
	for _, c := range columns {
		e := format.SchemaElement{Name: c.Name}
		e.Type.Set(physical(c.Kind))
		e.RepetitionType.Set(format.Optional)
		if c.Required() {
			e.RepetitionType.Set(format.Required)
		}
		switch c.Kind {
		case Text:
			e.ConvertedType.Set(deprecated.UTF8)
			e.LogicalType.Value = new(format.StringType)
		case Time:
			e.ConvertedType.Set(deprecated.TimestampMillis)
			e.LogicalType.Value = &format.TimestampType{
				IsAdjustedToUTC: true,
				Unit:            format.TimeUnit{Value: new(format.MilliSeconds)},
			}
		}
		s.elements = append(s.elements, e)
		s.orders = append(s.orders, format.ColumnOrder{Value: new(format.TypeDefinedOrder)})
	}
	s.order, s.narrow = layout(columns)
	for _, i := range sort {
		s.sorting = append(s.sorting, format.SortingColumn{ColumnIdx: int32(i), NullsFirst: true})
	}
	return s
}
