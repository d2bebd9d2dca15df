package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/logs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// dated is when the test's files were delivered.
var dated = logs.TimeOf(time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC))

// dump reads a file and writes down what came of it, one column a line. NULL
// columns are left out.
func dump(rd logs.Reader[Row], key string, r io.Reader) (string, error) {
	var b strings.Builder
	in := &logs.Input{Key: key, Dated: dated}
	steps := int64(0)
	for row, err := range rd.Read(in, r) {
		var bad *logs.BadRecord
		switch {
		case errors.As(err, &bad):
			steps++
			fmt.Fprintf(&b, "reject %d\n\t%s: %s\n\t%s\n\t%q\n", bad.Line, bad.Reason, bad.Detail, stamp(bad.Time), bad.Raw)
		case err != nil:
			return b.String(), err
		default:
			steps++
			fmt.Fprintf(&b, "row %d\n%s", row.LogLine, columns(row))
		}
	}
	if steps != in.Lines {
		return b.String(), fmt.Errorf("%d lines, but %d rows and rejects", in.Lines, steps)
	}
	return b.String(), nil
}

func columns(row *Row) string {
	var b strings.Builder
	v := reflect.ValueOf(row).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("col"), ",")
		switch x := v.Field(i).Interface().(type) {
		case logs.Text:
			if x != nil {
				fmt.Fprintf(&b, "\t%s = %q\n", name, x)
			}
		case logs.Int:
			if x.OK {
				fmt.Fprintf(&b, "\t%s = %d\n", name, x.V)
			}
		case logs.Bool:
			if x.OK {
				fmt.Fprintf(&b, "\t%s = %t\n", name, x.V)
			}
		case logs.Time:
			fmt.Fprintf(&b, "\t%s = %s\n", name, stamp(x))
		case logs.Int64:
			fmt.Fprintf(&b, "\t%s = %d\n", name, x)
		case *logs.Again: // see TestAgain
		default:
			fmt.Fprintf(&b, "\t%s: no column type %T\n", name, x)
		}
	}
	return b.String()
}

func stamp(t logs.Time) string { return t.Go().Format("2006-01-02T15:04:05.000Z") }

func samples(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	all := make(map[string][]byte)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.ToSlash(f)] = b
	}
	return all
}

func TestGolden(t *testing.T) {
	rd := Format.NewReader()
	for file, content := range samples(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got, err := dump(rd, file, bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		})
	}
}

