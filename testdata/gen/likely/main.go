// Command likely serves endpoints whose requests leave a stack or none, so that
// it can be inferred for some of those without which endpoint they are of: on a
// connection that served one endpoint alone, and below a middleware that wraps
// one endpoint alone. Others have twins for which nothing can be inferred: on a
// connection that served two endpoints, below a middleware that wraps two, and on
// a connection where requests without a stack took longer than those that have one.
// With -h2 over HTTP/2. It records its own trace to -o and prints JSON: for each endpoint how many
// requests blocked in it, and how many left no stack of it, on which kind of
// connection.
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
	Blocked int `json:"blocked"`
	// Those that leave no stack: on a connection with requests of this endpoint alone, and on others.
	Alone  int `json:"alone"`
	Shared int `json:"shared"`
}

var (
	mu        sync.Mutex
	endpoints = map[string]*endpoint{}
)

// handled counts a request by what its client says of it.
func handled(name string, r *http.Request) {
	mu.Lock()
	defer mu.Unlock()
	if endpoints[name] == nil {
		endpoints[name] = &endpoint{}
	}
	of := endpoints[name]
	switch {
	case blocks(r):
		of.Blocked++
	case r.Header.Get("X-Alone") != "":
		of.Alone++
	default:
		of.Shared++
	}
}

func blocks(r *http.Request) bool { return r.Header.Get("X-Blocks") != "" }

//go:noinline
func wait() { time.Sleep(time.Millisecond) }

// Item is served without a middleware.
func Item(w http.ResponseWriter, r *http.Request) {
	handled("main.Item", r)
	if blocks(r) {
		wait()
	}
}

// List is too.
func List(w http.ResponseWriter, r *http.Request) {
	handled("main.List", r)
	if blocks(r) {
		wait()
	}
}

// Report alone is below the middleware audited.
func Report(w http.ResponseWriter, r *http.Request) {
	handled("main.Report", r)
	if blocks(r) {
		wait()
	}
}

// Alpha is below the middleware logged, as Beta is.
func Alpha(w http.ResponseWriter, r *http.Request) {
	handled("main.Alpha", r)
	if blocks(r) {
		wait()
	}
}

// Beta is below the middleware logged, as Alpha is.
func Beta(w http.ResponseWriter, r *http.Request) {
	handled("main.Beta", r)
	if blocks(r) {
		wait()
	}
}

// Read is on a connection with Encode.
func Read(w http.ResponseWriter, r *http.Request) {
	handled("main.Read", r)
	wait()
}

// Encode computes for longer than Read takes, and leaves no stack.
func Encode(w http.ResponseWriter, r *http.Request) {
	handled("main.Encode", r)
	for began := time.Now(); time.Since(began) < 3*time.Millisecond; {
	}
}

// A middleware writes a line, which is a system call with a stack. Inlined, its closure would have another name for each
// handler.
//
//go:noinline
func audited(log *os.File, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next(w, r)
		fmt.Fprintln(log, r.URL.Path)
	}
}

//go:noinline
func logged(log *os.File, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next(w, r)
		fmt.Fprintln(log, r.URL.Path)
	}
}

// start begins to serve, over HTTP/2 if asked.
func start(mux *http.ServeMux, h2 bool) *httptest.Server {
	server := httptest.NewUnstartedServer(mux)
	if h2 {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	return server
}

func serve(h2 bool) *httptest.Server {
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	check(err)
	mux := http.NewServeMux()
	mux.HandleFunc("/item", Item)
	mux.HandleFunc("/list", List)
	mux.HandleFunc("/report", audited(log, Report))
	mux.HandleFunc("/alpha", logged(log, Alpha))
	mux.HandleFunc("/beta", logged(log, Beta))
	return start(mux, h2)
}

// serveComputing serves those of which Read alone leaves a stack.
func serveComputing(h2 bool) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/read", Read)
	mux.HandleFunc("/encode", Encode)
	return start(mux, h2)
}

// A client has a connection of its own.
type client struct {
	http  http.Client
	url   string
	alone bool
}

func newClient(server *httptest.Server, alone bool) *client {
	transport := &http.Transport{MaxConnsPerHost: 1, ForceAttemptHTTP2: true}
	if of, ok := server.Client().Transport.(*http.Transport); ok && of.TLSClientConfig != nil {
		transport.TLSClientConfig = of.TLSClientConfig.Clone()
	}
	return &client{http: http.Client{Transport: transport}, url: server.URL, alone: alone}
}

func (c *client) get(path string, blocks bool) {
	request, err := http.NewRequest("GET", c.url+path, nil)
	check(err)
	if blocks {
		request.Header.Set("X-Blocks", "1")
	}
	if c.alone {
		request.Header.Set("X-Alone", "1")
	}
	response, err := c.http.Do(request)
	check(err)
	_, err = io.Copy(io.Discard, response.Body)
	check(err)
	check(response.Body.Close())
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	n := flag.Int("n", 4, "rounds")
	h2 := flag.Bool("h2", false, "HTTP/2")
	flag.Parse()
	server, computing := serve(*h2), serveComputing(*h2)
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	// The connections begin in the trace, so that the server they belong to is known.
	items, mixed, reports := newClient(server, true), newClient(server, false), newClient(server, false)
	logs, reads := newClient(server, false), newClient(computing, true)
	for i := 0; i < *n; i++ {
		for _, blocks := range []bool{true, false} {
			items.get("/item", blocks)
			mixed.get("/item", blocks)
			mixed.get("/list", blocks)
			reports.get("/report", blocks)
			reports.get("/list", true)
			logs.get("/alpha", blocks)
			logs.get("/beta", blocks)
			reads.get("/read", true)
			// With a new time slice, or the runtime stops the handler, and that has a stack.
			time.Sleep(time.Millisecond)
			reads.get("/encode", false)
		}
	}
	// The client has its answer a moment before the server's goroutine is done.
	time.Sleep(20 * time.Millisecond)
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"go": runtime.Version(), "endpoints": endpoints}))
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "likely:", err)
		os.Exit(1)
	}
}
