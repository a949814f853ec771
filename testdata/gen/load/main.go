// Command load writes large traces of servers of several kinds, fast. What a
// request does is alike in all of them: its goroutines pass messages, lock and
// sleep. The kinds differ in how requests are found, and in their size:
//
//	stack   goroutines of connections call main.Handler, one request after the
//	        other, so that it stands on their own stacks alone; 30 goroutines each
//	entry   each request is a goroutine of its own: go Handler()
//	long    as stack, with few requests of a second or more, 2,000 goroutines each
//	short   as stack, with requests that start one goroutine or none
//	http    net/http on keep-alive connections; the clients are in the process too
//
// It stops when the trace has -mb megabytes and prints JSON: what the roots are
// called, the bytes written, requests and goroutines. With -files it writes so many
// recordings one after the other, each of -requests requests or a few more.
package main

import (
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

var (
	requests, goroutines, written int64

	// Where requests are goroutines of their own: one is over.
	finished chan struct{}

	registry sync.Mutex
	table    = map[int]int{}
)

// shape is what requests of a kind look like.
type shape struct {
	flight  int // requests at once
	workers int // goroutines of a request that pass messages
	rounds  int // messages of each
	naps    int // of the rounds, one in so many is a sleep; 0 for none
}

var shapes = map[string]shape{
	"stack": {flight: 32, workers: 15, rounds: 24, naps: 100},
	"entry": {flight: 32, workers: 15, rounds: 24, naps: 100},
	"long":  {flight: 8, workers: 1000, rounds: 60, naps: 30},
	"short": {flight: 64, workers: 0, rounds: 3, naps: 0},
	"http":  {flight: 64, workers: 2, rounds: 10, naps: 0},
}

// now is the kind of this run.
var now shape

// Handler is one request.
func Handler() {
	id := int(atomic.AddInt64(&requests, 1))
	sum := 0
	if now.workers == 0 {
		sum = alone(id)
	} else {
		results := make(chan int, 4)
		for i := 0; i < now.workers; i++ {
			start(id+i, results)
		}
		for i := 0; i < now.workers; i++ {
			sum += <-results
		}
	}
	update(id, sum)
	if finished != nil {
		finished <- struct{}{}
	}
}

// alone is a request that starts a goroutine every other time.
func alone(id int) int {
	for i := 0; i < now.rounds; i++ {
		update(id+i, i)
		runtime.Gosched()
	}
	if id%2 == 0 {
		return id
	}
	result := make(chan int)
	atomic.AddInt64(&goroutines, 1)
	go func() { result <- id }()
	return <-result
}

// start starts a worker, which has a goroutine that answers it.
func start(n int, results chan<- int) {
	atomic.AddInt64(&goroutines, 2)
	switch n % 3 {
	case 0:
		go fetchUser(n, results)
	case 1:
		go fetchOrders(n, results)
	default:
		go renderPage(n, results)
	}
}

func fetchUser(n int, results chan<- int)   { results <- layer(n%12, n, ask) }
func fetchOrders(n int, results chan<- int) { results <- layer(n%7, n, ask) }

func renderPage(n int, results chan<- int) {
	v := layer(n%5, n, ask)
	update(n, v)
	results <- v
}

// layer stands for what lies between a server and its handlers: stacks differ.
func layer(depth, v int, f func(int) int) int {
	if depth == 0 {
		return f(v)
	}
	return layer(depth-1, v, f) + 1
}

// ask passes messages to a goroutine and back, locks, and sleeps.
func ask(v int) int {
	question, answer := make(chan int), make(chan int)
	go echo(question, answer)
	for i := 1; i <= now.rounds; i++ {
		question <- v
		v = <-answer
		if i%8 == 0 {
			update(v, i)
		}
		if now.naps > 0 && (v+i)%now.naps == 0 {
			time.Sleep(50 * time.Microsecond)
		}
	}
	close(question)
	return v
}

func echo(question <-chan int, answer chan<- int) {
	for v := range question {
		answer <- v + 1
	}
}

func update(k, v int) {
	registry.Lock()
	table[k%1000] += v
	if k%16 == 0 {
		runtime.Gosched() // while it is locked: others wait for it
	}
	registry.Unlock()
}

// serveConnection calls the handler for each request of a connection, whose client waits for the answer.
func serveConnection(goesOn func() bool) {
	connection, answers := make(chan struct{}), make(chan struct{})
	go func() {
		for goesOn() {
			connection <- struct{}{}
			<-answers
		}
		close(connection)
	}()
	for range connection {
		Handler()
		answers <- struct{}{}
	}
}

// pause is how long a client of kind entry waits between two requests: then a small trace has several generations.
var pause = flag.Duration("pause", 0, "pause of each client between requests, with -kind entry")

// serveRequests starts a goroutine for each request. It takes no argument: go f(x) would make a wrapper the entry
// function.
func serveRequests(goesOn func() bool) {
	for goesOn() {
		atomic.AddInt64(&goroutines, 1)
		go Handler()
		<-finished
		time.Sleep(*pause)
	}
}

// serveHTTP serves requests of a client on one connection.
func serveHTTP(address string, goesOn func() bool) {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	for goesOn() {
		answer, err := client.Get("http://" + address + "/")
		check(err)
		_, err = io.Copy(io.Discard, answer.Body)
		check(err)
		check(answer.Body.Close())
	}
}

// countingFile counts what the runtime writes, to know when to stop.
type countingFile struct{ f *os.File }

func (c countingFile) Write(b []byte) (int, error) {
	n, err := c.f.Write(b)
	atomic.AddInt64(&written, int64(n))
	return n, err
}

// record writes a trace of requests that are served until goesOn says no.
func record(out string, serve func(goesOn func() bool), goesOn func() bool) {
	f, err := os.Create(out)
	check(err)
	check(trace.Start(countingFile{f}))
	var wg sync.WaitGroup
	for i := 0; i < now.flight; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			serve(goesOn)
		}()
	}
	wg.Wait()
	trace.Stop()
	check(f.Close())
}

