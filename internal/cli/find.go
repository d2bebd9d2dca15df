package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sluice/internal/pipeline"
)

// remote is a store of delivered files that is not this machine.
type remote interface {
	pipeline.Source
	List(ctx context.Context, bucket, prefix string) iter.Seq2[pipeline.Object, error]
}

// found is what the paths of a command line come to.
type found struct {
	objects []pipeline.Object // sorted, each once
	failed  []pipeline.File   // what is there and cannot be looked at
	streams []string          // pipes to be copied before they can be read; "-" is standard input
}

// finder finds delivered files.
type finder struct {
	skip    string // the lake, should it lie in a folder of logs
	connect func(context.Context) (remote, error)
	remote  remote // once it was needed
	found
}

func (f *finder) find(ctx context.Context, paths []string) error {
	for _, p := range paths {
		if err := f.path(ctx, p); err != nil {
			return err
		}
	}
	slices.SortFunc(f.objects, func(a, b pipeline.Object) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Version, b.Version))
	})
	f.objects = slices.CompactFunc(f.objects, func(a, b pipeline.Object) bool { return a.ID() == b.ID() })
	return nil
}

func (f *finder) path(ctx context.Context, p string) error {
	if p == "-" {
		f.streams = append(f.streams, p)
		return nil
	}
	if at, ok := strings.CutPrefix(p, "s3://"); ok {
		bucket, prefix, _ := strings.Cut(at, "/")
		return f.bucket(ctx, bucket, prefix)
	}
	_, err := os.Stat(p)
	if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(p, "*?[") {
		matches, err := filepath.Glob(p)
		if err != nil {
			return fmt.Errorf("pattern %s: %w", p, err)
		}
		if len(matches) == 0 {
			return fmt.Errorf("no file matches %s", p)
		}
		for _, m := range matches {
			if err := f.local(ctx, m); err != nil {
				return err
			}
		}
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no file or folder %s", p)
	}
	return f.local(ctx, p)
}

// local adds a file, a pipe, or all files of a folder. Its name for ever is the
// absolute one: the same file is the same from wherever it is named.
func (f *finder) local(ctx context.Context, p string) error {
	real, err := filepath.EvalSymlinks(p)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return err
	}
	st, err := os.Stat(real)
	switch {
	case err != nil:
		return err
	case st.IsDir():
		return f.folder(ctx, real)
	case !st.Mode().IsRegular():
		f.streams = append(f.streams, p)
	default:
		f.objects = append(f.objects, fileObject(real, st))
	}
	return nil
}

func (f *finder) folder(ctx context.Context, root string) error {
	return filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			f.fail(p, err)
			return nil
		}
		hidden := p != root && (strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_"))
		switch {
		case e.IsDir() && (hidden || p == f.skip):
			return fs.SkipDir
		case e.IsDir() || hidden:
			return nil
		}
		st, err := os.Stat(p)
		switch {
		case err != nil:
			f.fail(p, err)
		case st.Mode().IsRegular():
			f.objects = append(f.objects, fileObject(p, st))
		default:
			f.fail(p, errors.New("neither a file nor a folder; links to folders are not followed"))
		}
		return nil
	})
}

func (f *finder) fail(p string, err error) {
	f.failed = append(f.failed, pipeline.File{Object: pipeline.Object{Key: filepath.ToSlash(p)}, Outcome: pipeline.Failed, Err: err})
}

// fileObject names a file's content by size and modification time: a file that
// was rewritten is another one.
func fileObject(p string, st fs.FileInfo) pipeline.Object {
	return pipeline.Object{
		Key:      filepath.ToSlash(p),
		Version:  fmt.Sprintf("%d-%d", st.Size(), st.ModTime().UnixNano()),
		Size:     st.Size(),
		Modified: st.ModTime().UTC(),
	}
}

func (f *finder) bucket(ctx context.Context, bucket, prefix string) error {
	if bucket == "" {
		return usage(errors.New("s3:// needs a bucket: s3://bucket/prefix"))
	}
	if f.remote == nil {
		r, err := f.connect(ctx)
		if err != nil {
			return err
		}
		f.remote = r
	}
	for o, err := range f.remote.List(ctx, bucket, prefix) {
		if err != nil {
			return err
		}
		f.objects = append(f.objects, o)
	}
	return nil
}

// source opens what a finder found: files, copies of pipes, objects of S3.
type source struct {
	remote remote
	copies map[string]string // of pipes, by key
	opened func()            // told of every file, for the progress
}

func (s source) Open(ctx context.Context, o pipeline.Object) (io.ReadCloser, error) {
	s.opened()
	if o.Bucket != "" {
		return s.remote.Open(ctx, o)
	}
	if at, ok := s.copies[o.Key]; ok {
		return os.Open(at)
	}
	return os.Open(filepath.FromSlash(o.Key))
}
