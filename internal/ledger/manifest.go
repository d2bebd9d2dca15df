package ledger

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluice/internal/logs"
	"sluice/internal/pipeline"
	"sluice/internal/table"
)

// Commit is a committed batch, as its manifest tells it: what became of which
// files, and which objects hold their rows.
type Commit struct {
	Batch   string    `json:"batch"`
	Time    time.Time `json:"time,omitzero"` // of the commit; unknown of old ones
	Files   []File    `json:"files"`
	Objects []Object  `json:"objects"`
}

// File is a delivered file of a commit.
type File struct {
	ID      string  `json:"id,omitempty"`
	Bucket  string  `json:"bucket,omitempty"`
	Key     string  `json:"key"`
	Version string  `json:"version,omitempty"`
	Size    int64   `json:"size"`              // -1 when unknown
	Outcome string  `json:"outcome,omitempty"` // skipped or failed, then it has no rows here; "" is converted
	Reason  string  `json:"reason,omitempty"`  // of that outcome
	Counts  *Counts `json:"counts,omitempty"`  // nil: not put down
}

// Counts is the accounting of a converted file: Lines is Rows and Rejected.
type Counts struct {
	Format    string `json:"format"` // the table its rows went to
	Lines     int64  `json:"lines"`
	Rows      int64  `json:"rows"`
	Rejected  int64  `json:"rejected,omitempty"`
	Ambiguous int64  `json:"ambiguous,omitempty"`
	Bytes     int64  `json:"bytes"`              // as delivered
	Findings  *int64 `json:"findings,omitempty"` // told because of it; nil: nobody looked

	Reasons map[logs.Reason]int64 `json:"reasons,omitempty"` // why rejected; old batches did not put it down
}

// Object is an object of a commit.
type Object struct {
	Name  string `json:"name"` // slash-separated, relative to the lake
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

// maxReason is how much is kept of why a file was left out: its name alone may
// be 1,024 bytes, and names are in it.
const maxReason = 300

// Account is what is remembered of a file that went through a pipeline.
func Account(f pipeline.File) File {
	a := fileOf(f.Object)
	switch {
	case f.Outcome == pipeline.Converted:
		a.Counts = &Counts{
			Format: f.Format, Lines: f.Lines, Rows: f.Rows, Rejected: f.Rejected, Ambiguous: f.Ambiguous, Bytes: f.BytesIn,
			Findings: f.Findings, Reasons: f.Reasons,
		}
		return a
	case f.Err != nil:
		a.Reason = f.Err.Error()
	default:
		a.Reason = f.Reason
	}
	a.Outcome = f.Outcome.String()
	a.Reason = strings.ToValidUTF8(a.Reason[:min(maxReason, len(a.Reason))], "")
	return a
}

func fileOf(o pipeline.Object) File {
	return File{ID: o.ID(), Bucket: o.Bucket, Key: o.Key, Version: o.Version, Size: o.Size}
}

// object is the delivered file that f is about, as far as its id goes.
func (f *File) object() pipeline.Object {
	return pipeline.Object{Bucket: f.Bucket, Key: f.Key, Version: f.Version, Size: f.Size}
}

// totals adds up what a manifest says of its files.
func totals(c Commit) Totals {
	t := Totals{Objects: int64(len(c.Objects))}
	for _, f := range c.Files {
		switch f.Outcome {
		case "":
			t.Files++
		case pipeline.Skipped.String():
			t.Skipped++
		default:
			t.Failed++
		}
		if n := f.Counts; n != nil {
			t.Lines += n.Lines
			t.Rows += n.Rows
			t.Rejected += n.Rejected
			t.Ambiguous += n.Ambiguous
			t.Bytes += n.Bytes
		}
	}
	return t
}

func isBatchID(s string) bool {
	id, err := hex.DecodeString(s)
	return err == nil && len(id) == 16
}

// named lists staged objects by the names they are to have.
func named(staged []table.Object) ([]Object, error) {
	var objects []Object
	for _, o := range staged {
		if !filepath.IsLocal(filepath.FromSlash(o.Name)) || strings.HasPrefix(o.Name, "_") {
			return nil, fmt.Errorf("object %q: not a name in a lake", o.Name)
		}
		objects = append(objects, Object{Name: o.Name, Rows: o.Rows, Bytes: o.Bytes})
	}
	return objects, nil
}

// write makes a manifest appear whole: the commit point.
func (d *Dir) write(m Commit) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	path := d.manifest(m.Batch)
	tmp := path + ".tmp"
	if err := d.change("write "+tmp, func() error { return os.WriteFile(tmp, append(b, '\n'), 0o644) }); err != nil {
		return err
	}
	if err := d.sync(tmp); err != nil {
		return err
	}
	return d.change("commit "+path, func() error { return os.Rename(tmp, path) })
}

// Commits lists the batches committed to the lake in dir, by batch id. It takes
// no lock: a batch that is committed meanwhile may be among them or not.
func Commits(dir string) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		commits := filepath.Join(dir, "_sluice", "commits")
		entries, err := os.ReadDir(commits)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			yield(Commit{}, fmt.Errorf("list commits: %w", err))
			return
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) != ".json" {
				continue // a manifest that was not finished
			}
			c, err := readManifest(filepath.Join(commits, e.Name()))
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

func readManifest(path string) (Commit, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Commit{}, err
	}
	var c Commit
	batch := strings.TrimSuffix(filepath.Base(path), ".json")
	if err := json.Unmarshal(b, &c); err != nil {
		return Commit{}, fmt.Errorf("read manifest %s: %w; %s", path, err, remedy(path, batch))
	}
	if c.Batch != batch {
		return Commit{}, fmt.Errorf("read manifest %s: it is of batch %q; %s", path, c.Batch, remedy(path, batch))
	}
	return c, nil
}

// remedy says what to do about a commit that cannot be relied on. Nothing here
// does so unasked: which files are in its objects is then known to nobody.
func remedy(manifest, batch string) string {
	return fmt.Sprintf("move %s and whatever there is of */dt=*/%s-*.parquet out of the lake, and convert again", manifest, batch)
}
