package detect

// Watcher matches the rows of one file after the other and groups the hits. Make
// one a worker.
type Watcher struct {
	rules *Rules
}

// Watch returns a new Watcher.
func (r *Rules) Watch() *Watcher { return &Watcher{rules: r} }

// Begin starts a file. The id tells its content apart from that of all other
// files; the key is what people call it.
func (w *Watcher) Begin(id, key string) {}

// Row takes a row of the file: a *s3access.Row or a *cloudtrail.Row. Others are
// left alone. Nothing of the row is kept.
func (w *Watcher) Row(row any) {}

// End ends the file and returns what was seen. It is nil when no rule matched,
// and when the file was not read as a whole: then it will come again.
func (w *Watcher) End(whole bool) *Observed { return nil }

// Observed is what a Watcher saw in one file. It is applied by an Engine of the
// same Rules, as often as it takes.
type Observed struct {
	File, Key string
}
