package ingest

import (
	"sluice/internal/detect"
	"sluice/internal/pipeline"
)

// watch shows the rows of a batch to the rules, in the pass that writes them,
// and keeps what was seen of each file that was read whole. It is the
// pipeline.Watch of the handler's one pipeline, so it outlives changes of rules.
type watch struct {
	watcher *detect.Watcher // of the rules in use; nil without
	seen    map[string]*detect.Observed
}

// begin is called before a batch, forget after it.
func (w *watch) begin()  { w.seen = map[string]*detect.Observed{} }
func (w *watch) forget() { w.seen = nil }

func (w *watch) Begin(o pipeline.Object) {
	if w.watcher != nil {
		w.watcher.Begin(o.ID(), o.Key)
	}
}

func (w *watch) Row(row any) {
	if w.watcher != nil {
		w.watcher.Row(row)
	}
}

func (w *watch) End(f pipeline.File) {
	if w.watcher == nil {
		return
	}
	if o := w.watcher.End(f.Outcome == pipeline.Converted); o != nil {
		w.seen[f.Object.ID()] = o
	}
}
