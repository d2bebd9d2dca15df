package generate

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// folder is the log bucket on disk: object keys become paths, and a file's
// modification time is when it was delivered.
type folder struct {
	root string
	last string // directory made last
	buf  *bufio.Writer
}

// file is one object being written.
type file struct {
	f         *os.File
	w         *bufio.Writer
	name      string
	delivered time.Time
	bytes     int64
}

func (fo *folder) create(key string, delivered int64) (*file, error) {
	name := filepath.Join(fo.root, filepath.FromSlash(key))
	if dir := filepath.Dir(name); dir != fo.last {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("generate %s: %w", key, err)
		}
		fo.last = dir
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("generate %s: %w", key, err)
	}
	if fo.buf == nil {
		fo.buf = bufio.NewWriterSize(nil, 1<<16)
	}
	fo.buf.Reset(f)
	return &file{f: f, w: fo.buf, name: name, delivered: time.Unix(delivered, 0)}, nil
}

// Write keeps its error for close, as bufio does.
func (f *file) Write(p []byte) (int, error) {
	f.bytes += int64(len(p))
	return f.w.Write(p)
}

func (f *file) close() error {
	err := f.w.Flush()
	if e := f.f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chtimes(f.name, f.delivered, f.delivered)
	}
	if err != nil {
		return fmt.Errorf("generate %s: %w", f.name, err)
	}
	return nil
}

// accessKeyName is the key S3 delivers an access log under: partitioned by
// bucket and day of delivery.
func (w *world) accessKeyName(d *dice, b *bucket, delivered int64) string {
	t := time.Unix(delivered, 0).UTC()
	return "access/" + w.account + "/" + w.region + "/" + b.name + t.Format("/2006/01/02/2006-01-02-15-04-05-") +
		string(d.text(nil, 16, hexUp))
}
