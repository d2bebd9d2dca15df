package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"sluice/internal/pipeline"
)

// copyStreams copies pipes to files below stage. A pipe has no name and can be
// read once; its content names it, so the same input again is not counted twice
// and other input is not taken for it.
func (a *app) copyStreams(ctx context.Context, streams []string, stage string) (objects []pipeline.Object, copies map[string]string, err error) {
	copies = map[string]string{}
	for i, name := range streams {
		to := filepath.Join(stage, "stdin-"+strconv.Itoa(i))
		sum, n, err := a.copyStream(ctx, name, to)
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", name, err)
		}
		o := pipeline.Object{Key: "stdin/" + sum, Version: sum, Size: n, Modified: time.Now().UTC()}
		if _, again := copies[o.Key]; again {
			continue
		}
		copies[o.Key] = to
		objects = append(objects, o)
	}
	return objects, copies, nil
}

func (a *app) copyStream(ctx context.Context, name, to string) (sum string, n int64, err error) {
	in := a.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", 0, err
		}
		defer f.Close()
		in = f
	}
	out, err := os.Create(to)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	hash := sha256.New()
	n, err = io.Copy(io.MultiWriter(out, hash), cancelled{ctx, in})
	return hex.EncodeToString(hash.Sum(nil)[:16]), n, err
}

// cancelled is a reader that ends with its context, as soon as it is asked.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c cancelled) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
