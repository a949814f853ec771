// Command collector runs requests on one proc that spend their time sweeping for
// the garbage collector, and as many that only compute. It records its own trace
// to -o and prints JSON: for each function, the finding that it has, how many
// collections there were, and the goal of the heap when the recording ended.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/trace"
	"time"
)

const (
	requests = 12
	// Nodes that live from the start on: memory that has to be swept after each
	// collection.
	old = 400_000
	// Nodes that a request allocates. Memory is full, so that it sweeps many spans
	// for each new one.
	young = 1_000
)

type node struct {
	next *node
	pad  [56]byte
}

var (
	head    *node
	ballast []byte
	result  uint64
)

func push(n int) {
	for i := 0; i < n; i++ {
		head = &node{next: head}
	}
}

// Sweep allocates after a collection.
func Sweep(done chan int) {
	push(young)
	done <- 1
}

// Compute allocates nothing.
func Compute(done chan int) {
	for begin := time.Now(); time.Since(begin) < 200*time.Microsecond; {
		for i := uint64(0); i < 1000; i++ {
			result = result*31 + i
		}
	}
	done <- 1
}

// collect marks, and leaves the sweeping to others.
func collect() {
	debug.SetGCPercent(1)
	ballast = make([]byte, 1<<20)
	// Waits until the marking is over.
	debug.SetGCPercent(-1)
}

func main() {
	out := flag.String("o", "", "write the trace to this file")
	flag.Parse()
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(1)
	push(old)
	file, err := os.Create(*out)
	check(err)
	var before, after runtime.MemStats
	check(trace.Start(file))
	runtime.ReadMemStats(&before)
	done := make(chan int)
	for i := 0; i < requests; i++ {
		collect()
		go Sweep(done)
		<-done
	}
	for i := 0; i < requests; i++ {
		go Compute(done)
		<-done
	}
	// The goal that holds until the end.
	debug.SetGCPercent(100)
	runtime.ReadMemStats(&after)
	debug.SetGCPercent(-1)
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"requests":    requests,
		"collections": after.NumGC - before.NumGC,
		"goal_bytes":  after.NextGC,
		"findings":    map[string]string{"main.Sweep": "collector", "main.Compute": "cpu-bound"},
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
