// Command critical has requests whose critical path is known piece by piece:
//
//	ParallelHandler  children sleep in parallel; the longest is the path
//	LockHandler      a goroutine outside the request sleeps with the lock held
//	PoolHandler      a worker that is older than the trace answers over a channel
//	ChainHandler     five goroutines wake each other, the first after a sleep
//	OwnHandler       the request sleeps itself, with a child that matters to nobody
//
// It records its own trace to -o and prints JSON: per handler the latency
// measured around it and the pieces of its path in order of time (who waited,
// Go's state, how long); what is not in a piece is scheduling.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"time"
)

// piece is a stretch of a critical path.
type piece struct {
	Function   string `json:"function"` // whose goroutine: a function on the stack of the wait
	State      string `json:"state"`
	ExpectedNS int64  `json:"expected_ns"`
	Outside    bool   `json:"outside"` // not in the request's tree
}

type path struct {
	LatencyNS  int64   `json:"latency_ns"`
	ExpectedNS int64   `json:"expected_ns"`
	Pieces     []piece `json:"pieces"`
}

var (
	unit  = flag.Duration("unit", 5*time.Millisecond, "unit of the lengths")
	done  = make(chan struct{})
	lock  sync.Mutex
	held  = make(chan struct{})
	hold  = make(chan struct{})
	jobs  = make(chan chan int)
	paths = map[string]*path{}
)

func units(n int) time.Duration { return time.Duration(n) * *unit }

func sleep(name string, n int) piece { return piece{name, "sleep", int64(units(n)), false} }

func outside(p piece) piece {
	p.Outside = true
	return p
}

func finish(name string, start time.Time, pieces ...piece) {
	p := &path{LatencyNS: int64(time.Since(start)), Pieces: pieces}
	for _, x := range pieces {
		p.ExpectedNS += x.ExpectedNS
	}
	paths[name] = p
	done <- struct{}{}
}

// ParallelHandler waits for children that sleep 2, 6 and 4 units.
func ParallelHandler() {
	start := time.Now()
	var wg sync.WaitGroup
	wg.Add(3)
	go func() {
		time.Sleep(units(2))
		wg.Done()
	}()
	go func() {
		time.Sleep(units(6))
		wg.Done()
	}()
	go func() {
		time.Sleep(units(4))
		wg.Done()
	}()
	wg.Wait()
	finish("main.ParallelHandler", start, sleep("main.ParallelHandler.func2", 6))
}

// LockHandler needs a lock that refresh holds.
func LockHandler() {
	start := time.Now()
	lock.Lock()
	lock.Unlock()
	finish("main.LockHandler", start, outside(sleep("main.refresh", 4)))
}

// refresh holds the lock for 4 units, from before the request begins.
func refresh() {
	for range hold {
		lock.Lock()
		held <- struct{}{}
		time.Sleep(units(4))
		lock.Unlock()
	}
}

// PoolHandler gives a job to the pool.
func PoolHandler() {
	start := time.Now()
	time.Sleep(units(1))
	answer := make(chan int)
	jobs <- answer
	<-answer
	finish("main.PoolHandler", start, sleep("main.PoolHandler", 1), outside(sleep("main.worker", 3)))
}

func worker() {
	for answer := range jobs {
		time.Sleep(units(3))
		answer <- 1
	}
}

// ChainHandler waits for the last of five goroutines that wait for each other;
// each sleeps a unit after it was woken.
func ChainHandler() {
	start := time.Now()
	a, b, c, d, e := make(chan int), make(chan int), make(chan int), make(chan int), make(chan int)
	go func() {
		<-d
		time.Sleep(units(1))
		e <- 1
	}()
	go func() {
		<-c
		time.Sleep(units(1))
		d <- 1
	}()
	go func() {
		<-b
		time.Sleep(units(1))
		c <- 1
	}()
	go func() {
		<-a
		time.Sleep(units(1))
		b <- 1
	}()
	go func() {
		time.Sleep(units(3))
		a <- 1
	}()
	<-e
	finish("main.ChainHandler", start,
		sleep("main.ChainHandler.func5", 3),
		sleep("main.ChainHandler.func4", 1),
		sleep("main.ChainHandler.func3", 1),
		sleep("main.ChainHandler.func2", 1),
		sleep("main.ChainHandler.func1", 1))
}

// OwnHandler does not wait for its child: the path stays its own.
func OwnHandler() {
	start := time.Now()
	go func() { time.Sleep(units(2)) }()
	time.Sleep(units(5))
	finish("main.OwnHandler", start, sleep("main.OwnHandler", 5))
}

func main() {
	out := flag.String("o", "critical.trace", "trace file")
	flag.Parse()
	go refresh()
	go worker()

	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	go ParallelHandler()
	<-done
	hold <- struct{}{}
	<-held
	go LockHandler()
	<-done
	go PoolHandler()
	<-done
	go ChainHandler()
	<-done
	go OwnHandler()
	<-done
	// It has sent, but need not have ended: the recording would cut it.
	time.Sleep(units(2))
	trace.Stop()
	check(f.Close())

	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program": "critical",
		"go":      runtime.Version(),
		"unit_ns": int64(*unit),
		"paths":   paths,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "critical:", err)
		os.Exit(1)
	}
}
