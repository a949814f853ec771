// Command dispatch serves endpoints that one wrapper calls as values, beside work of its own: the same line of the wrapper
// calls them all. Two of them are wrapped twice. Its twins look alike and are single endpoints: one with a cache, one
// that asks two stores in turn on the same line. One handler is served and also called by another. It records its own trace to -o and prints JSON: how many requests each
// served inside the recording.
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

var (
	mu     sync.Mutex
	counts = map[string]int{}
	output *os.File
)

func count(name string) int {
	mu.Lock()
	defer mu.Unlock()
	counts[name]++
	return counts[name]
}

// answer makes the text of an answer.
type answer func(r *http.Request) string

// wrap calls any answer at one line, and responds beside it.
//
//go:noinline
func wrap(f answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := f(r)
		respond(w, text)
	})
}

// ready wraps an answer once more.
//
//go:noinline
func ready(f answer) answer {
	return func(r *http.Request) string {
		return f(r)
	}
}

// respond writes a line: a system call with a stack, in every request.
//
//go:noinline
func respond(w http.ResponseWriter, text string) {
	fmt.Fprintln(output, text)
	io.WriteString(w, text)
}

func list(r *http.Request) string {
	count("main.list")
	time.Sleep(time.Millisecond)
	return "list"
}

func query(r *http.Request) string {
	count("main.query")
	time.Sleep(2 * time.Millisecond)
	return "query"
}

func queryRange(r *http.Request) string {
	count("main.queryRange")
	time.Sleep(3 * time.Millisecond)
	return "range"
}

// quick leaves no stack of its own.
func quick(r *http.Request) string {
	count("main.quick")
	return "quick"
}

// Cached looks its answer up, loads it every third time, and else has it.
func Cached(w http.ResponseWriter, r *http.Request) {
	lookup()
	if count("main.Cached")%3 == 0 {
		load()
	} else {
		hit()
	}
	respond(w, "cached")
}

//go:noinline
func lookup() { time.Sleep(100 * time.Microsecond) }

//go:noinline
func load() { time.Sleep(3 * time.Millisecond) }

//go:noinline
func hit() { time.Sleep(200 * time.Microsecond) }

// traced is a middleware that writes a line, before two endpoints of which one leaves a stack.
//
//go:noinline
func traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		fmt.Fprintln(output, r.URL.Path)
	})
}

func slow(w http.ResponseWriter, r *http.Request) {
	count("main.slow")
	time.Sleep(time.Millisecond)
}

func fast(w http.ResponseWriter, r *http.Request) { count("main.fast") }

type store interface{ read() }

type disk struct{}

//go:noinline
func (disk) read() { time.Sleep(time.Millisecond) }

type memory struct{}

//go:noinline
func (memory) read() { time.Sleep(300 * time.Microsecond) }

var stores = []store{disk{}, memory{}}

// Stores asks one store after the other.
func Stores(w http.ResponseWriter, r *http.Request) {
	count("main.Stores")
	for _, s := range stores {
		s.read()
	}
}

// Direct is served as it is, and called by Admin.
func Direct(w http.ResponseWriter, r *http.Request) {
	count(r.URL.Path[1:])
	time.Sleep(time.Millisecond)
}

// Admin calls a handler, and writes a line.
func Admin(w http.ResponseWriter, r *http.Request) {
	Direct(w, r)
	fmt.Fprintln(output, r.URL.Path)
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	n := flag.Int("n", 6, "requests of each endpoint")
	flag.Parse()
	var err error
	output, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	check(err)
	mux := http.NewServeMux()
	mux.Handle("/list", wrap(list))
	mux.Handle("/query", wrap(ready(query)))
	mux.Handle("/range", wrap(ready(queryRange)))
	mux.Handle("/quick", wrap(quick))
	behind := http.NewServeMux()
	behind.HandleFunc("/traced/slow", slow)
	behind.HandleFunc("/traced/fast", fast)
	mux.Handle("/traced/", traced(behind))
	mux.HandleFunc("/cached", Cached)
	mux.HandleFunc("/stores", Stores)
	mux.HandleFunc("/main.Direct", Direct)
	mux.HandleFunc("/main.Admin", Admin)
	server := httptest.NewServer(mux)
	client := server.Client()
	get := func(path string) {
		resp, err := client.Get(server.URL + path)
		check(err)
		_, err = io.Copy(io.Discard, resp.Body)
		check(err)
		check(resp.Body.Close())
	}
	// The connection is there before the recording.
	get("/quick")
	time.Sleep(5 * time.Millisecond)
	counts = map[string]int{}

	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	paths := []string{"/list", "/query", "/range", "/quick", "/cached", "/stores", "/traced/slow", "/traced/fast"}
	for i := 0; i < *n; i++ {
		for _, path := range paths {
			get(path)
		}
		get("/main.Direct")
		if i%2 == 0 {
			get("/main.Admin")
		}
	}
	// The client has its answer a moment before the server's goroutine is done.
	time.Sleep(20 * time.Millisecond)
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"go": runtime.Version(), "endpoints": counts}))
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "dispatch:", err)
		os.Exit(1)
	}
}
