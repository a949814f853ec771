// Command keepalive shows requests that wait for another request, on a
// keep-alive connection that served yet another one before.
//
//	connection 1   ├──── Order: waits for the token ───────────────────┤
//	connection 2       ├ Report: sleeps ┤ idle ├ Use: sleeps, hands over ┤
//
// What Order waited for is what Use did, not what Report did. Early is the twin:
// it begins to wait when Use has begun. It records a trace to -o and prints, for
// each kind of waiter, how many there were, how long they waited, and how long of
// that Use slept for them.
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
	"time"
)

var (
	token = make(chan bool)
	// Filled before what it says, so that nobody has to wait to say it.
	waiting, using = make(chan bool, 1), make(chan bool, 1)
	waited, slept  time.Duration
)

func nap(ms int) time.Duration {
	start := time.Now()
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return time.Since(start)
}

func await() {
	start := time.Now()
	waiting <- true
	<-token
	waited += time.Since(start)
}

// Order waits for the token.
func Order(w http.ResponseWriter, r *http.Request) { await() }

// Early waits for the token, of which Use has begun to make use.
func Early(w http.ResponseWriter, r *http.Request) { await() }

// Report has nothing to do with the token.
func Report(w http.ResponseWriter, r *http.Request) { nap(3) }

// Use makes use of the token, and hands it over.
func Use(w http.ResponseWriter, r *http.Request) {
	using <- true
	slept += nap(4)
	token <- true
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "keepalive:", err)
		os.Exit(1)
	}
}

// client has one connection.
func client() func(path string) {
	c := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	return func(path string) {
		answer, err := c.Get("http://" + address + path)
		check(err)
		_, err = io.Copy(io.Discard, answer.Body)
		check(err)
		check(answer.Body.Close())
	}
}

var address string

type waits struct {
	Count  int   `json:"count"`
	Waited int64 `json:"waited_ns"`
	Slept  int64 `json:"slept_ns"`
}

func take(count int) waits {
	said := waits{count, int64(waited), int64(slept)}
	waited, slept = 0, 0
	return said
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	n := flag.Int("n", 4, "requests of each kind")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("/order", Order)
	mux.HandleFunc("/early", Early)
	mux.HandleFunc("/report", Report)
	mux.HandleFunc("/use", Use)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	address = listener.Addr().String()
	go func() { check(http.Serve(listener, mux)) }()
	one, two := client(), client()
	two("/report")

	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	for i := 0; i < *n; i++ {
		done := make(chan bool)
		go func() { one("/order"); close(done) }()
		<-waiting
		two("/report")
		nap(2)
		two("/use")
		<-done
		<-using
	}
	order := take(*n)
	for i := 0; i < *n; i++ {
		done := make(chan bool)
		two("/report")
		go func() { two("/use"); close(done) }()
		<-using
		one("/early")
		<-done
		<-waiting
	}
	early := take(*n)
	trace.Stop()
	check(file.Close())
	said := map[string]interface{}{"go": runtime.Version(), "main.Order": order, "main.Early": early}
	check(json.NewEncoder(os.Stdout).Encode(said))
}
