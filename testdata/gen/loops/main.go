// Command loops shows loops that block at the same place each time and compute
// in between, and goroutines that compute before their first wait or after their
// last. The stacks before and after the computing are the same, and what blocked
// has returned meanwhile. Spawn is the twin: it is inside spin all the time, and
// each of spin's stacks is at the same place. It records a trace to -o and prints
// how long each function computed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"sync/atomic"
	"time"
)

const step = 500 * time.Microsecond

var computed = map[string]time.Duration{}

//go:noinline
func compute(d time.Duration) time.Duration {
	start := time.Now()
	for time.Since(start) < d {
	}
	return time.Since(start)
}

// SleepLoop blocks in time.Sleep.
func SleepLoop(n int) (took time.Duration) {
	for i := 0; i < n; i++ {
		time.Sleep(step)
		took += compute(step)
	}
	return took
}

// RangeLoop blocks in a channel.
func RangeLoop(n int) (took time.Duration) {
	c := make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			time.Sleep(step)
			c <- i
		}
		close(c)
	}()
	for range c {
		took += compute(step)
	}
	return took
}

// SelectLoop blocks in a select.
func SelectLoop(n int) (took time.Duration) {
	c, never := make(chan int), make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			time.Sleep(2 * step)
			c <- i
		}
	}()
	for i := 0; i < n; i++ {
		select {
		case <-c:
		case <-never:
		}
		took += compute(step)
	}
	return took
}

// ReadLoop blocks in a read from a pipe.
func ReadLoop(n int) (took time.Duration) {
	r, w, err := os.Pipe()
	check(err)
	go func() {
		for i := 0; i < n; i++ {
			time.Sleep(2 * step)
			_, err := w.Write([]byte{1})
			check(err)
		}
	}()
	one := make([]byte, 1)
	for i := 0; i < n; i++ {
		_, err := r.Read(one)
		check(err)
		took += compute(step)
	}
	check(r.Close())
	check(w.Close())
	return took
}

// Last computes after its last wait, in another line, and ends.
func Last(n int, took *int64) {
	time.Sleep(step)
	atomic.StoreInt64(took, int64(compute(time.Duration(n)*step)))
}

//go:noinline
func spin(n int) (took time.Duration) {
	for i := 0; i < n; i++ {
		took += compute(step)
		go func() {}()
	}
	return took
}

// Spawn computes in spin.
func Spawn(n int) time.Duration { return spin(n) }

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	n := flag.Int("n", 8, "rounds of each loop")
	flag.Parse()
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	for _, loop := range []struct {
		name string
		run  func(int) time.Duration
	}{
		{"main.SleepLoop", SleepLoop}, {"main.RangeLoop", RangeLoop}, {"main.SelectLoop", SelectLoop},
		{"main.ReadLoop", ReadLoop}, {"main.Spawn", Spawn},
	} {
		run, took := loop.run, make(chan time.Duration, 1)
		go func() { took <- run(*n) }()
		computed[loop.name] = <-took
	}
	var took int64
	go Last(*n, &took)
	for atomic.LoadInt64(&took) == 0 {
		time.Sleep(step)
	}
	time.Sleep(step)
	computed["main.Last"] = time.Duration(took)
	trace.Stop()
	check(file.Close())
	said := map[string]interface{}{"go": runtime.Version(), "computed_ns": computed}
	check(json.NewEncoder(os.Stdout).Encode(said))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "loops:", err)
		os.Exit(1)
	}
}
