package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/ledger"
	"sluice/internal/pipeline"
	"sluice/internal/query"
	"sluice/internal/table"
)

// filled is an account whose probe is a row: the delivered file, what the ledger
// says of it, and a lake that the same binary made.
type filled struct {
	one
	lake   string // directory
	denied error
}

func (f filled) Open(ctx context.Context, o pipeline.Object) (io.ReadCloser, error) {
	if o.Bucket != "lake-example" {
		return f.one.Open(ctx, o)
	}
	if f.denied != nil {
		return nil, f.denied
	}
	name, ok := strings.CutPrefix(o.Key, "lake/")
	if !ok {
		return nil, errors.New("not below lake/")
	}
	return os.Open(filepath.Join(f.lake, filepath.FromSlash(name)))
}

// logFile is the delivered file.
const logFile = "111122223333/eu-central-1/example-photos/2026/11/22/file"

// fill converts the file of the probe into a lake, and notes it.
func fill(t *testing.T) (filled, ledger.Records) {
	t.Helper()
	f := filled{lake: filepath.Join(t.TempDir(), "lake")}
	body, err := f.one.Open(t.Context(), pipeline.Object{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if code, _, errs := sluiceWith(t, t.Context(), &bucket{files: map[string]string{logFile: string(text)}}, "", "convert", "s3://logs/"+logFile, "-o", f.lake); code != exitOK {
		t.Fatal(errs)
	}
	found, err := filepath.Glob(filepath.Join(f.lake, "s3_access_logs", "dt=2026-11-22", "*.parquet"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%q, %v", found, err)
	}
	records := ledger.NewMemory()
	l := ledger.New(ledger.Config{Store: ledger.NewRecordStore(records, strings.NewReader(strings.Repeat("r", 64))), Objects: kept{}, Lease: time.Hour, Now: time.Now})
	o := pipeline.Object{Bucket: "logs", Key: logFile, Version: "etag:1"}
	a, err := l.Begin(t.Context(), []pipeline.Object{o})
	if err != nil {
		t.Fatal(err)
	}
	name := "s3_access_logs/dt=2026-11-22/" + a.ID + "-0000.parquet"
	if err := os.Rename(found[0], filepath.Join(f.lake, filepath.FromSlash(name))); err != nil {
		t.Fatal(err)
	}
	done := pipeline.File{Object: o, Outcome: pipeline.Converted, Format: "s3_access_logs", Lines: 1, Rows: 1, BytesIn: int64(len(text))}
	if err := a.Commit(t.Context(), []pipeline.File{done}, []table.Object{{Name: name, Rows: 1}}); err != nil {
		t.Fatal(err)
	}
	return f, records
}

func verifyFilled(t *testing.T, f filled, records ledger.Records, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	var out, errs bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: screenOf(&out), stderr: screenOf(&errs),
		records: func(context.Context, string) (ledger.Records, error) { return records, nil },
		prober: func(context.Context) (*prober, error) {
			return &prober{id: "111122223333", region: "eu-central-1", cloud: f, files: f}, nil
		},
	}
	code = a.run(t.Context(), append([]string{"verify", "example-photos", "--probe", string(probed), "--timeout", "0s", "--table", "state"}, args...))
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return code, out.String(), errs.String()
}

func TestVerifyRow(t *testing.T) {
	f, records := fill(t)
	if lake, err := query.Open(t.Context(), f.lake, nil); err != nil && strings.Contains(err.Error(), "cgo") {
		code, out, _ := verifyFilled(t, f, records, "--lake-bucket", "lake-example")
		if code != exitUnsound || !strings.Contains(out, "unknown  row") {
			t.Errorf("without an engine: %d\n%s", code, out)
		}
		return
	} else if err == nil {
		lake.Close()
	}
	code, out, errs := verifyFilled(t, f, records, "--lake-bucket", "lake-example")
	if code != exitOK {
		t.Fatalf("%d, %s\n%s", code, errs, out)
	}
	wants(t, "row", out, "ok       batch         in batch ", "1 lines, 1 rows, 0 rejects\n", "ok       row           in s3_access_logs/dt=2026-11-22/",
		"in Athena: SELECT * FROM s3_access_logs WHERE dt = '2026-11-22' AND request_id = '", "key_name              "+probed.Key()+"\n", "request_time          2026-11-22 ", "log_key               "+logFile+"\n")

	code, out, _ = verifyFilled(t, f, records, "--lake-bucket", "lake-example", "--json")
	var got struct {
		Sound  bool
		Checks []struct {
			Step string
			Row  []struct{ Column, Value string }
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || !got.Sound || len(got.Checks[6].Row) < 10 {
		t.Errorf("JSON: %d, %v\n%s", code, err, out)
	}

	if code, out, _ = verifyFilled(t, f, records); code != exitUnsound {
		t.Errorf("no lake: %d", code)
	}
	wants(t, "no lake", out, "unknown  row           nobody looked into the lake", "--lake-bucket NAME")

	f.denied = errors.New("access denied")
	if code, out, _ = verifyFilled(t, f, records, "--lake-bucket", "lake-example"); code != exitUnsound {
		t.Errorf("denied: %d", code)
	}
	wants(t, "denied", out, "unknown  row           cannot be read: access denied; it takes s3:GetObject on what is below s3://lake-example/lake/")
	if code, _, errs = verifyFilled(t, f, records, "--lake-bucket", "s3://lake"); code != exitUsage || !strings.Contains(errs, "no name of a bucket") {
		t.Errorf("%d, %s", code, errs)
	}
}
