// Command waits does nothing but wait, for known lengths of time.
//
// Every wait happens in a goroutine that the root function main.KnownWaits
// started, or in one started by such a goroutine: a slice by that root holds
// all of them and nothing else. All run at once, each with another length, so
// that no two compete for a processor. It records its own trace to -o and
// prints JSON: per kind of wait (Go's name of the state) how many there were,
// the length they were meant to have, and the length measured around them; the
// same per function.
//
// A longer -unit (100ms) gives a trace of several generations.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"syscall"
	"time"
)

type total struct {
	ExpectedNS int64 `json:"expected_ns"`
	MeasuredNS int64 `json:"measured_ns"`
	Count      int64 `json:"count"`
}

var (
	unit      = flag.Duration("unit", 10*time.Millisecond, "unit of the lengths")
	mu        sync.Mutex
	states    = map[string]*total{}
	functions = map[string]map[string]*total{}

	server, client net.Conn
	done           = make(chan struct{})

	foreverSince time.Time
)

func units(n int) time.Duration { return time.Duration(n) * *unit }

// note books one wait. It runs after the wait, when nobody else is near.
func note(function, state string, expected time.Duration, start time.Time) {
	measured := time.Since(start)
	mu.Lock()
	defer mu.Unlock()
	if functions[function] == nil {
		functions[function] = map[string]*total{}
	}
	for _, m := range []map[string]*total{states, functions[function]} {
		if m[state] == nil {
			m[state] = &total{}
		}
		m[state].ExpectedNS += int64(expected)
		m[state].MeasuredNS += int64(measured)
		m[state].Count++
	}
}

func nap(function string, d time.Duration) {
	start := time.Now()
	time.Sleep(d)
	note(function, "sleep", d, start)
}

// KnownWaits starts all the waits and waits for them; the longest takes 13 units.
//
// It takes no argument: `go f(x)` would make a wrapper the entry function.
func KnownWaits() {
	kinds := []func(){sleeps, receives, sends, locks, readLocks, joins, selects, conds, reads, blocks, naps}
	var wg sync.WaitGroup
	wg.Add(len(kinds))
	for _, f := range kinds {
		go child(&wg, f)
	}
	go forever()
	start := time.Now()
	wg.Wait()
	note("main.KnownWaits", "sync", units(13), start)
	close(done)
}

func child(wg *sync.WaitGroup, f func()) {
	f()
	wg.Done()
}

func sleeps() {
	nap("main.sleeps", units(3))
	nap("main.sleeps", units(1))
}

func receives() {
	c := make(chan int)
	go func() {
		nap("main.receives.func1", units(4))
		c <- 1
	}()
	start := time.Now()
	<-c
	note("main.receives", "chan receive", units(4), start)
}

func sends() {
	c := make(chan int)
	go func() {
		nap("main.sends.func1", units(5))
		<-c
	}()
	start := time.Now()
	c <- 1
	note("main.sends", "chan send", units(5), start)
}

func locks() {
	var m sync.Mutex
	done := make(chan struct{}, 1)
	m.Lock()
	go func() {
		start := time.Now()
		m.Lock()
		note("main.locks.func1", "sync", units(6), start)
		m.Unlock()
		done <- struct{}{}
	}()
	nap("main.locks", units(6))
	m.Unlock()
	// Long enough for the waiter to end first: receiving is then no wait.
	nap("main.locks", units(1))
	<-done
}

func readLocks() {
	var m sync.RWMutex
	m.Lock()
	go func() {
		start := time.Now()
		m.RLock()
		note("main.readLocks.func1", "sync", units(7), start)
		m.RUnlock()
	}()
	nap("main.readLocks", units(7))
	m.Unlock()
	nap("main.readLocks", units(1))
}

func joins() {
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		nap("main.joins.func1", units(8)+*unit/2)
		wg.Done()
	}()
	start := time.Now()
	wg.Wait()
	note("main.joins", "sync", units(8)+*unit/2, start)
}

func selects() {
	a, b := make(chan int), make(chan int)
	go func() {
		nap("main.selects.func1", units(9))
		close(b)
	}()
	start := time.Now()
	select {
	case <-a:
	case <-b:
	}
	note("main.selects", "select", units(9), start)
}

func conds() {
	var m sync.Mutex
	c := sync.NewCond(&m)
	ready := false
	go func() {
		nap("main.conds.func1", units(10))
		m.Lock()
		ready = true
		m.Unlock()
		c.Signal()
	}()
	m.Lock()
	start := time.Now()
	for !ready {
		c.Wait()
	}
	m.Unlock()
	note("main.conds", "sync.(*Cond).Wait", units(10), start)
}

// reads waits for the network; the connection is older than the trace.
func reads() {
	go func() {
		nap("main.reads.func1", units(11))
		_, err := server.Write([]byte{1})
		check(err)
	}()
	var b [1]byte
	start := time.Now()
	_, err := client.Read(b[:])
	note("main.reads", "network", units(11), start)
	check(err)
}

// blocks waits in a system call that the poller knows nothing of.
func blocks() {
	var p [2]int
	check(syscall.Pipe(p[:]))
	go func() {
		nap("main.blocks.func1", units(12))
		_, err := syscall.Write(p[1], []byte{1})
		check(err)
	}()
	var b [1]byte
	start := time.Now()
	_, err := syscall.Read(p[0], b[:])
	note("main.blocks", "syscall", units(12), start)
	check(err)
}

func naps() {
	ts := syscall.NsecToTimespec(int64(units(13)))
	start := time.Now()
	for syscall.Nanosleep(&ts, &ts) == syscall.EINTR {
	}
	note("main.naps", "syscall", units(13), start)
}

// forever is still waiting when the trace ends.
func forever() {
	foreverSince = time.Now()
	select {}
}

func main() {
	out := flag.String("o", "waits.trace", "trace file")
	flag.Parse()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	client, err = net.Dial("tcp", ln.Addr().String())
	check(err)
	server, err = ln.Accept()
	check(err)

	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	begin := time.Now()
	go KnownWaits()
	<-done
	wall := time.Since(begin)
	note("main.forever", "forever", units(13), foreverSince)
	trace.Stop()
	check(f.Close())

	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":   "waits",
		"go":        runtime.Version(),
		"root":      "main.KnownWaits",
		"unit_ns":   int64(*unit),
		"wall_ns":   int64(wall),
		"states":    states,
		"functions": functions,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "waits:", err)
		os.Exit(1)
	}
}
