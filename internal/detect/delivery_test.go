package detect_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/detect"
	"sluice/internal/formats"
	"sluice/internal/generate"
	"sluice/internal/pipeline"
)

// bucket is a log bucket in memory: text by key.
type bucket map[string]string

func (b bucket) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(b[o.Key])), nil
}

func (b bucket) objects() []pipeline.Object {
	var all []pipeline.Object
	for _, key := range slices.Sorted(maps.Keys(b)) {
		all = append(all, pipeline.Object{Key: key, Size: int64(len(b[key]))})
	}
	return all
}

// generated is a folder of logs as delivered, unzipped.
func generated(t *testing.T, o generate.Options) (bucket, *generate.Truth) {
	t.Helper()
	dir := t.TempDir()
	truth, err := generate.Write(dir, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := bucket{}
	for _, o := range delivered(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, o.Key))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(o.Key, ".gz") {
			z, err := gzip.NewReader(strings.NewReader(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			if text, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		b[filepath.ToSlash(o.Key)] = string(text)
	}
	return b, truth
}

// delivered lists the files below dir as they came.
func delivered(t *testing.T, dir string) []pipeline.Object {
	t.Helper()
	var all []pipeline.Object
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), "_") {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		key, err := filepath.Rel(dir, path)
		all = append(all, pipeline.Object{Key: key, Size: info.Size(), Modified: info.ModTime()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(all, func(a, b pipeline.Object) int { return a.Modified.Compare(b.Modified) })
	return all
}

// split delivers the same lines and records anew: those of a day, in no order, in
// files of n.
func (b bucket) split(t *testing.T, n int) bucket {
	t.Helper()
	lines, records := map[string][]string{}, map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(b)) {
		switch {
		case strings.Contains(key, "/CloudTrail/"):
			var doc struct{ Records []json.RawMessage }
			if err := json.Unmarshal([]byte(b[key]), &doc); err != nil {
				t.Fatal(err)
			}
			for _, r := range doc.Records {
				var event struct{ EventTime string }
				if err := json.Unmarshal(r, &event); err != nil {
					t.Fatal(err)
				}
				day := event.EventTime[:len("2026-03-02")]
				records[day] = append(records[day], string(r))
			}
		case !strings.Contains(key, "/CloudTrail-Digest/"):
			for line := range strings.Lines(b[key]) {
				_, rest, _ := strings.Cut(line, "[")
				day, _, _ := strings.Cut(rest, ":")
				lines[day] = append(lines[day], strings.TrimSuffix(line, "\n"))
			}
		}
	}
	out := bucket{}
	for _, day := range slices.Sorted(maps.Keys(lines)) {
		for part := range slices.Chunk(shuffled(lines[day], 1), n) {
			out[fmt.Sprintf("access/%x-%06d", day, len(out))] = strings.Join(part, "\n")
		}
	}
	for _, day := range slices.Sorted(maps.Keys(records)) {
		for part := range slices.Chunk(shuffled(records[day], 1), n) {
			out[fmt.Sprintf("AWSLogs/111122223333/CloudTrail/us-west-2/%s/%06d.json", day, len(out))] = `{"Records":[` + strings.Join(part, ",") + `]}`
		}
	}
	return out
}

// eye watches a pipeline and hands on what it observed in each file.
type eye struct {
	w  *detect.Watcher
	of func(*detect.Observed)
}

func (e *eye) Begin(o pipeline.Object) { e.w.Begin(o.ID(), o.Key) }
func (e *eye) Row(row any)             { e.w.Row(row) }
func (e *eye) End(f pipeline.File)     { e.of(e.w.End(f.Outcome == pipeline.Converted)) }

// read sends files through the real pipeline, which writes no tables.
func read(t *testing.T, rules *detect.Rules, src pipeline.Source, files []pipeline.Object, of func(*detect.Observed)) {
	t.Helper()
	p, err := pipeline.New(pipeline.Config{Routes: formats.Routes(), Watch: &eye{rules.Watch(), of}, NoTables: true})
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(t.Context(), src, nil, files)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range res.Files {
		if f.Outcome == pipeline.Failed {
			t.Error(f.Err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func observed(t *testing.T, rules *detect.Rules, b bucket) []*detect.Observed {
	t.Helper()
	var all []*detect.Observed
	read(t, rules, b, b.objects(), func(o *detect.Observed) {
		if o != nil {
			all = append(all, o)
		}
	})
	return all
}
