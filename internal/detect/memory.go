package detect

import (
	"context"
	"time"
)

// Memory is a State for one process: a laptop's, or a test's.
type Memory struct{}

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{} }

// Add is State's.
func (m *Memory) Add(ctx context.Context, adds []Add) error { return nil }

// Read is State's.
func (m *Memory) Read(ctx context.Context, spans []Span) ([][]Slot, error) { return nil, nil }

// Claim is State's.
func (m *Memory) Claim(ctx context.Context, now time.Time, claims []Claim) ([]Grant, error) {
	return nil, nil
}

// Sent is State's.
func (m *Memory) Sent(ctx context.Context, claims []Claim) error { return nil }
