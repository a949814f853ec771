// Command kinds serves what net/http puts between a server and its handlers: wrappers whose closures are inlined,
// TimeoutHandler, h2c (from Go 1.24 on); a generic handler; POST requests that each come on a new connection. Its trace
// is fetched from net/http/pprof below two middlewares, of which one serves nothing else. It writes the trace to -o and
// prints JSON: how many requests of each handler began and ended inside the recording, and how many were under way at
// its start.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/trace"
	"strings"
	"sync"
	"time"
)

var (
	mu    sync.Mutex
	http1 = map[string]int{}
	http2 = map[string]int{}
)

// begin counts a request. The lock is never waited for, and leaves no stack.
func begin(name string, r *http.Request) {
	mu.Lock()
	defer mu.Unlock()
	if r.ProtoMajor == 2 {
		http2[name]++
	} else {
		http1[name]++
	}
}

func Alpha(w http.ResponseWriter, r *http.Request) {
	begin("main.Alpha", r)
	time.Sleep(time.Millisecond)
}

func Beta(w http.ResponseWriter, r *http.Request) {
	begin("main.Beta", r)
	time.Sleep(time.Millisecond)
}

func Timed(w http.ResponseWriter, r *http.Request) {
	begin("main.Timed", r)
	time.Sleep(time.Millisecond)
}

// TooSlow takes longer than TimeoutHandler lets it.
func TooSlow(w http.ResponseWriter, r *http.Request) {
	begin("main.TooSlow", r)
	time.Sleep(3 * time.Millisecond)
}

// Starts hands its work to a goroutine and waits for it, as TimeoutHandler does, and is a handler.
func Starts(w http.ResponseWriter, r *http.Request) {
	begin("main.Starts", r)
	done := make(chan struct{})
	go func() {
		time.Sleep(time.Millisecond)
		close(done)
	}()
	<-done
}

// Put reads its body to the end.
func Put(w http.ResponseWriter, r *http.Request) {
	begin("main.Put", r)
	_, err := io.Copy(io.Discard, r.Body)
	check(err)
	time.Sleep(time.Millisecond)
}

// Unread leaves its body alone.
func Unread(w http.ResponseWriter, r *http.Request) {
	begin("main.Unread", r)
	time.Sleep(time.Millisecond)
}

// Early is under way when the recording begins.
func Early(w http.ResponseWriter, r *http.Request) {
	_, err := io.Copy(io.Discard, r.Body)
	check(err)
	for !trace.IsEnabled() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(2 * time.Millisecond)
	time.Sleep(time.Millisecond)
}

// box is generic: the names of its methods hold [...].
type box[T any] struct{ value T }

func (b *box[T]) Serve(w http.ResponseWriter, r *http.Request) {
	begin("main.(*box[...]).Serve", r)
	load(b.value)
}

//go:noinline
func load[T any](T) { time.Sleep(time.Millisecond) }

// Status is served below the outer middleware, as the recording is.
func Status(w http.ResponseWriter, r *http.Request) {
	begin("main.Status", r)
	time.Sleep(time.Millisecond)
}

// outer serves Status and the recording.
type outer struct{ next http.Handler }

//go:noinline
func (o outer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.next.ServeHTTP(w, r)
	fmt.Fprintln(log, r.URL.Path)
}

// inner serves the recording alone.
type inner struct{ next http.Handler }

//go:noinline
func (i inner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.next.ServeHTTP(w, r)
	fmt.Fprintln(log, r.URL.Path)
}

var log *os.File

func routes() *http.ServeMux {
	admin := http.NewServeMux()
	admin.Handle("/debug/pprof/trace", inner{http.HandlerFunc(pprof.Trace)})
	admin.HandleFunc("/debug/status", Status)
	mux := http.NewServeMux()
	mux.Handle("/debug/", outer{admin})
	mux.HandleFunc("/starts", Starts)
	mux.HandleFunc("/put", Put)
	mux.HandleFunc("/unread", Unread)
	mux.HandleFunc("/early", Early)
	mux.HandleFunc("/generic", (&box[string]{}).Serve)
	mux.Handle("/timed", http.TimeoutHandler(http.HandlerFunc(Timed), time.Second, "late"))
	mux.Handle("/tooslow", http.TimeoutHandler(http.HandlerFunc(TooSlow), time.Millisecond, "late"))
	return mux
}

// request asks on its client's connection, or on a new one.
func request(client *http.Client, url string) {
	resp, err := client.Get(url)
	check(err)
	read(resp)
}

// post asks on a connection of its own.
func post(url string) {
	transport := &http.Transport{}
	resp, err := (&http.Client{Transport: transport}).Post(url, "text/plain", strings.NewReader("a body of some bytes"))
	check(err)
	read(resp)
	transport.CloseIdleConnections()
}

func read(resp *http.Response) {
	_, err := io.Copy(io.Discard, resp.Body)
	check(err)
	check(resp.Body.Close())
}

func main() {
	out := flag.String("o", "kinds.trace", "where the trace goes")
	n := flag.Int("n", 6, "requests of each handler")
	seconds := flag.String("seconds", "0.5", "length of the recording")
	flag.Parse()
	// A collector's sweeper would fill the recording with thousands of its events.
	debug.SetGCPercent(-1)
	var err error
	log, err = os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	check(err)

	mux := routes()
	// The closures of these are inlined into main.main by most versions of Go.
	mux.Handle("/a/", http.StripPrefix("/a", http.HandlerFunc(Alpha)))
	mux.Handle("/b/", http.StripPrefix("/b", http.HandlerFunc(Beta)))
	// This one is a handler.
	mux.HandleFunc("/closure", func(w http.ResponseWriter, r *http.Request) {
		begin("closure", r)
		time.Sleep(time.Millisecond)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := &http.Server{Handler: mux}
	h2c := serveH2C(server)
	go server.Serve(listener)
	base := "http://" + listener.Addr().String()

	client := &http.Client{Transport: &http.Transport{}}
	request(client, base+"/unread")
	early := make(chan struct{})
	go func() {
		post(base + "/early")
		close(early)
	}()
	time.Sleep(5 * time.Millisecond)
	http1 = map[string]int{}

	recorded := make(chan struct{})
	go func() {
		record(base+"/debug/pprof/trace?seconds="+*seconds, *out)
		close(recorded)
	}()
	<-early
	for i := 0; i < *n; i++ {
		for _, path := range []string{"/a/", "/b/", "/closure", "/starts", "/timed", "/tooslow", "/generic", "/debug/status"} {
			request(client, base+path)
		}
		post(base + "/put")
		post(base + "/unread")
		if h2c != nil {
			request(h2c, base+"/a/")
			request(h2c, base+"/starts")
		}
	}
	// The client has its answer a moment before the server's goroutine is done.
	time.Sleep(20 * time.Millisecond)
	if !trace.IsEnabled() {
		check(fmt.Errorf("the recording ended first"))
	}
	<-recorded
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"go": runtime.Version(), "http1": http1, "http2": http2, "cut": map[string]int{"main.Early": 1},
	}))
	os.Exit(0)
}

func record(url, path string) {
	file, err := os.Create(path)
	check(err)
	resp, err := (&http.Client{Transport: &http.Transport{}}).Get(url)
	check(err)
	_, err = io.Copy(file, resp.Body)
	check(err)
	check(resp.Body.Close())
	check(file.Close())
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "kinds:", err)
		os.Exit(1)
	}
}
