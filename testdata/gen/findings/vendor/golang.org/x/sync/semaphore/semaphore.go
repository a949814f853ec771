// Package semaphore stands for golang.org/x/sync/semaphore: the same type and methods, with just enough behind them that a
// caller waits on the same stack.
package semaphore

import (
	"context"
	"sync"
)

// Weighted lets so many in at once.
type Weighted struct {
	mu      sync.Mutex
	free    int64
	waiting []chan struct{}
}

// NewWeighted makes one with room for n.
func NewWeighted(n int64) *Weighted { return &Weighted{free: n} }

// Acquire waits until there is room for one.
func (s *Weighted) Acquire(ctx context.Context, _ int64) error {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	s.waiting = append(s.waiting, ready)
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-ready:
		return nil
	}
}

// Release makes room for one.
func (s *Weighted) Release(int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		s.free++
		return
	}
	close(s.waiting[0])
	s.waiting = s.waiting[1:]
}
