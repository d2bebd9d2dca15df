package cli

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"sluice/internal/amount"
	"sluice/internal/pipeline"
)

// progress shows on a terminal how far a conversion is: files, bytes, lines a
// second, time left. Workers share it. A nil progress shows nothing.
type progress struct {
	bar   *progressbar.ProgressBar
	start time.Time
	total int

	mu    sync.Mutex
	done  int
	lines int64
	said  time.Time
}

// progress makes the bar for batches, or none where nobody looks.
func (a *app) progress(batches [][]pipeline.Object) *progress {
	if !a.stderr.redraws || len(batches) == 0 {
		return nil
	}
	p := &progress{start: time.Now()}
	var bytes int64
	for _, b := range batches {
		p.total += len(b)
		for _, o := range b {
			bytes += max(o.Size, 0)
		}
	}
	p.bar = progressbar.NewOptions64(max(bytes, 1), barOptions(a.stderr, progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true))...)
	return p
}

func barOptions(s screen, more ...progressbar.Option) []progressbar.Option {
	return append([]progressbar.Option{
		progressbar.OptionSetWriter(s),
		progressbar.OptionSetWidth(max(10, min(20, s.width-75))),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionUseANSICodes(true),
	}, more...)
}

// waiting says on a terminal, from the second second on, that something is being done
// of which nobody can tell how far it is.
func (a *app) waiting(what string) (end func()) {
	if !a.stderr.redraws {
		return func() {}
	}
	var (
		mu    sync.Mutex
		bar   *progressbar.ProgressBar
		ended bool
	)
	timer := time.AfterFunc(time.Second, func() {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return
		}
		bar = progressbar.NewOptions(-1, barOptions(a.stderr, progressbar.OptionSetDescription(what+"; Ctrl-C ends it"),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))...)
		_ = bar.RenderBlank() // it turns by itself from then on
	})
	return func() {
		timer.Stop()
		mu.Lock()
		defer mu.Unlock()
		if ended = true; bar != nil {
			_ = bar.Finish()
		}
	}
}

// add counts bytes and lines read. A bar that cannot be drawn is not worth an
// error.
func (p *progress) add(bytes, lines int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.lines += lines
	if now := time.Now(); now.Sub(p.said) > 250*time.Millisecond {
		p.said = now
		p.bar.Describe(fmt.Sprintf("%s/%s files  %s lines/s", amount.Grouped(int64(p.done)), amount.Grouped(int64(p.total)),
			amount.Grouped(int64(float64(p.lines)/max(now.Sub(p.start).Seconds(), 0.001)))))
	}
	p.mu.Unlock()
	_ = p.bar.Add64(bytes)
}

// file counts a file that is being read.
func (p *progress) file() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.done++
	p.mu.Unlock()
}

func (p *progress) end() {
	if p != nil {
		_ = p.bar.Finish()
	}
}
