package cli

import (
	"sluice/internal/detect"
	"sluice/internal/logs"
	"sluice/internal/logs/cloudtrail"
	"sluice/internal/logs/s3access"
	"sluice/internal/pipeline"
)

// eye watches the rows of a worker's files with one watcher for each set of
// rules, as far as they lie in a span of time.
type eye struct {
	span     span
	watchers []*detect.Watcher
	seen     [][]*detect.Observed // of the batch, by watcher
}

func (e *eye) Begin(o pipeline.Object) {
	at, ok := pipeline.NameTime(o.Key)
	if !ok && !o.Modified.IsZero() {
		at = logs.TimeOf(o.Modified)
	}
	for _, w := range e.watchers {
		w.Begin(o.ID(), o.Key)
		w.Delivered(at)
	}
}

func (e *eye) Row(row any) {
	if !e.span.holds(eventTime(row)) {
		return
	}
	for _, w := range e.watchers {
		w.Row(row)
	}
}

func (e *eye) End(f pipeline.File) {
	for i, w := range e.watchers {
		if o := w.End(f.Outcome == pipeline.Converted); o != nil {
			e.seen[i] = append(e.seen[i], o)
		}
	}
}

// taken is what was seen of the batch, by watcher. The eye has forgotten it.
func (e *eye) taken() [][]*detect.Observed {
	seen := e.seen
	e.seen = make([][]*detect.Observed, len(e.watchers))
	return seen
}

// recordNumber is which line or element of its file a row was.
func recordNumber(row any) int64 {
	switch r := row.(type) {
	case *s3access.Row:
		return int64(r.LogLine)
	case *cloudtrail.Row:
		return int64(r.LogLine)
	}
	return 0
}

// eventTime is when what a row tells happened. Rows of other logs are of no time.
func eventTime(row any) logs.Time {
	switch r := row.(type) {
	case *s3access.Row:
		return r.RequestTime
	case *cloudtrail.Row:
		return r.EventTime
	}
	return always.to
}
