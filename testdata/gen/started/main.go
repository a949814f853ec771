// Command started starts goroutines through a pool that calls what it is given, as errgroup does, and through workers that
// each call one function after the other. It records its own trace to -o and prints JSON: how many goroutines of the pool ran
// each function.
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

func users()  { time.Sleep(2 * time.Millisecond) }
func orders() { time.Sleep(4 * time.Millisecond) }
func ads()    { time.Sleep(time.Millisecond) }

type group struct {
	wg  sync.WaitGroup
	sem chan struct{}
}

// Go runs f when there is a place.
//
//go:noinline
func (g *group) Go(f func()) {
	g.sem <- struct{}{}
	g.wg.Add(1)
	go func() {
		defer func() { <-g.sem; g.wg.Done() }()
		f()
	}()
}

// worker runs one function after the other: it was started for none of them.
func worker(jobs <-chan func(), done *sync.WaitGroup) {
	for job := range jobs {
		job()
		done.Done()
	}
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	n := flag.Int("n", 5, "rounds")
	flag.Parse()
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	jobs := make(chan func())
	var done sync.WaitGroup
	go worker(jobs, &done)
	for i := 0; i < *n; i++ {
		g := group{sem: make(chan struct{}, 2)}
		g.Go(users)
		g.Go(orders)
		g.Go(ads)
		g.Go(orders)
		done.Add(2)
		jobs <- users
		jobs <- ads
		done.Wait()
		g.wg.Wait()
	}
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"go":   runtime.Version(),
		"pool": map[string]int{"main.users": *n, "main.orders": 2 * *n, "main.ads": *n},
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "started:", err)
		os.Exit(1)
	}
}
