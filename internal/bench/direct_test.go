//go:build cgo && unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"sluice/internal/detect"
	"sluice/internal/finding"
	"sluice/internal/formats"
	"sluice/internal/ledger"
	"sluice/internal/logs"
	"sluice/internal/pipeline"
)

// gcPercent is that of "sluice convert".
const gcPercent = 25

// convertLogged is the conversion of one file to the logged columns alone.
func convertLogged(file, lake string) (rows int64, err error) {
	return convertBy(pipeline.Config{Routes: []pipeline.Route{loggedRoute()}}, file, lake)
}

// convertWatched is the conversion of one file with all columns and all shipped
// rules on, as the function has them: rows are judged on their way to the table,
// and what was seen is counted and told when the file is whole.
func convertWatched(file, lake string) (rows int64, findings int, err error) {
	rules, problems := detect.Load(detect.Options{})
	if len(problems) > 0 {
		return 0, 0, fmt.Errorf("shipped rules: %v", problems)
	}
	told := &outlet{}
	w := &watch{watcher: rules.Watch(), engine: detect.NewEngine(rules, detect.NewMemory(), told, detect.Config{})}
	rows, err = convertBy(pipeline.Config{Routes: formats.Routes(), Watch: w}, file, lake)
	return rows, len(told.uids), errors.Join(err, w.err)
}

// convertBy is what "sluice convert" does with one file and one worker.
func convertBy(c pipeline.Config, file, to string) (rows int64, err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	lake, err := ledger.Open(to)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lake.Close()) }()
	c.Stage = lake.Stage()
	p, err := pipeline.New(c)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	res, err := p.Run(context.Background(), onDisk{}, lake, []pipeline.Object{{Key: file, Size: info.Size(), Modified: info.ModTime()}})
	if err != nil {
		return 0, err
	}
	f := res.Files[0]
	if f.Err != nil || f.Outcome != pipeline.Converted || f.Unaccounted() != 0 || f.Rejected != 0 {
		return 0, fmt.Errorf("%s: %v %s, %d rejects: %w", file, f.Outcome, f.Reason, f.Rejected, f.Err)
	}
	return f.Rows, nil
}

// onDisk opens files by their paths.
type onDisk struct{}

func (onDisk) Open(_ context.Context, o pipeline.Object) (io.ReadCloser, error) {
	return os.Open(o.Key)
}

// watch shows rows to the rules.
type watch struct {
	watcher *detect.Watcher
	engine  *detect.Engine
	err     error
}

func (w *watch) Begin(o pipeline.Object) {
	w.watcher.Begin(o.ID(), o.Key)
	if at, ok := pipeline.NameTime(o.Key); ok {
		w.watcher.Delivered(at)
	} else {
		w.watcher.Delivered(logs.TimeOf(o.Modified))
	}
}

func (w *watch) Row(row any) { w.watcher.Row(row) }

func (w *watch) End(f pipeline.File) {
	_, err := w.engine.Apply(context.Background(), w.watcher.End(f.Outcome == pipeline.Converted))
	w.err = errors.Join(w.err, err)
}

// outlet counts findings.
type outlet struct{ uids map[string]bool }

func (o *outlet) Send(_ context.Context, fs []*finding.Finding) error {
	for _, f := range fs {
		if o.uids == nil {
			o.uids = map[string]bool{}
		}
		o.uids[f.UID] = true
	}
	return nil
}
