// Command testing runs tests as a test binary does: functions of its own, subtests, and one of Go's own packages. Beside
// them a pool runs two functions of Go's own packages. It records its own trace to -o and prints JSON: how many goroutines
// ran each test function, and how many the pool started.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"testing"
	"time"
)

const subtests = 3

func TestUsers(*testing.T)  { time.Sleep(2 * time.Millisecond) }
func TestOrders(*testing.T) { time.Sleep(time.Millisecond) }

// TestAll waits for its subtests. Go's own Parallel is one of them.
func TestAll(t *testing.T) {
	for i := 0; i < subtests; i++ {
		t.Run(fmt.Sprint(i), func(*testing.T) { time.Sleep(time.Millisecond) })
	}
	t.Run("orders", TestOrders)
	t.Run("parallel", (*testing.T).Parallel)
	time.Sleep(time.Millisecond)
}

type group struct{ wg sync.WaitGroup }

// Go runs f.
//
//go:noinline
func (g *group) Go(f func()) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		f()
	}()
}

// TestPool gives a pool functions that wait, both of Go's own packages.
func TestPool(*testing.T) {
	var g group
	var mu sync.Mutex
	var wg sync.WaitGroup
	mu.Lock()
	wg.Add(1)
	g.Go(mu.Lock)
	g.Go(wg.Wait)
	time.Sleep(time.Millisecond)
	wg.Done()
	mu.Unlock()
	g.wg.Wait()
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	testing.Init()
	flag.Parse()
	file, err := os.Create(*out)
	check(err)
	// A goroutine older than the trace ends it: the one that does is runnable for 0 ns then, which Go's reader counts.
	last, stopped := make(chan bool), make(chan bool)
	go func() {
		<-last
		trace.Stop()
		close(stopped)
	}()
	// The last test, since what runs them does not return.
	finish := func(*testing.T) {
		last <- true
		<-stopped
		check(file.Close())
		check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
			"go": runtime.Version(),
			"tests": map[string]int{
				"main.TestUsers": 1, "main.TestOrders": 2, "main.TestAll": 1, "main.TestAll.func1": subtests,
				"testing.(*T).Parallel": 1, "main.TestPool": 1,
			},
			"pool": 2,
		}))
		os.Stdout = os.Stderr
	}
	check(trace.Start(file))
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{
		{Name: "TestUsers", F: TestUsers}, {Name: "TestOrders", F: TestOrders}, {Name: "TestAll", F: TestAll},
		{Name: "TestPool", F: TestPool}, {Name: "finish", F: finish},
	}, nil, nil)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "testing:", err)
		os.Exit(1)
	}
}
