// Command endpoints serves several endpoints behind a router of its own and a
// middleware that writes a log line: some block, some only compute, one has a
// cache, one calls two stores in turn. It records its own trace to -o and prints
// JSON: how many requests of each endpoint began and ended inside the recording,
// and how long each took in its handler. With -h2 over HTTP/2.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"time"
)

type endpoint struct {
	Count     int     `json:"count"`
	HandlerNS []int64 `json:"handler_ns"`
}

var (
	mu        sync.Mutex
	endpoints = map[string]*endpoint{"main.Sleep": {}, "main.Compute": {}, "main.Cached": {}, "main.Stores": {}}
)

func handled(name string, start time.Time) {
	d := time.Since(start)
	mu.Lock()
	defer mu.Unlock()
	endpoints[name].Count++
	endpoints[name].HandlerNS = append(endpoints[name].HandlerNS, int64(d))
}

// Sleep sleeps.
func Sleep(w http.ResponseWriter, r *http.Request) {
	defer handled("main.Sleep", time.Now())
	time.Sleep(2 * time.Millisecond)
}

var sink uint64

// Compute computes, and leaves no stack of its own.
func Compute(w http.ResponseWriter, r *http.Request) {
	defer handled("main.Compute", time.Now())
	for start := time.Now(); time.Since(start) < 100*time.Microsecond; {
		for i := uint64(0); i < 1000; i++ {
			sink = sink*31 + i
		}
	}
}

// Cached loads every fourth time, and else reads what it has.
func Cached(w http.ResponseWriter, r *http.Request) {
	defer handled("main.Cached", time.Now())
	if mu.Lock(); endpoints["main.Cached"].Count%4 == 0 {
		mu.Unlock()
		load()
	} else {
		mu.Unlock()
		hit()
	}
}

//go:noinline
func load() { time.Sleep(3 * time.Millisecond) }

//go:noinline
func hit() { time.Sleep(200 * time.Microsecond) }

// Stores calls two stores in turn.
func Stores(w http.ResponseWriter, r *http.Request) {
	defer handled("main.Stores", time.Now())
	first()
	second()
}

//go:noinline
func first() { time.Sleep(time.Millisecond) }

//go:noinline
func second() { time.Sleep(time.Millisecond) }

// router hands requests on by their path.
type router map[string]http.Handler

func (routes router) ServeHTTP(w http.ResponseWriter, r *http.Request) { routes[r.URL.Path].ServeHTTP(w, r) }

// logged is the middleware: every request writes a line, which is a system call with a stack.
func logged(log *os.File, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		fmt.Fprintln(log, r.URL.Path)
	})
}

func serve(h2 bool) *httptest.Server {
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	check(err)
	routes := router{
		"/sleep":   http.HandlerFunc(Sleep),
		"/compute": http.HandlerFunc(Compute),
		"/cached":  http.HandlerFunc(Cached),
		"/stores":  http.HandlerFunc(Stores),
	}
	server := httptest.NewUnstartedServer(logged(log, routes))
	if h2 {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	return server
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	n := flag.Int("n", 12, "requests of each endpoint")
	h2 := flag.Bool("h2", false, "HTTP/2")
	flag.Parse()
	server := serve(*h2)
	client := server.Client()
	get := func(path string) {
		resp, err := client.Get(server.URL + path)
		check(err)
		_, err = io.Copy(io.Discard, resp.Body)
		check(err)
		check(resp.Body.Close())
	}
	// The connection is there before the recording.
	get("/compute")
	time.Sleep(5 * time.Millisecond)
	endpoints["main.Compute"] = &endpoint{}

	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	for i := 0; i < *n; i++ {
		for _, path := range []string{"/sleep", "/compute", "/cached", "/stores"} {
			get(path)
		}
	}
	// The client has its answer a moment before the server's goroutine is done.
	time.Sleep(20 * time.Millisecond)
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"go": runtime.Version(), "h2": *h2, "endpoints": endpoints,
	}))
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "endpoints:", err)
		os.Exit(1)
	}
}
