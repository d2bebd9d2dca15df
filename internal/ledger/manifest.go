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

	"sluice/internal/pipeline"
)

// Commit is a committed batch, as its manifest tells it: which files became
// which objects.
type Commit struct {
	Batch   string   `json:"batch"`
	Files   []File   `json:"files"`
	Objects []Object `json:"objects"`
}

// File is a delivered file of a commit.
type File struct {
	ID      string `json:"id"`
	Bucket  string `json:"bucket,omitempty"`
	Key     string `json:"key"`
	Version string `json:"version,omitempty"`
	Size    int64  `json:"size"` // -1 when unknown
}

// Object is an object of a commit.
type Object struct {
	Name  string `json:"name"` // slash-separated, relative to the lake
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

func newManifest(c pipeline.Commit) (Commit, error) {
	if id, err := hex.DecodeString(c.Batch); err != nil || len(id) != 16 {
		return Commit{}, fmt.Errorf("not a batch id")
	}
	m := Commit{Batch: c.Batch}
	for _, f := range c.Files {
		m.Files = append(m.Files, File{ID: f.ID(), Bucket: f.Bucket, Key: f.Key, Version: f.Version, Size: f.Size})
	}
	for _, o := range c.Objects {
		if !filepath.IsLocal(filepath.FromSlash(o.Name)) || strings.HasPrefix(o.Name, "_") {
			return Commit{}, fmt.Errorf("object %q: not a name in a lake", o.Name)
		}
		m.Objects = append(m.Objects, Object{Name: o.Name, Rows: o.Rows, Bytes: o.Bytes})
	}
	return m, nil
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
