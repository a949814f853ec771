// Command compared records one side of a comparison. With -slow and -fast it serves Get, whose slow requests wait and whose
// fast ones leave no stack, and After, whose goroutines outlive their requests. With -once and -twice it calls Take on
// goroutines of its own, on no server, once or twice in a row, where nothing parts the two; each call waits and then computes
// for -compute. It records its own trace to -o and prints JSON: how many there were of each.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/trace"
	"time"
)

var sink uint64

//go:noinline
func compute(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
		for i := uint64(0); i < 10_000; i++ {
			sink += i * i
		}
	}
}

// Get waits where it is slow, and else leaves no stack.
func Get(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("slow") != "" {
		time.Sleep(3 * time.Millisecond)
	}
}

// After starts work that goes on when the request is over.
func After(w http.ResponseWriter, r *http.Request) {
	go func() { time.Sleep(4 * time.Millisecond) }()
	time.Sleep(time.Millisecond)
}

// Take waits, and then computes.
//
//go:noinline
func Take(d time.Duration) {
	time.Sleep(time.Millisecond)
	compute(d)
}

func worker(calls int, d time.Duration, done chan<- bool) {
	for i := 0; i < calls; i++ {
		Take(d)
	}
	trace.Log(context.Background(), "worker", "outside of the calls, with a stack")
	done <- true
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	slow := flag.Int("slow", 0, "requests of Get that wait")
	fast := flag.Int("fast", 0, "requests of Get that do not")
	after := flag.Int("after", 0, "requests of After")
	once := flag.Int("once", 0, "goroutines that call Take once")
	twice := flag.Int("twice", 0, "goroutines that call it twice")
	d := flag.Duration("compute", 0, "how long Take computes")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("/get", Get)
	mux.HandleFunc("/after", After)
	server := httptest.NewServer(mux)
	get := func(path string) {
		resp, err := server.Client().Get(server.URL + path)
		check(err)
		_, err = io.Copy(io.Discard, resp.Body)
		check(err)
		check(resp.Body.Close())
	}
	// The connection is there before the recording.
	get("/get")
	time.Sleep(5 * time.Millisecond)

	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	for i := 0; i < *slow; i++ {
		get("/get?slow=1")
	}
	for i := 0; i < *fast; i++ {
		get("/get")
	}
	for i := 0; i < *after; i++ {
		get("/after")
		time.Sleep(8 * time.Millisecond)
	}
	done := make(chan bool)
	for i := 0; i < *once+*twice; i++ {
		calls := 1
		if i >= *once {
			calls = 2
		}
		go worker(calls, *d, done)
		<-done
	}
	// The client has its answer a moment before the server's goroutine is done.
	time.Sleep(20 * time.Millisecond)
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"go": runtime.Version(), "slow": *slow, "fast": *fast, "after": *after, "once": *once, "twice": *twice,
	}))
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "compared:", err)
		os.Exit(1)
	}
}
