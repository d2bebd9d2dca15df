package cli

import (
	"context"
	"errors"
	"fmt"

	"sluice/internal/finding"
	"sluice/internal/ledger"
	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// intoLake writes the findings that are shown as rows of a lake. The lake
// remembers each with how large it was, so that the same scan again writes
// nothing, and one over more logs writes what is new or has grown.
func (s *scan) intoLake(ctx context.Context, dir string) error {
	lake, err := ledger.Open(dir)
	if err != nil {
		return err
	}
	if err := writeRows(ctx, lake, s.sides[0].harvest.findings()); err != nil {
		return errors.Join(fmt.Errorf("write findings to %s: %w", dir, err), lake.Close())
	}
	return lake.Close()
}

func writeRows(ctx context.Context, lake *ledger.Dir, fs []*finding.Finding) error {
	stage, err := table.NewStage(lake.Stage())
	if err != nil {
		return err
	}
	w, err := table.New(finding.Table, stage)
	if err != nil {
		return err
	}
	var added []pipeline.Object
	for _, f := range fs {
		o := asObject(f)
		if _, done := lake.Done(o); done {
			continue
		}
		row, err := f.Row()
		if err == nil {
			err = w.Write(&row)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("finding %s: %w", f.UID, err), w.Abort())
		}
		added = append(added, o)
	}
	if len(added) == 0 {
		return w.Abort()
	}
	batch, err := lake.Begin(ctx, added)
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	objects, err := w.Close(batch.ID())
	if err != nil {
		return errors.Join(err, batch.Abort(ctx))
	}
	files := make([]pipeline.File, len(added))
	for i, o := range added {
		files[i] = pipeline.File{Object: o, Format: finding.Table.Name, Outcome: pipeline.Converted, Lines: 1, Rows: 1}
	}
	return batch.Commit(ctx, files, objects)
}

// asObject is a finding as a lake knows what it holds: by name and content.
func asObject(f *finding.Finding) pipeline.Object {
	return pipeline.Object{Key: "finding/" + f.UID, Version: fmt.Sprintf("%d-%d-%d-%d", f.Step, f.Count, f.Value, f.Last), Size: -1}
}
