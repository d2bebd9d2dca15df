package ledger

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// finish moves the objects of a committed batch to where they belong, as far as
// they are not there.
func (d *Dir) finish(m Commit) error {
	pending := d.path("pending", m.Batch)
	if _, err := os.Stat(pending); errors.Is(err, os.ErrNotExist) {
		return nil // it was the last thing to be removed
	}
	dirs := map[string]bool{}
	for i, o := range m.Objects {
		to := filepath.Join(d.root, filepath.FromSlash(o.Name))
		if err := d.place(m.Batch, filepath.Join(pending, pendingName(i)), to, o.Bytes); err != nil {
			return fmt.Errorf("finish batch %s: %w", m.Batch, err)
		}
		for dir := path.Dir(o.Name); ; dir = path.Dir(dir) {
			dirs[dir] = true
			if dir == "." {
				break
			}
		}
	}
	// The pending objects are all that Open could finish the batch from: they go
	// when every name that leads to a placed one is on the disk, and only then.
	for _, dir := range slices.Backward(slices.Sorted(maps.Keys(dirs))) { // the lake itself last
		if err := d.sync(filepath.Join(d.root, filepath.FromSlash(dir))); err != nil {
			return fmt.Errorf("finish batch %s: %w", m.Batch, err)
		}
	}
	return d.change("finish "+pending, func() error { return os.RemoveAll(pending) })
}

// place moves one object to its place. It never replaces a file: one of that
// name is this object, moved earlier or made by a ledger that was lost, or it is
// none of ours.
func (d *Dir) place(batch, from, to string, size int64) error {
	_, err := os.Stat(from)
	if errors.Is(err, os.ErrNotExist) {
		st, err := os.Stat(to)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s was committed and is gone; %s", to, remedy(d.manifest(batch), batch))
		}
		if err != nil {
			return err
		}
		if st.Size() != size {
			return fmt.Errorf("%s has %d bytes where %d were committed; %s", to, st.Size(), size, remedy(d.manifest(batch), batch))
		}
		return nil
	}
	if err != nil {
		return err
	}
	there, err := standsAt(to, from)
	if err != nil {
		return err
	}
	if there {
		return d.sync(to) // what is pending of it goes with the rest
	}
	if err := d.change("make directory of "+to, func() error { return os.MkdirAll(filepath.Dir(to), 0o755) }); err != nil {
		return err
	}
	return d.change("place "+to, func() error { return os.Rename(from, to) })
}

// recover finishes committed batches and removes what belongs to none. The
// objects of a finished batch are not looked for: they were on the disk before
// it was called finished, and whoever removes a day from a lake may.
func (d *Dir) recover() error {
	for c, err := range Commits(d.root) {
		if err != nil {
			return err
		}
		d.add(c)
	}
	pending, err := os.ReadDir(d.path("pending"))
	if err != nil {
		return err
	}
	for _, e := range pending {
		if d.known[e.Name()] {
			m, err := readManifest(d.manifest(e.Name()))
			if err != nil {
				return err
			}
			if err := d.finish(m); err != nil {
				return err
			}
			continue
		}
		path := d.path("pending", e.Name())
		if err := d.change("remove "+path, func() error { return os.RemoveAll(path) }); err != nil {
			return err
		}
	}
	if err := d.empty(d.Stage()); err != nil {
		return err
	}
	d.strays, err = strays(d.root, d.known)
	return err
}

func (d *Dir) empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if err := d.change("remove "+path, func() error { return os.RemoveAll(path) }); err != nil {
			return err
		}
	}
	return nil
}
