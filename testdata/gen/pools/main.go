// Command pools shows goroutines that outlive the request that started them.
//
// PoolHandler is an HTTP handler that calls a backend through a shared
// http.Client (the transport's connections start inside a request and serve
// later ones), gives jobs to a worker pool that the first request starts, to
// another that is older than the trace, and arms a time.AfterFunc, whose
// goroutine has no creator. It records its own trace to -o and prints JSON: how
// many requests, jobs and timers there were, and how long the backend and the
// workers slept for them.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"
)

type job struct{ answer chan int }

var (
	old, young   chan job
	startWorkers sync.Once
	client       = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	backendURL   string

	requests, calls, jobs, timers      int64
	backendSlept, workSlept, timeSlept int64
	timersDone                         sync.WaitGroup
)

func nap(d time.Duration, total *int64) {
	start := time.Now()
	time.Sleep(d)
	atomic.AddInt64(total, int64(time.Since(start)))
}

func worker(c <-chan job) {
	for j := range c {
		nap(time.Millisecond, &workSlept)
		atomic.AddInt64(&jobs, 1)
		j.answer <- 1
	}
}

func ask(c chan<- job) {
	j := job{make(chan int)}
	c <- j
	<-j.answer
}

// BackendHandler is the service that PoolHandler calls.
func BackendHandler(w http.ResponseWriter, r *http.Request) {
	atomic.AddInt64(&calls, 1)
	nap(2*time.Millisecond, &backendSlept)
	io.WriteString(w, "backend\n")
}

// PoolHandler uses all the pools.
func PoolHandler(w http.ResponseWriter, r *http.Request) {
	atomic.AddInt64(&requests, 1)
	startWorkers.Do(func() {
		for i := 0; i < 2; i++ {
			go worker(young)
		}
	})
	timersDone.Add(1)
	time.AfterFunc(time.Millisecond, func() {
		defer timersDone.Done()
		atomic.AddInt64(&timers, 1)
		nap(time.Millisecond, &timeSlept)
	})
	var wg sync.WaitGroup
	wg.Add(2)
	go func() {
		defer wg.Done()
		get(client, backendURL)
	}()
	go func() {
		defer wg.Done()
		ask(old)
		ask(young)
	}()
	wg.Wait()
	io.WriteString(w, "pooled\n")
}

func serve(h http.HandlerFunc) (*http.Server, string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	srv := &http.Server{Handler: h}
	go srv.Serve(ln)
	return srv, "http://" + ln.Addr().String()
}

func get(c *http.Client, url string) {
	resp, err := c.Get(url)
	check(err)
	_, err = io.Copy(io.Discard, resp.Body)
	check(err)
	resp.Body.Close()
}

func main() {
	out := flag.String("o", "pools.trace", "trace file")
	clients := flag.Int("clients", 2, "concurrent clients")
	each := flag.Int("requests", 3, "requests of a client")
	flag.Parse()
	old, young = make(chan job), make(chan job)
	for i := 0; i < 2; i++ {
		go worker(old)
	}
	backend, url := serve(BackendHandler)
	backendURL = url
	front, frontURL := serve(PoolHandler)

	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	var wg sync.WaitGroup
	for i := 0; i < *clients; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := &http.Client{Transport: &http.Transport{}}
			for n := 0; n < *each; n++ {
				get(c, frontURL)
			}
			c.CloseIdleConnections()
		}()
	}
	wg.Wait()
	timersDone.Wait()
	// The pools stay idle for longer than a request takes: time that no request may be given.
	time.Sleep(20 * time.Millisecond)
	trace.Stop()
	check(f.Close())
	client.CloseIdleConnections()
	check(front.Shutdown(context.Background()))
	check(backend.Shutdown(context.Background()))

	type part struct {
		Count      int64 `json:"count"`
		MeasuredNS int64 `json:"sleep_ns"`
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":  "pools",
		"go":       runtime.Version(),
		"root":     "main.PoolHandler",
		"requests": requests,
		"backend":  part{calls, backendSlept},
		"jobs":     part{jobs, workSlept},
		"timers":   part{timers, timeSlept},
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "pools:", err)
		os.Exit(1)
	}
}
