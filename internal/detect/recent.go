package detect

import "sync"

// recent remembers which findings have been told, so that most of what goes on
// needs no question to the state. It holds two generations and forgets the older
// one when the younger is full.
type recent struct {
	mu       sync.Mutex
	now, old map[string]int64
}

const recentSize = 1 << 15

func newRecent() *recent { return &recent{now: map[string]int64{}} }

// step is the highest step of an incident that is known to have been told; 0
// when none is.
func (r *recent) step(uid string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.now[uid]; ok {
		return s
	}
	return r.old[uid]
}

func (r *recent) set(uid string, step int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.now) >= recentSize {
		r.old, r.now = r.now, make(map[string]int64, recentSize)
	}
	r.now[uid] = max(step, r.now[uid])
}
