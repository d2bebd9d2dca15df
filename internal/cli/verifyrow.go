package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sluice/internal/amount"
	"sluice/internal/clean"
	"sluice/internal/ledger"
	"sluice/internal/pipeline"
	"sluice/internal/probe"
	"sluice/internal/query"
)

const (
	// lakeFolder is where the template has the tables, in the lake bucket.
	lakeFolder = "lake/"
	// maxLakeObject is how much is fetched to read a row: more than the rows of a
	// batch take, some hundred times.
	maxLakeObject = 1 << 30
)

// stackLake reads objects of the stack's lake, one at a time: each is fetched, and
// asked by the engine that sluice query has.
type stackLake struct {
	files  probe.Files
	bucket string
}

// Rows is probe.Lake's.
func (l stackLake) Rows(ctx context.Context, o ledger.Object, q probe.Question) (_ []probe.Row, err error) {
	at := "s3://" + l.bucket + "/" + lakeFolder + o.Name
	if o.Bytes > maxLakeObject {
		return nil, fmt.Errorf("%w: %s has %s, and at most %s are fetched", probe.ErrUnreadable, at, amount.Bytes(o.Bytes), amount.Bytes(maxLakeObject))
	}
	dir, err := os.MkdirTemp("", "sluice-verify-*")
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", at, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := l.fetch(ctx, o, filepath.Join(dir, filepath.FromSlash(o.Name))); err != nil {
		return nil, fmt.Errorf("%w: %w; it takes s3:GetObject on what is below s3://%s/%s, and kms:Decrypt where the stack has a KmsKeyArn; an object that was packed since is gone, and its row is where the query finds it", probe.ErrUnreadable, err, l.bucket, lakeFolder)
	}
	all, err := tables()
	if err != nil {
		return nil, err
	}
	lake, err := query.Open(ctx, dir, all)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", probe.ErrUnreadable, err)
	}
	defer func() { err = errors.Join(err, lake.Close()) }()
	res, err := lake.Query(ctx, q.SQL())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", at, err)
	}
	var rows []probe.Row
	for values, err := range res.Rows {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", at, err)
		}
		var r probe.Row
		for i, v := range values {
			if !v.Null {
				r = append(r, probe.Cell{Column: res.Columns[i].Name, Value: v.Text})
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// fetch copies an object into a file.
func (l stackLake) fetch(ctx context.Context, o ledger.Object, to string) (err error) {
	if !filepath.IsLocal(filepath.FromSlash(o.Name)) {
		return fmt.Errorf("%q is no name of an object", o.Name)
	}
	body, err := l.files.Open(ctx, pipeline.Object{Bucket: l.bucket, Key: lakeFolder + o.Name, Size: o.Bytes})
	if err != nil {
		return err
	}
	defer body.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, io.LimitReader(body, maxLakeObject))
	return err
}

// writeRow shows a row below its step.
func writeRow(b *strings.Builder, r probe.Row) {
	for _, c := range r {
		fmt.Fprintf(b, "%22s %-*s %s\n", "", longestName, clean.Line(c.Column), clean.Line(c.Value))
	}
}
