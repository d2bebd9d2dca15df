package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"sluice/internal/finding"
)

// sends notes what is sent at a time.
type sends struct {
	mu    sync.Mutex
	sizes []int
	fail  func() error
}

func (s *sends) Send(_ context.Context, fs []*finding.Finding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes = append(s.sizes, len(fs))
	if s.fail != nil {
		return s.fail()
	}
	return nil
}

// gathered lets files tell a finding each, all but every fifth.
func gathered(t *testing.T, s *sends, files int) (failed int) {
	t.Helper()
	g := newGather(s)
	todo := make(chan int, files)
	for i := range files {
		todo <- i
	}
	close(todo)
	var mu sync.Mutex
	g.together(t.Context(), files, func() {
		for i := range todo {
			if i%5 == 4 {
				continue // nothing found
			}
			if err := g.Send(t.Context(), []*finding.Finding{{UID: fmt.Sprint(i)}}); err != nil {
				mu.Lock()
				failed++
				mu.Unlock()
			}
		}
	})
	return failed
}

func TestGather(t *testing.T) {
	for files, most := range map[int]int{1: 1, 2: 1, 50: 1, 64: 1, 1000: 20} {
		s := new(sends)
		if failed := gathered(t, s, files); failed > 0 {
			t.Errorf("%d files: %d could not send", files, failed)
		}
		sum := 0
		for _, n := range s.sizes {
			sum += n
		}
		if want := files - files/5; sum != want || len(s.sizes) > most {
			t.Errorf("%d files sent %d findings in %d goes, want %d in at most %d", files, sum, len(s.sizes), want, most)
		}
	}
}

// Whoever waits hears of it, whatever happens to the sender.
func TestGatherFails(t *testing.T) {
	for name, fail := range map[string]func() error{
		"an error": func() error { return errors.New("down") },
		"a panic":  func() error { panic("no such topic") },
	} {
		if failed := gathered(t, &sends{fail: fail}, 100); failed != 80 {
			t.Errorf("%s: %d of 80 heard of it", name, failed)
		}
	}
}

// Outside of counting nobody is waited for.
func TestGatherAlone(t *testing.T) {
	s := new(sends)
	if err := newGather(s).Send(t.Context(), make([]*finding.Finding, 3)); err != nil || len(s.sizes) != 1 {
		t.Errorf("%v after %v", err, s.sizes)
	}
}
