package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"sluice/internal/table"
)

// makeDir makes a directory and those above it, and brings their names to the
// disk: what is committed in a directory that a power cut takes is lost.
func (d *Dir) makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	above := filepath.Dir(dir)
	if above != dir {
		if err := d.makeDir(above); err != nil {
			return err
		}
	}
	if err := d.change("make "+dir, func() error { return os.MkdirAll(dir, 0o755) }); err != nil {
		return err
	}
	return d.sync(above)
}

// sync brings a file, or the names in a directory, to the disk.
func (d *Dir) sync(path string) error {
	return d.change("sync "+path, func() error { return syncFile(path) })
}

func syncFile(path string) (err error) {
	if runtime.GOOS == "windows" {
		return nil // it has no handle to sync for directories
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.Sync()
}

// unlike refuses a batch, before anything is done about it, when something else
// stands where its objects are to be, or beside them under its id. Objects that
// are what it makes are no fault: the same files make the same bytes.
func (d *Dir) unlike(batch string, staged []table.Object) error {
	for _, o := range staged {
		if _, err := standsAt(filepath.Join(d.root, filepath.FromSlash(o.Name)), o.Path); err != nil {
			return err
		}
	}
	for _, stray := range d.strays[batch] {
		if !slices.ContainsFunc(staged, func(o table.Object) bool { return o.Name == stray }) {
			return fmt.Errorf("%s was made of the same files by another version of sluice: move it out of the lake and convert again",
				filepath.Join(d.root, filepath.FromSlash(stray)))
		}
	}
	return nil
}

// standsAt tells whether the content of from is at to already. Other content
// there is an error.
func standsAt(to, from string) (bool, error) {
	st, err := os.Lstat(to)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	equal := false
	if st.Mode().IsRegular() {
		if equal, err = equalFiles(to, from); err != nil {
			return false, err
		}
	}
	if !equal {
		return false, fmt.Errorf("%s is there already with other content: move it out of the lake and convert again", to)
	}
	return true, nil
}

func equalFiles(a, b string) (equal bool, err error) {
	x, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	y, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, y.Close()) }()
	p, q := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, xerr := io.ReadFull(x, p)
		m, yerr := io.ReadFull(y, q)
		if !bytes.Equal(p[:n], q[:m]) {
			return false, nil
		}
		for _, err := range []error{xerr, yerr} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return false, err
			}
		}
		if xerr != nil || yerr != nil {
			return xerr != nil && yerr != nil, nil
		}
	}
}

// strays finds the objects of batches that are not known, by batch.
func strays(root string, known map[string]bool) (map[string][]string, error) {
	objects, err := fs.Glob(os.DirFS(root), "*/dt=*/*.parquet")
	if err != nil {
		return nil, fmt.Errorf("list objects: %w", err)
	}
	found := map[string][]string{}
	for _, o := range objects {
		batch, _, _ := strings.Cut(path.Base(o), "-")
		if hidden := strings.ContainsAny(batch[:1], "_.") || o[0] == '_'; !hidden && !known[batch] {
			found[batch] = append(found[batch], o)
		}
	}
	return found, nil
}

// take brings staged objects to where Open looks for those of a committed batch.
func (d *Dir) take(batch string, staged []table.Object) error {
	pending := d.path("pending", batch)
	// What is there is from an attempt that did not get to its manifest.
	if err := d.change("remove "+pending, func() error { return os.RemoveAll(pending) }); err != nil {
		return err
	}
	if err := d.change("make "+pending, func() error { return os.MkdirAll(pending, 0o755) }); err != nil {
		return err
	}
	for i, o := range staged {
		to := filepath.Join(pending, pendingName(i))
		if err := d.sync(o.Path); err != nil {
			return err
		}
		if err := d.change("take "+o.Path, func() error { return os.Rename(o.Path, to) }); err != nil {
			return err
		}
	}
	return errors.Join(d.sync(pending), d.sync(filepath.Dir(pending)))
}

// pendingName names the n-th object of a batch where it is kept out of sight.
func pendingName(n int) string { return fmt.Sprintf("%06d", n) }
