package ingest

import (
	"context"
	"log/slog"
	"time"

	"sluice/internal/clean"
	"sluice/internal/pipeline"
)

// report writes the one log line of a file. Nothing of a file's content goes
// into it, and what others chose (the key, and errors that quote it) is cleaned.
func (h *Handler) report(f pipeline.File, batch string, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("outcome", f.Outcome.String()),
		slog.String("table", f.Format),
		slog.String("bucket", clean.Line(f.Object.Bucket)),
		slog.String("key", clean.Line(f.Object.Key)),
		slog.Int64("lines", f.Lines),
		slog.Int64("rows", f.Rows),
		slog.Int64("rejected", f.Rejected),
		slog.Int64("ambiguous", f.Ambiguous),
		slog.Int64("bytes_in", f.BytesIn),
		slog.Int64("ms", took.Milliseconds()),
	}
	if f.Outcome == pipeline.Converted {
		attrs = append(attrs, slog.String("batch", batch))
	}
	level := slog.LevelInfo
	switch {
	case f.Outcome == pipeline.Failed:
		level = slog.LevelError
		attrs = append(attrs, slog.String("reason", shown(f.Err)))
	case f.Outcome == pipeline.Skipped:
		attrs = append(attrs, slog.String("reason", clean.Line(f.Reason)))
	case f.Unaccounted() != 0:
		level = slog.LevelError
		attrs = append(attrs, slog.Int64("unaccounted", f.Unaccounted()))
	}
	h.log.LogAttrs(context.Background(), level, "file", attrs...)
}

// maxShown bounds an error in a log line. The longest that matters holds a key
// of 1,024 bytes twice and what S3 said.
const maxShown = 4096

// shown is an error as one harmless line.
func shown(err error) string {
	s := clean.Line(err.Error())
	if len(s) > maxShown {
		s = clean.Line(s[:maxShown]) + " (cut)"
	}
	return s
}