func main() {
	out := flag.String("o", "load.trace", "trace file; with -files, a folder")
	kind := flag.String("kind", "stack", "stack, entry, long, short or http")
	mb := flag.Int64("mb", 20, "megabytes to write, at least")
	files := flag.Int("files", 0, "recordings to write, into the folder -o; 0 for one, the file -o")
	each := flag.Int64("requests", 6, "requests of each, with -files")
	procs := flag.Int("procs", 2, "processors, which may be more than the machine has")
	limit := flag.Duration("limit", 3*time.Minute, "stop after this time in any case")
	flag.Parse()
	shape, ok := shapes[*kind]
	if !ok {
		check(fmt.Errorf("no kind %q", *kind))
	}
	now = shape
	runtime.GOMAXPROCS(*procs)

	serve := serveConnection
	switch *kind {
	case "entry":
		finished = make(chan struct{})
		serve = serveRequests
	case "http":
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		check(err)
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Handler() })
		go func() { check(http.Serve(listener, handler)) }()
		serve = func(goesOn func() bool) { serveHTTP(listener.Addr().String(), goesOn) }
	}

	start := time.Now()
	if *files == 0 {
		record(*out, serve, func() bool {
			return atomic.LoadInt64(&written) < *mb*1000*1000 && time.Since(start) < *limit
		})
	} else {
		check(os.MkdirAll(*out, 0o755))
	}
	for i := 0; i < *files; i++ {
		var begun int64
		record(fmt.Sprintf("%s/%05d.trace", *out, i), serve, func() bool { return atomic.AddInt64(&begun, 1) <= *each })
	}
	wall := time.Since(start)

	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"program":    "load",
		"kind":       *kind,
		"go":         runtime.Version(),
		"root":       `main\.Handler$`,
		"bytes":      written,
		"requests":   requests,
		"goroutines": goroutines,
		"wall_ns":    int64(wall),
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
