// Command server is the HTTP server of Filippo Valsorda's talk "You, latency
// and profiling", with its own clients. All endpoints are served over the same
// keep-alive connections, so one connection's goroutine runs every handler.
//
//	/hash-and-write  HashAndWriteHandler  many rounds of SHA-256, then write and fsync
//	/write-no-hash   WriteNoHashHandler   the same write and fsync
//	/fan-out         FanOutHandler        goroutines that sleep, lock and compute
//	/quick           QuickHandler         returns at once
//
// It records its own trace to -o around the clients' run. With -warm the
// connections exist before the trace starts. It prints JSON: per endpoint the
// number of requests, each request's latency as its client saw it, and what the
// handlers themselves measured around hashing, writing and waiting.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"
)

type part struct {
	NS    int64 `json:"ns"`
	Count int64 `json:"count"`
}

func (p *part) add(start time.Time) {
	atomic.AddInt64(&p.NS, int64(time.Since(start)))
	atomic.AddInt64(&p.Count, 1)
}

type endpoint struct {
	Handler   string  `json:"handler"`
	Count     int     `json:"count"`
	LatencyNS []int64 `json:"latency_ns"`
	// What the handler measured around its parts.
	Hash  part `json:"hash"`
	Write part `json:"write"`
	Wait  part `json:"wait"`

	handler http.HandlerFunc
	mu      sync.Mutex
}

var (
	rounds = flag.Int("rounds", 150, "rounds of SHA-256 over 64 KiB in a request")
	size   = flag.Int("size", 64<<10, "bytes written in a request")
	dir    string
	serial int64
	shared sync.Mutex

	// Made in init: the handlers refer to it.
	endpoints map[string]*endpoint
	paths     = []string{"/hash-and-write", "/write-no-hash", "/fan-out", "/quick"}
)

func init() {
	endpoints = map[string]*endpoint{
		"/hash-and-write": {Handler: "main.HashAndWriteHandler", handler: HashAndWriteHandler},
		"/write-no-hash":  {Handler: "main.WriteNoHashHandler", handler: WriteNoHashHandler},
		"/fan-out":        {Handler: "main.FanOutHandler", handler: FanOutHandler},
		"/quick":          {Handler: "main.QuickHandler", handler: QuickHandler},
	}
}

// HashAndWriteHandler hashes, then writes a file.
func HashAndWriteHandler(w http.ResponseWriter, r *http.Request) {
	e := endpoints["/hash-and-write"]
	start := time.Now()
	sum := hashData(*rounds)
	e.Hash.add(start)
	start = time.Now()
	writeData(sum[0])
	e.Write.add(start)
	fmt.Fprintf(w, "%x\n", sum)
}

// WriteNoHashHandler writes a file.
func WriteNoHashHandler(w http.ResponseWriter, r *http.Request) {
	e := endpoints["/write-no-hash"]
	start := time.Now()
	writeData(0)
	e.Write.add(start)
	io.WriteString(w, "written\n")
}

// FanOutHandler waits for goroutines of three kinds.
func FanOutHandler(w http.ResponseWriter, r *http.Request) {
	e := endpoints["/fan-out"]
	var wg sync.WaitGroup
	wg.Add(5)
	go fanSleep(&wg)
	go fanLock(&wg)
	go fanLock(&wg)
	go fanCompute(&wg)
	go func() {
		defer wg.Done()
		// A grandchild: the closure must follow it too.
		done := make(chan struct{})
		go func() {
			time.Sleep(time.Millisecond)
			close(done)
		}()
		<-done
	}()
	start := time.Now()
	wg.Wait()
	e.Wait.add(start)
	io.WriteString(w, "joined\n")
}

// QuickHandler returns at once: it leaves no trace of its name.
func QuickHandler(w http.ResponseWriter, r *http.Request) {}

func fanSleep(wg *sync.WaitGroup) {
	defer wg.Done()
	time.Sleep(2 * time.Millisecond)
}

func fanLock(wg *sync.WaitGroup) {
	defer wg.Done()
	shared.Lock()
	time.Sleep(500 * time.Microsecond)
	shared.Unlock()
}

func fanCompute(wg *sync.WaitGroup) {
	defer wg.Done()
	hashData(5)
}

func hashData(rounds int) [32]byte {
	var block [64 << 10]byte
	sum := sha256.Sum256(block[:])
	for i := 1; i < rounds; i++ {
		copy(block[:], sum[:])
		sum = sha256.Sum256(block[:])
	}
	return sum
}

func writeData(b byte) {
	name := filepath.Join(dir, fmt.Sprint("data-", atomic.AddInt64(&serial, 1)))
	f, err := os.Create(name)
	check(err)
	data := make([]byte, *size)
	data[0] = b
	_, err = f.Write(data)
	check(err)
	check(f.Sync())
	check(f.Close())
	check(os.Remove(name))
}

func main() {
	clients := flag.Int("clients", 2, "concurrent clients, one connection each")
	requests := flag.Int("requests", 4, "requests of a client to each endpoint")
	out := flag.String("o", "server.trace", "trace file")
	warm := flag.Bool("warm", false, "open the connections before the trace starts")
	flag.Parse()

	tmp, err := os.MkdirTemp("", "gotrace-slice-server-")
	check(err)
	defer os.RemoveAll(tmp)
	dir = tmp

	mux := http.NewServeMux()
	for path, e := range endpoints {
		mux.HandleFunc(path, e.handler)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	srv := &http.Server{Handler: mux}
	go srv.Serve(ln)
	base := "http://" + ln.Addr().String()

	cs := make([]*http.Client, *clients)
	for i := range cs {
		cs[i] = &http.Client{Transport: &http.Transport{}}
		if *warm {
			get(cs[i], base+"/quick")
		}
	}

	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	start := time.Now()
	var wg sync.WaitGroup
	for i, c := range cs {
		wg.Add(1)
		go runClient(&wg, c, base, i, *requests)
	}
	wg.Wait()
	wall := time.Since(start)
	for _, c := range cs {
		c.CloseIdleConnections()
	}
	// The servers' goroutines end inside the trace.
	check(srv.Shutdown(context.Background()))
	trace.Stop()
	check(f.Close())

	emit(map[string]interface{}{
		"program":   "server",
		"go":        runtime.Version(),
		"clients":   *clients,
		"requests":  *requests,
		"warm":      *warm,
		"wall_ns":   int64(wall),
		"endpoints": endpoints,
	})
}

func runClient(wg *sync.WaitGroup, c *http.Client, base string, id, requests int) {
	defer wg.Done()
	for n := 0; n < requests; n++ {
		for i := range paths {
			// Every client in another order, so that endpoints meet.
			path := paths[(i+id+n)%len(paths)]
			start := time.Now()
			get(c, base+path)
			d := time.Since(start)
			e := endpoints[path]
			e.mu.Lock()
			e.Count++
			e.LatencyNS = append(e.LatencyNS, int64(d))
			e.mu.Unlock()
		}
	}
}

func get(c *http.Client, url string) {
	resp, err := c.Get(url)
	check(err)
	_, err = io.Copy(io.Discard, resp.Body)
	check(err)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		check(fmt.Errorf("%s: %s", url, resp.Status))
	}
}

func emit(v interface{}) {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(v))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}
