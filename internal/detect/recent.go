package detect

import "sync"

// recent remembers what is in the state for good, so that most of what goes on
// needs no question to it. It holds two generations and forgets the older
// one when the younger is full.
type recent struct {
	mu       sync.Mutex
	now, old map[string]int64
}

const recentSize = 1 << 15

func newRecent() *recent { return &recent{now: map[string]int64{}} }

// step is what is known of a key, such as the highest step of an incident that
// has been told; 0 when nothing is.
func (r *recent) step(key string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.now[key]; ok {
		return s
	}
	return r.old[key]
}

// knows says whether anything is known of a key.
func (r *recent) knows(key []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now[string(key)] > 0 || r.old[string(key)] > 0
}

func (r *recent) set(key string, step int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.now) >= recentSize {
		r.old, r.now = r.now, make(map[string]int64, recentSize)
	}
	r.now[key] = max(step, r.now[key])
}
