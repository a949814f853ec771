// Command selfprof is a server with net/http/pprof that fetches its own trace
// from /debug/pprof/trace, as most traces are made, while another handler
// runs. The recording's own goroutines are in the trace; before Go 1.22 it also
// announces every goroutine of the program with the pprof handler's stack. It
// writes the trace to -o and prints JSON: how many requests to WorkHandler
// began while the trace was fetched, and how long they slept.
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
	"sync"
	"sync/atomic"
	"time"
)

var requests, slept int64

// WorkHandler starts one goroutine and waits for it.
func WorkHandler(w http.ResponseWriter, r *http.Request) {
	atomic.AddInt64(&requests, 1)
	done := make(chan struct{})
	go func() {
		start := time.Now()
		time.Sleep(5 * time.Millisecond)
		atomic.AddInt64(&slept, int64(time.Since(start)))
		close(done)
	}()
	<-done
	io.WriteString(w, "worked\n")
}

func get(c *http.Client, url string, w io.Writer) {
	resp, err := c.Get(url)
	check(err)
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		check(fmt.Errorf("%s: %s", url, resp.Status))
	}
	_, err = io.Copy(w, resp.Body)
	check(err)
}

func main() {
	out := flag.String("o", "selfprof.trace", "trace file")
	seconds := flag.String("seconds", "1", "length of the recording")
	every := flag.Duration("every", 100*time.Millisecond, "pause of a client between two requests")
	flag.Parse()

	mux := http.NewServeMux()
	mux.HandleFunc("/work", WorkHandler)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go http.Serve(ln, mux)
	base := "http://" + ln.Addr().String()

	// One client's connection is older than the trace, the other's is not.
	warm := &http.Client{Transport: &http.Transport{}}
	get(warm, base+"/work", io.Discard)
	atomic.StoreInt64(&requests, 0)
	atomic.StoreInt64(&slept, 0)

	stop := make(chan struct{})
	var wg sync.WaitGroup
	client := func(c *http.Client) {
		defer wg.Done()
		for {
			select {
			case <-stop:
				return
			case <-time.After(*every):
				get(c, base+"/work", io.Discard)
			}
		}
	}
	wg.Add(2)
	go client(warm)
	go client(&http.Client{Transport: &http.Transport{}})

	f, err := os.Create(*out)
	check(err)
	get(&http.Client{Transport: &http.Transport{}}, base+"/debug/pprof/trace?seconds="+*seconds, f)
	check(f.Close())
	close(stop)
	wg.Wait()

	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":  "selfprof",
		"go":       runtime.Version(),
		"root":     "main.WorkHandler",
		"seconds":  *seconds,
		"requests": requests,
		"sleep_ns": slept,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "selfprof:", err)
		os.Exit(1)
	}
}
