// Command matching has functions of three kinds whose names share a pattern,
// "Price": a handler of a server, functions of timers (time.AfterFunc), and a
// goroutine that refreshes a cache. With -no-server the handler is never
// called, and only goroutines match. It records its own trace to -o and prints
// JSON: how often each ran, and how long each call took in the handler.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/trace"
	"sync"
	"time"
)

const (
	requests = 5
	timers   = 7
	pause    = 2 * time.Millisecond
)

type said struct {
	Handler    int     `json:"main.PriceHandler"`
	Timers     int     `json:"main.flushPrice"`
	Refreshers int     `json:"main.(*PriceCache).refresher"`
	HandlerNS  []int64 `json:"handler_ns"`
}

var (
	mu      sync.Mutex
	result  said
	flushed sync.WaitGroup
)

// PriceHandler serves a request.
func PriceHandler(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	time.Sleep(pause)
	io.WriteString(w, "1\n")
	mu.Lock()
	defer mu.Unlock()
	result.Handler++
	result.HandlerNS = append(result.HandlerNS, int64(time.Since(start)))
}

// flushPrice is a timer's function.
func flushPrice() {
	defer flushed.Done()
	time.Sleep(pause / 4)
	mu.Lock()
	defer mu.Unlock()
	result.Timers++
}

// PriceCache is refreshed in the background.
type PriceCache struct{ stop, stopped chan struct{} }

func (c *PriceCache) refresher() {
	defer close(c.stopped)
	result.Refreshers++
	for {
		select {
		case <-c.stop:
			return
		case <-time.After(pause):
		}
	}
}

func serve(n int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := &http.Server{Handler: http.HandlerFunc(PriceHandler)}
	go server.Serve(l)
	for i := 0; i < n; i++ {
		resp, err := http.Get("http://" + l.Addr().String())
		check(err)
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	server.Close()
}

func main() {
	out := flag.String("o", "matching.trace", "the trace")
	noServer := flag.Bool("no-server", false, "call no handler")
	flag.Parse()
	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	cache := &PriceCache{make(chan struct{}), make(chan struct{})}
	go cache.refresher()
	flushed.Add(timers)
	for i := 0; i < timers; i++ {
		time.AfterFunc(pause, flushPrice)
	}
	if !*noServer {
		serve(requests)
	}
	flushed.Wait()
	close(cache.stop)
	<-cache.stopped
	time.Sleep(pause)
	trace.Stop()
	check(f.Close())
	check(json.NewEncoder(os.Stdout).Encode(result))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
