package detect

// Gathered is how many bytes of samples an engine keeps of earlier files.
func (e *Engine) Gathered() (n int) {
	e.gathered.mu.Lock()
	defer e.gathered.mu.Unlock()
	for _, all := range []map[string][]sample{e.gathered.now, e.gathered.old} {
		for key, samples := range all {
			n += len(key)
			for _, s := range samples {
				n += len(s)
			}
		}
	}
	return n
}

// Room makes the groups of all parts of a file halve above so many bytes.
func (w *Watcher) Room(bytes int) { w.room = bytes }

// Kept is how many bytes of memory the groups take of the parts that ended.
func (w *Watcher) Kept() (n int) {
	for _, g := range w.kept {
		n += g.bytes()
	}
	return n
}
