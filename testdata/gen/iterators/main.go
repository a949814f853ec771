//go:build go1.23

// Command iterators runs coroutines: iter.Pull and iter.Pull2 inside the root
// function main.IterHandler. A producer sleeps inside its coroutine, one
// iterator is stopped early, one is dropped without a stop, one is driven by
// two goroutines in turn, and two are nested. It records its own trace to -o
// and prints JSON: how many coroutines there were, how often they were switched
// to, and how long they slept.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"
)

var (
	coroutines, switches, sleeps, slept atomic.Int64
	dropped                             func() (int, bool)
	done                                sync.WaitGroup
)

func nap(d time.Duration) {
	start := time.Now()
	time.Sleep(d)
	slept.Add(int64(time.Since(start)))
	sleeps.Add(1)
}

func numbers(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < n; i++ {
			if i%5 == 4 {
				nap(time.Millisecond)
			}
			if !yield(i) {
				return
			}
		}
	}
}

func pairs(n int) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i := 0; i < n; i++ {
			if !yield(i, "x") {
				return
			}
		}
	}
}

// doubled pulls from a coroutine inside a coroutine.
func doubled(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		next, stop := pull(numbers(n))
		defer stop()
		for v, ok := next(); ok; v, ok = next() {
			if !yield(2 * v) {
				return
			}
		}
	}
}

func pull(s iter.Seq[int]) (func() (int, bool), func()) {
	coroutines.Add(1)
	next, stop := iter.Pull(s)
	return func() (int, bool) {
		switches.Add(1)
		return next()
	}, stop
}

// IterHandler uses the iterators up.
func IterHandler() {
	defer done.Done()
	next, stop := pull(numbers(10))
	for _, ok := next(); ok; _, ok = next() {
	}
	stop()

	early, stop := pull(numbers(10))
	early()
	early()
	stop()

	coroutines.Add(1)
	next2, stop2 := iter.Pull2(pairs(3))
	for ok := true; ok; {
		_, _, ok = next2()
		switches.Add(1)
	}
	stop2()

	nested, stop := pull(doubled(6))
	for _, ok := nested(); ok; _, ok = nested() {
	}
	stop()

	// A coroutine goes with whoever calls next.
	shared, stop := pull(numbers(6))
	for i := 0; i < 6; i++ {
		done := make(chan struct{})
		go func() {
			shared()
			close(done)
		}()
		<-done
	}
	stop()

	dropped, _ = pull(numbers(3))
	dropped()
}

func main() {
	out := flag.String("o", "iterators.trace", "trace file")
	requests := flag.Int("requests", 2, "calls of the root function, one after the other")
	flag.Parse()
	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	for i := 0; i < *requests; i++ {
		done.Add(1)
		go IterHandler()
		done.Wait()
	}
	trace.Stop()
	check(f.Close())
	runtime.KeepAlive(dropped)

	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":    "iterators",
		"go":         runtime.Version(),
		"root":       "main.IterHandler",
		"requests":   *requests,
		"coroutines": coroutines.Load(),
		"nexts":      switches.Load(),
		"sleep":      map[string]int64{"count": sleeps.Load(), "measured_ns": slept.Load()},
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "iterators:", err)
		os.Exit(1)
	}
}
