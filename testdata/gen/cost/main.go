// Command cost measures what recording a trace costs a server: requests a second
// and how long they take, in turn without a trace and with one. Each request
// computes for a tenth of a millisecond, takes a lock, asks two goroutines, and
// sleeps for one. Clients are in the same process. It prints a line for each.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/trace"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

var (
	mu    sync.Mutex
	total int
)

func handler(w http.ResponseWriter, _ *http.Request) {
	answers := make(chan int)
	for i := 0; i < 2; i++ {
		go func(n int) { answers <- n }(i)
	}
	for from := time.Now(); time.Since(from) < 100*time.Microsecond; {
	}
	mu.Lock()
	total += <-answers + <-answers
	mu.Unlock()
	time.Sleep(time.Millisecond)
	fmt.Fprintln(w, "done")
}

// load sends requests from so many clients for a while; returns how long each took, in order.
func load(url string, clients int, d time.Duration) []time.Duration {
	var over atomic.Bool
	var all sync.WaitGroup
	took := make([][]time.Duration, clients)
	for i := range took {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			client := http.Client{Transport: &http.Transport{}}
			for !over.Load() {
				start := time.Now()
				response, err := client.Get(url)
				check(err)
				_, err = io.Copy(io.Discard, response.Body)
				check(err)
				check(response.Body.Close())
				took[i] = append(took[i], time.Since(start))
			}
		}(i)
	}
	time.Sleep(d)
	over.Store(true)
	all.Wait()
	var list []time.Duration
	for _, of := range took {
		list = append(list, of...)
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	return list
}

type counter struct {
	file *os.File
	n    int
}

func (c *counter) Write(b []byte) (int, error) {
	c.n += len(b)
	return c.file.Write(b)
}

func main() {
	clients := flag.Int("clients", 4, "how many clients send at once")
	rounds := flag.Int("rounds", 5, "how often each is measured")
	flag.Parse()
	server := httptest.NewServer(http.HandlerFunc(handler))
	load(server.URL, *clients, time.Second)
	for round := 0; round < *rounds; round++ {
		for _, traced := range []bool{false, true} {
			to := &counter{}
			if traced {
				file, err := os.CreateTemp("", "cost")
				check(err)
				check(os.Remove(file.Name()))
				to.file = file
				check(trace.Start(to))
			}
			list := load(server.URL, *clients, 2*time.Second)
			if traced {
				trace.Stop()
			}
			p := func(percent int) time.Duration { return list[len(list)*percent/100].Round(time.Microsecond) }
			fmt.Printf("trace %-5v  %6d requests/s  p50 %v  p99 %v  %.1f MB/s\n", traced, len(list)/2, p(50), p(99), float64(to.n)/2e6)
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}
