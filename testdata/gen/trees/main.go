// Command trees makes trees of goroutines below main.TreeHandler: a chain of
// -deep goroutines where each starts the next and ends (with -hold it waits for
// the next), and -wide children of one parent. It records its own trace to -o
// and prints JSON: how many goroutines of each kind it started, and how long
// the leaves slept.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"
)

var (
	hold         = flag.Bool("hold", false, "a link of the chain waits for the next one")
	links, leafs int64
	slept        int64
	deep         = flag.Int("deep", 40, "length of the chain")
	wide         = flag.Int("wide", 40, "children of one parent")
	nap          = flag.Duration("nap", time.Millisecond, "how long a child sleeps")
	done         = make(chan struct{})
)

// TreeHandler grows both trees and waits for them. It takes no argument:
// `go f(x)` would make a wrapper the entry function, as it does for link and leaf.
func TreeHandler() {
	if *deep > 0 {
		end := make(chan struct{})
		go link(*deep, end)
		<-end
	}
	var wg sync.WaitGroup
	wg.Add(*wide)
	for i := 0; i < *wide; i++ {
		go leaf(&wg)
		// Let them run: a million that wait to start need gigabytes.
		if i%1000 == 999 {
			for runtime.NumGoroutine() > 20000 {
				time.Sleep(time.Millisecond)
			}
		}
	}
	wg.Wait()
	close(done)
}

func link(n int, end chan struct{}) {
	atomic.AddInt64(&links, 1)
	if n == 1 {
		close(end)
		return
	}
	next := end
	if *hold {
		next = make(chan struct{})
	}
	go link(n-1, next)
	if *hold {
		<-next
		close(end)
	}
}

func leaf(wg *sync.WaitGroup) {
	atomic.AddInt64(&leafs, 1)
	if *nap > 0 {
		start := time.Now()
		time.Sleep(*nap)
		atomic.AddInt64(&slept, int64(time.Since(start)))
	}
	wg.Done()
}

func main() {
	out := flag.String("o", "trees.trace", "trace file")
	flag.Parse()
	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	go TreeHandler()
	<-done
	trace.Stop()
	check(f.Close())

	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":    "trees",
		"go":         runtime.Version(),
		"root":       "main.TreeHandler",
		"hold":       *hold,
		"links":      links,
		"leafs":      leafs,
		"goroutines": 1 + links + leafs,
		"sleep":      map[string]int64{"count": leafs, "expected_ns": leafs * int64(*nap), "measured_ns": slept},
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "trees:", err)
		os.Exit(1)
	}
}
