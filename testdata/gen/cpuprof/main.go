// Command cpuprof records a trace while a CPU profile runs, so that the trace
// holds CPU samples. The root function main.BurnHandler burns CPU in two
// functions for known times, in itself and in a child, and sleeps in between.
// It records its own trace to -o and prints JSON: how long it spent in each
// function.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sort"
	"sync/atomic"
	"time"
)

var (
	hashNS, sortNS, sleepNS int64

	burn = flag.Duration("burn", 120*time.Millisecond, "how long each function burns")
	done = make(chan struct{})
)

// burnHash computes for about d.
//
//go:noinline
func burnHash(d time.Duration) {
	start := time.Now()
	block := make([]byte, 4096)
	for time.Since(start) < d {
		sum := sha256.Sum256(block)
		copy(block, sum[:])
	}
	atomic.AddInt64(&hashNS, int64(time.Since(start)))
}

//go:noinline
func burnSort(d time.Duration) {
	start := time.Now()
	xs := make([]int, 2000)
	for time.Since(start) < d {
		for i := range xs {
			xs[i] = (i * 7919) % 2003
		}
		sort.Ints(xs)
	}
	atomic.AddInt64(&sortNS, int64(time.Since(start)))
}

// BurnHandler burns in itself, then in a child.
func BurnHandler() {
	burnHash(*burn)
	start := time.Now()
	time.Sleep(5 * time.Millisecond)
	atomic.AddInt64(&sleepNS, int64(time.Since(start)))
	child := make(chan struct{})
	go func() {
		burnSort(*burn)
		close(child)
	}()
	<-child
	done <- struct{}{}
}

func main() {
	out := flag.String("o", "cpuprof.trace", "trace file")
	requests := flag.Int("requests", 1, "calls of the root function, one after the other")
	flag.Parse()
	f, err := os.Create(*out)
	check(err)
	check(pprof.StartCPUProfile(io.Discard))
	check(trace.Start(f))
	for i := 0; i < *requests; i++ {
		go BurnHandler()
		<-done
	}
	// Samples reach the trace a little late.
	time.Sleep(120 * time.Millisecond)
	trace.Stop()
	pprof.StopCPUProfile()
	check(f.Close())

	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":  "cpuprof",
		"go":       runtime.Version(),
		"root":     "main.BurnHandler",
		"requests": *requests,
		"running":  map[string]int64{"main.burnHash": hashNS, "main.burnSort": sortNS},
		"sleep_ns": sleepNS,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "cpuprof:", err)
		os.Exit(1)
	}
}
