package formats_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/formats"
	"sluice/internal/ledger"
	"sluice/internal/pipeline"
)

// files is a Source of files in memory.
type files map[string][]byte

func (f files) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(f[o.Key])), nil
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// samples are the parsers' own test files, by the key they would be delivered under.
func samples(t *testing.T) map[string][]byte {
	t.Helper()
	keys := map[string]string{
		"../logs/s3access/testdata/*.txt":    "p/2026-02-06-10-11-12-0A1B2C3D4E5F60%02d.gz",
		"../logs/cloudtrail/testdata/*.json": "AWSLogs/111122223333/CloudTrail/us-east-1/2026/02/06/111122223333_CloudTrail_us-east-1_20260206T0000Z_0A1B2C3D4E5F60%02d.json.gz",
	}
	found := map[string][]byte{}
	for glob, key := range keys {
		names, err := filepath.Glob(glob)
		if err != nil || len(names) == 0 {
			t.Fatalf("no samples in %s: %v", glob, err)
		}
		for i, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found[fmt.Sprintf(key, i)] = data
		}
	}
	return found
}

// visible counts the files of a lake that a reader of its tables sees.
func visible(t *testing.T, lake string) (n int) {
	t.Helper()
	err := filepath.WalkDir(lake, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name()[0] == '_' {
			return filepath.SkipDir
		}
		if !d.IsDir() {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Every sample of every format, zipped and cut at many points, is a failed file
// of which nothing is visible; whole it is converted.
func TestTruncatedSamplesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	lake, err := ledger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lake.Close()
	p, err := pipeline.New(pipeline.Config{Routes: formats.Routes(), Stage: lake.Stage()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	run := func(key string, data []byte) pipeline.File {
		t.Helper()
		o := pipeline.Object{Key: key, Version: fmt.Sprint(len(data)), Size: -1}
		r, err := p.Run(t.Context(), files{key: data}, lake, []pipeline.Object{o})
		if err != nil {
			t.Fatal(err)
		}
		return r.Files[0]
	}
	all := samples(t)
	for key, data := range all {
		z := zipped(t, data)
		for cut := 1; cut < len(z); cut += 1 + len(z)/97 {
			if f := run(key, z[:cut]); f.Outcome != pipeline.Failed || f.Err == nil {
				t.Errorf("%s cut at %d of %d: %v, %v", key, cut, len(z), f.Outcome, f.Err)
			}
		}
	}
	if n := visible(t, dir); n != 0 {
		t.Fatalf("%d objects visible of files that were all cut", n)
	}
	for key, data := range all {
		f := run(key, zipped(t, data))
		if f.Outcome == pipeline.Converted && f.Unaccounted() != 0 {
			t.Errorf("%s: %d lines unaccounted for", key, f.Unaccounted())
		}
		if f.Outcome == pipeline.Failed {
			t.Logf("%s fails whole: %v", key, f.Err)
		}
	}
	if n := visible(t, dir); n == 0 {
		t.Fatal("no whole sample was converted")
	}
}