// The reader keeps buffers from file to file: nothing of one may show in another,
// and how the bytes arrive must not matter.
func TestReuse(t *testing.T) {
	rd := Format.NewReader()
	for range 2 {
		for file, content := range samples(t) {
			want, err := dump(Format.NewReader(), file, bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			for how, r := range map[string]io.Reader{
				"whole":       bytes.NewReader(content),
				"one by one":  iotest.OneByteReader(bytes.NewReader(content)),
				"end at once": iotest.DataErrReader(bytes.NewReader(content)),
			} {
				got, err := dump(rd, file, r)
				if err != nil {
					t.Errorf("%s, %s: %v", file, how, err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s (-fresh +reused):\n%s", file, how, diff)
				}
			}
		}
	}
}

// A window so small that it must move and grow at every record.
func TestSmallWindow(t *testing.T) {
	for file, content := range samples(t) {
		want, err := dump(Format.NewReader(), file, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		for size := 1; size < 64; size++ {
			rd := new(reader)
			rd.win.buf = make([]byte, size)
			got, err := dump(rd, file, bytes.NewReader(content))
			if err != nil || got != want {
				t.Fatalf("%s through a window of %d: %v, or not the same rows", file, size, err)
			}
		}
	}
}

func TestTruncated(t *testing.T) {
	rd := Format.NewReader()
	for file, content := range samples(t) {
		end := bytes.LastIndexByte(content, '}')
		for cut := 0; cut <= end; cut += max(1, len(content)/997) {
			if _, err := dump(rd, file, bytes.NewReader(content[:cut])); err == nil {
				t.Errorf("%s cut at %d of %d: no error", file, cut, len(content))
			}
		}
		if _, err := dump(rd, file, bytes.NewReader(content[:end])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s without its last brace: got %v, want %v", file, err, io.ErrUnexpectedEOF)
		}
	}
}

func TestTruncatedGzip(t *testing.T) {
	rd := Format.NewReader()
	for file, content := range samples(t) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for cut := 10; cut <= b.Len(); cut++ { // the header alone is 10 bytes
			z, err := gzip.NewReader(bytes.NewReader(b.Bytes()[:cut]))
			if err != nil {
				t.Fatal(err)
			}
			_, err = dump(rd, file, z)
			if whole := cut == b.Len(); whole != (err == nil) {
				t.Errorf("%s cut at %d of %d: %v", file, cut, b.Len(), err)
			}
		}
		b.Bytes()[b.Len()-5] ^= 1 // the checksum, behind the last byte of JSON
		z, err := gzip.NewReader(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dump(rd, file, z); !errors.Is(err, gzip.ErrChecksum) {
			t.Errorf("%s with a wrong checksum: got %v, want %v", file, err, gzip.ErrChecksum)
		}
	}
}

func TestBrokenFiles(t *testing.T) {
	const good = `{"eventTime":"2026-11-22T08:15:30Z"}`
	for _, tc := range []struct{ name, content, want string }{
		{"empty", ``, "unexpected EOF"},
		{"white space", " \n", "unexpected EOF"},
		{"mark only", "\ufeff", "unexpected EOF"},
		{"an array", `[` + good + `]`, "want '{'"},
		{"a line of text", `owner bucket [22/Nov/2026`, "want '{'"},
		{"no Records", `{"logFiles":[]}`, "no Records"},
		{"no members", `{}`, "no Records"},
		{"Records is null", `{"Records":null}`, "want '['"},
		{"Records is an object", `{"Records":` + good + `}`, "want '['"},
		{"Records twice", `{"Records":[],"Records":[]}`, "twice"},
		{"two documents", `{"Records":[]}{"Records":[]}`, "after the end"},
		{"garbage behind", `{"Records":[]} x`, "after the end"},
		{"comma before end", `{"Records":[` + good + `,]}`, "comma before"},
		{"comma before brace", `{"Records":[],}`, "comma before"},
		{"comma first", `{,"Records":[]}`, "want a value"},
		{"no comma", `{"Records":[` + good + good + `]}`, "want ','"},
		{"no colon", `{"Records"[]}`, "want ':'"},
		{"name without quotes", `{Records:[]}`, "want a value"},
		{"name is a number", `{1:[]}`, "without a name"},
		{"broken literal", `{"Records":[{"a":tru}]}`, "want true"},
		{"broken number", `{"Records":[{"a":01}]}`, "want a comma"},
		{"control character", "{\"Records\":[{\"a\":\"\x01\"}]}", "control character"},
		{"escape", `{"Records":[{"a":"\x"}]}`, "escape"},
		{"half an escape", `{"Records":[{"a":"\u12"}]}`, "hex"},
		{"too deep", `{"Records":[` + strings.Repeat("[", maxDepth+1), "too deep"},
		{"too large", `{"Records":["` + strings.Repeat("x", maxWindow+1) + `"]}`, "too large"},
		{"too many values", `{"Records":[[` + strings.Repeat("0,", maxNodes) + `0]]}`, "too large"},
	} {
		if _, err := dump(Format.NewReader(), "k", strings.NewReader(tc.content)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want …%s…", tc.name, err, tc.want)
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("connection reset")
	for file, content := range samples(t) {
		for _, cut := range []int{0, 1, len(content) / 2, len(content)} {
			r := io.MultiReader(bytes.NewReader(content[:cut]), iotest.ErrReader(broken))
			if _, err := dump(Format.NewReader(), file, r); !errors.Is(err, broken) {
				t.Errorf("%s, read error at %d: got %v, want %v", file, cut, err, broken)
			}
		}
	}
}

// A source that gives neither bytes nor an error must not hold a worker for ever.
func TestNoProgress(t *testing.T) {
	r := io.MultiReader(strings.NewReader(`{"Records":[`), idle{})
	if _, err := dump(Format.NewReader(), "k", r); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v, want %v", err, io.ErrNoProgress)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestStop(t *testing.T) {
	in := &logs.Input{Key: "k", Dated: dated}
	steps := 0
	for range Format.NewReader().Read(in, bytes.NewReader(samples(t)["testdata/rejects.json"])) {
		if steps++; steps == 3 {
			break
		}
	}
	if steps != 3 || in.Lines != 3 {
		t.Errorf("stopped after %d steps and %d lines, want 3 and 3", steps, in.Lines)
	}
}

// A record of many bytes does not stop the reader, and memory is that of one record.
func TestLargeRecord(t *testing.T) {
	const size = 3 << 20
	rec := `{"eventTime":"2026-11-22T08:15:30Z","requestParameters":{"key":"` + strings.Repeat("k", size) + `"}}`
	content := `{"Records":[` + strings.Repeat(rec+",", 9) + rec + `]}`
	rd := new(reader)
	n := 0
	for row, err := range rd.Read(&logs.Input{}, strings.NewReader(content)) {
		if err != nil {
			t.Fatal(err)
		}
		if len(row.KeyName) != size {
			t.Fatalf("key of %d bytes, want %d", len(row.KeyName), size)
		}
		n++
	}
	if n != 10 || len(rd.win.buf) > 2*size {
		t.Errorf("%d rows through a window of %d bytes, want 10 through less than %d", n, len(rd.win.buf), 2*size)
	}
}
