package digest

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"
)

// Copy is a Source: a folder with a copy of what is in a bucket, without the
// metadata of its objects.
type Copy struct{ root *os.Root }

// OpenCopy opens a folder. What is linked to from there to outside is not followed.
func OpenCopy(dir string) (*Copy, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Copy{root}, nil
}

// Close ends the use of the folder.
func (c *Copy) Close() error { return c.root.Close() }

// List is Source's.
func (c *Copy) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := fs.WalkDir(c.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil:
				return err
			case e.Type().IsRegular() && !yield(name, nil):
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", err)
		}
	}
}

// Open is Source's.
func (c *Copy) Open(_ context.Context, key string) (io.ReadCloser, map[string]string, error) {
	f, err := c.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return f, nil, err
}

// KeyFile is Keys out of a file.
type KeyFile map[string]*rsa.PublicKey

// ReadKeys reads what "aws cloudtrail list-public-keys" prints, of as many Regions
// as were written one after the other.
func ReadKeys(r io.Reader) (KeyFile, error) {
	keys := KeyFile{}
	for dec := json.NewDecoder(r); ; {
		var list struct {
			PublicKeyList []struct {
				Value       []byte
				Fingerprint string
			}
		}
		err := dec.Decode(&list)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("public keys: %w", err)
		}
		for _, k := range list.PublicKeyList {
			key, err := ParseKey(k.Value)
			if err != nil {
				return nil, fmt.Errorf("key %q: %w", k.Fingerprint, err)
			}
			keys[k.Fingerprint] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no PublicKeyList with a key in it")
	}
	return keys, nil
}

// Key is Keys'.
func (k KeyFile) Key(_ context.Context, _, fingerprint string, _, _ time.Time) (*rsa.PublicKey, error) {
	if key := k[fingerprint]; key != nil {
		return key, nil
	}
	return nil, ErrNoKey
}
