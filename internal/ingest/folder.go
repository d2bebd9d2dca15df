package ingest

import (
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"sluice/internal/pipeline"
)

// Folder is where a site keeps its rules: what is needed of *awsio.S3.
type Folder interface {
	pipeline.Source
	// List yields objects in the order of their keys; an error is the last step.
	List(ctx context.Context, bucket, prefix string) iter.Seq2[pipeline.Object, error]
}

// What a folder of rules may hold. A rule is about 2 KB.
const (
	maxRuleFiles = 1000
	maxRuleFile  = 1 << 20
	maxRuleBytes = 8 << 20
)

// ruleFile is one file of the folder.
type ruleFile struct {
	object pipeline.Object
	name   string // below the folder: what its author calls it
	text   []byte
}

// isSite tells the file that says what a site knows about itself.
func (f ruleFile) isSite() bool { return f.name == "site.yml" || f.name == "site.yaml" }

// ruleFolder reads a folder again and again, and of each file only what is new.
type ruleFolder struct {
	Folder
	bucket, prefix string
	files          map[string]ruleFile // by id: key and ETag
	left           []string            // what was left out, and why
}

// read brings the files up to date and tells whether that changed any. After an
// error they are as they were: half a folder of rules is not what anybody wrote.
func (r *ruleFolder) read(ctx context.Context) (changed bool, err error) {
	listed, left, err := r.list(ctx)
	if err != nil {
		return false, fmt.Errorf("rules: %w", err)
	}
	files := make(map[string]ruleFile, len(listed))
	var fresh []pipeline.Object
	for _, f := range listed {
		if known, ok := r.files[f.object.ID()]; ok {
			files[f.object.ID()] = known
			continue
		}
		fresh = append(fresh, f.object)
		files[f.object.ID()] = f
	}
	ctx, cancel := context.WithCancel(ctx)
	ahead := fetchAhead(ctx, r.Folder, fresh)
	defer func() {
		cancel()
		ahead.wait()
	}()
	for _, o := range fresh {
		f := files[o.ID()]
		if f.text, err = text(ctx, ahead, o); err != nil {
			return false, fmt.Errorf("rules: %s: %w", f.name, err)
		}
		files[o.ID()] = f
	}
	changed = r.files == nil || len(fresh) > 0 || len(files) != len(r.files) || !slices.Equal(left, r.left)
	r.files, r.left = files, left
	return changed, nil
}

// text reads one file whole; it cannot be longer than it was listed.
func text(ctx context.Context, src pipeline.Source, o pipeline.Object) ([]byte, error) {
	rc, err := src.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(io.LimitReader(rc, maxRuleFile))
}

// list finds the files that are taken, and says which are not for want of room.
func (r *ruleFolder) list(ctx context.Context) (files []ruleFile, left []string, err error) {
	var bytes int64
	for o, err := range r.List(ctx, r.bucket, r.prefix) {
		if err != nil {
			return nil, nil, err
		}
		f := ruleFile{object: o, name: strings.TrimPrefix(o.Key, r.prefix)}
		if ext := path.Ext(f.name); ext != ".yml" && ext != ".yaml" {
			continue
		}
		switch size := max(o.Size, 0); {
		case size > maxRuleFile:
			left = append(left, fmt.Sprintf("%s: %d bytes, a file of rules may have %d", f.name, size, maxRuleFile))
		case len(files) == maxRuleFiles || bytes+size > maxRuleBytes:
			left = append(left, fmt.Sprintf("%s and what follows it: a folder of rules may have %d files and %d bytes", f.name, maxRuleFiles, maxRuleBytes))
			return files, left, nil
		default:
			files = append(files, f)
			bytes += size
		}
	}
	return files, left, nil
}

// sorted are the files in the order of their names.
func (r *ruleFolder) sorted() []ruleFile {
	return slices.SortedFunc(maps.Values(r.files), func(a, b ruleFile) int { return strings.Compare(a.object.Key, b.object.Key) })
}
