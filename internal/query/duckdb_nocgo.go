//go:build !cgo

package query

import (
	"context"
	"errors"
)

// Lake is a lake opened for queries. This binary was built without cgo and
// cannot open one.
type Lake struct{}

// Open says how to get a binary that can query.
func Open(context.Context, string, []Table) (*Lake, error) {
	return nil, errors.New("this sluice was built without its query engine: DuckDB needs cgo; " +
		"install a C compiler and build again with CGO_ENABLED=1 (what asks no lake works as it is)")
}

// Query is never reached: no Lake can be opened.
func (*Lake) Query(context.Context, string) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// Close is never reached: no Lake can be opened.
func (*Lake) Close() error { return nil }
