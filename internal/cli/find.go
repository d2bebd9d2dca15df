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
	"syscall"

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
	aside   []pipeline.File   // sorted, each once: what cannot be looked at, or is not followed
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
	slices.SortFunc(f.aside, func(a, b pipeline.File) int { return cmp.Compare(a.Object.Key, b.Object.Key) })
	f.aside = slices.CompactFunc(f.aside, func(a, b pipeline.File) bool { return a.Object.Key == b.Object.Key })
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
	if _, lerr := os.Lstat(p); errors.Is(lerr, fs.ErrNotExist) {
		return fmt.Errorf("there is no file or folder %s", p)
	}
	return f.local(ctx, p)
}

// local adds a file, a pipe, or all files of a folder. Its name for ever is the
// absolute one: the same file is the same from wherever it is named.
func (f *finder) local(ctx context.Context, p string) error {
	abs, err := filepath.Abs(p)
	if err != nil {
		return err
	}
	st, err := os.Stat(p)
	if err == nil && !st.IsDir() && !st.Mode().IsRegular() {
		f.streams = append(f.streams, p) // by this name: what the shell's <(command) links to has no other
		return nil
	}
	real, why := target(abs)
	switch {
	case why != "":
		f.leave(abs, why) // a pattern may have named it
	case err != nil:
		return err
	case st.IsDir():
		return f.folder(ctx, real)
	default:
		f.objects = append(f.objects, fileObject(real, st))
	}
	return nil
}

// folder adds all files of a folder. What is left out is listed: whoever points
// sluice at a bucket's copy shall know what of it is not in the lake.
func (f *finder) folder(ctx context.Context, root string) error {
	return filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			f.fail(p, err)
			return nil
		}
		why := ""
		switch {
		case e.IsDir() && p == f.skip:
			return fs.SkipDir
		case p == root:
			return nil
		case strings.HasPrefix(e.Name(), "."):
			why = "hidden: its name starts with a dot"
		case e.IsDir() && e.Name() == "_sluice":
			why = "what sluice knows of a lake"
		case e.IsDir():
			return nil
		default:
			f.entry(p, e)
			return nil
		}
		f.leave(p, why)
		if e.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
}

// entry adds a file of a folder. A link to a file is that file, wherever it
// lies: one that lies in the folder too is taken once.
func (f *finder) entry(p string, e fs.DirEntry) {
	real := p
	if e.Type()&fs.ModeSymlink != 0 {
		var why string
		if real, why = target(p); why != "" {
			f.leave(p, why)
			return
		}
	}
	st, err := os.Stat(real)
	switch {
	case err != nil:
		f.fail(p, err)
	case st.IsDir():
		f.leave(p, "a link to a folder, which is not followed")
	case st.Mode().IsRegular():
		f.objects = append(f.objects, fileObject(real, st))
	default:
		f.leave(p, "neither a file nor a folder")
	}
}

// target is what a link leads to in the end, or why it leads nowhere. It stays
// so until somebody mends the link: that is no failure to try again.
func target(p string) (real, why string) {
	real, err := filepath.EvalSymlinks(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", "a link to what is not there"
	case err == nil:
		return real, ""
	}
	if _, system := errors.AsType[*fs.PathError](err); system && !errors.Is(err, syscall.ENOTDIR) {
		return p, "" // a folder that may not be looked at, a disk that fails: opening it tells
	}
	return "", "a link that leads nowhere" // or in a circle
}

func (f *finder) fail(p string, err error) {
	f.aside = append(f.aside, pipeline.File{Object: pipeline.Object{Key: filepath.ToSlash(p)}, Outcome: pipeline.Failed, Err: err})
}

func (f *finder) leave(p, why string) {
	f.aside = append(f.aside, pipeline.File{Object: pipeline.Object{Key: filepath.ToSlash(p)}, Outcome: pipeline.Skipped, Reason: why})
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
