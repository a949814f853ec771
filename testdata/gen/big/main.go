// Command big writes a large real trace fast: requests (the root function
// main.Handler) whose children hand messages to each other over channels and
// meet at a mutex, as fast as the scheduler can. Nearly all goroutines belong
// to a request. It stops when the trace has -mb megabytes and prints JSON: the
// bytes written and the goroutines started.
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
	fan   = flag.Int("fan", 6, "pairs of children of a request")
	pings = flag.Int("pings", 60, "messages that a pair exchanges")
	depth = flag.Int("depth", 12, "stacks vary by up to this many frames")

	next, requests, goroutines int64
	written                    int64
	finished                   = make(chan struct{})
	registry                   sync.Mutex
	table                      = map[int]int{}
)

// Handler is one request. It takes no argument: `go f(x)` would make a wrapper
// the entry function.
func Handler() {
	id := int(atomic.AddInt64(&next, 1))
	var wg sync.WaitGroup
	results := make(chan int, 1)
	for i := 0; i < *fan; i++ {
		wg.Add(1)
		switch i % 3 {
		case 0:
			go fetchUser(&wg, id+i, results)
		case 1:
			go fetchOrders(&wg, id+i, results)
		default:
			go renderPage(&wg, id+i, results)
		}
	}
	go func() {
		wg.Wait()
		close(results)
	}()
	sum := 0
	for r := range results {
		sum += r
	}
	update(id, sum)
	atomic.AddInt64(&requests, 1)
	atomic.AddInt64(&goroutines, int64(2+2**fan))
	finished <- struct{}{}
}

func fetchUser(wg *sync.WaitGroup, n int, results chan<- int) {
	defer wg.Done()
	results <- layer(n%*depth, n, pingPong)
}

func fetchOrders(wg *sync.WaitGroup, n int, results chan<- int) {
	defer wg.Done()
	v := layer(n%*depth, n, pingPong)
	update(n, v)
	results <- v
}

func renderPage(wg *sync.WaitGroup, n int, results chan<- int) {
	defer wg.Done()
	results <- layer(n%*depth, n, render)
}

// layer stands for a server's middleware: without it there were too few
// different stacks to be real.
func layer(depth, v int, f func(int) int) int {
	if depth == 0 {
		return f(v)
	}
	return layer(depth-1, v, f) + 1
}

func render(n int) int {
	ask, answer := make(chan int), make(chan int)
	quit := make(chan struct{})
	go func() {
		for {
			select {
			case v := <-ask:
				answer <- v + 1
			case <-quit:
				return
			}
		}
	}()
	v := n
	for i := 0; i < *pings; i++ {
		ask <- v
		v = <-answer
	}
	close(quit)
	return v
}

func pingPong(v int) int {
	ask, answer := make(chan int), make(chan int)
	go echo(ask, answer)
	for i := 0; i < *pings; i++ {
		ask <- v
		v = <-answer
	}
	close(ask)
	return v
}

func echo(ask <-chan int, answer chan<- int) {
	for v := range ask {
		answer <- v + 1
	}
}

func update(k, v int) {
	registry.Lock()
	table[k%1000] += v
	registry.Unlock()
}

// countingFile counts what the runtime writes, to know when to stop.
type countingFile struct{ f *os.File }

func (c countingFile) Write(b []byte) (int, error) {
	n, err := c.f.Write(b)
	atomic.AddInt64(&written, int64(n))
	return n, err
}

func main() {
	out := flag.String("o", "big.trace", "trace file")
	mb := flag.Int64("mb", 20, "megabytes to write, at least")
	procs := flag.Int("procs", 2, "GOMAXPROCS")
	flight := flag.Int("flight", 32, "requests in flight")
	limit := flag.Duration("limit", 2*time.Minute, "stop after this time in any case")
	flag.Parse()
	runtime.GOMAXPROCS(*procs)
	f, err := os.Create(*out)
	check(err)
	check(trace.Start(countingFile{f}))
	start := time.Now()
	var wg sync.WaitGroup
	for i := 0; i < *flight; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for atomic.LoadInt64(&written) < *mb*1000*1000 && time.Since(start) < *limit {
				go Handler()
				<-finished
			}
		}()
	}
	wg.Wait()
	wall := time.Since(start)
	trace.Stop()
	check(f.Close())

	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":    "big",
		"go":         runtime.Version(),
		"root":       "main.Handler",
		"bytes":      written,
		"requests":   requests,
		"goroutines": goroutines,
		"wall_ns":    int64(wall),
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "big:", err)
		os.Exit(1)
	}
}
