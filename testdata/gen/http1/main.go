// Command http1 makes every kind of HTTP/1 request whose beginning and end look
// different in a trace: without a body, with a body read or left unread, HEAD,
// Expect: 100-continue, pipelined, hijacked, panicking, and one whose handler
// leaves no stack. Each kind but the last two runs on one keep-alive connection
// in turn. Handlers sleep, so that their names are in the trace. It records its
// own trace to -o and prints JSON: per handler the number of requests, how long
// each took in the handler (exact) and at the client (an upper bound, save for
// the hijacked one, which answers before its handler ends; for
// pipelined requests since the first was sent).
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"time"
)

type kind struct {
	Count     int     `json:"count"`
	HandlerNS []int64 `json:"handler_ns"`
	ClientNS  []int64 `json:"client_ns"`
}

var (
	mu    sync.Mutex
	kinds = map[string]*kind{}
	pause = flag.Duration("pause", 2*time.Millisecond, "how long a handler sleeps")
)

func get(name string) *kind {
	if kinds[name] == nil {
		kinds[name] = &kind{}
	}
	return kinds[name]
}

func handled(name string, start time.Time) {
	d := time.Since(start)
	mu.Lock()
	defer mu.Unlock()
	k := get(name)
	k.Count++
	k.HandlerNS = append(k.HandlerNS, int64(d))
}

func answered(name string, start time.Time) {
	d := time.Since(start)
	mu.Lock()
	defer mu.Unlock()
	k := get(name)
	k.ClientNS = append(k.ClientNS, int64(d))
}

// NoBodyHandler serves GET.
func NoBodyHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.NoBodyHandler", time.Now())
	time.Sleep(*pause)
	io.WriteString(w, "ok\n")
}

// BodyReadHandler reads the body to its end, then sleeps.
func BodyReadHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.BodyReadHandler", time.Now())
	io.Copy(io.Discard, r.Body)
	time.Sleep(*pause)
	io.WriteString(w, "ok\n")
}

// BodyUnreadHandler leaves the body to the server.
func BodyUnreadHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.BodyUnreadHandler", time.Now())
	time.Sleep(*pause)
	io.WriteString(w, "ok\n")
}

// HeadHandler serves HEAD.
func HeadHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.HeadHandler", time.Now())
	time.Sleep(*pause)
	w.Header().Set("Content-Length", "3")
}

// ContinueHandler asks for the body by reading it.
func ContinueHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.ContinueHandler", time.Now())
	time.Sleep(*pause)
	io.Copy(io.Discard, r.Body)
	io.WriteString(w, "ok\n")
}

// PipelinedHandler gets several requests of one write.
func PipelinedHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.PipelinedHandler", time.Now())
	time.Sleep(*pause)
	io.WriteString(w, "ok\n")
}

// QuickHandler leaves its name nowhere.
func QuickHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.QuickHandler", time.Now())
}

// HijackHandler takes the connection and goes on using it.
func HijackHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.HijackHandler", time.Now())
	time.Sleep(*pause)
	c, _, err := w.(http.Hijacker).Hijack()
	check(err)
	time.Sleep(*pause)
	io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
	c.Close()
}

// PanicHandler panics as handlers do that give up.
func PanicHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.PanicHandler", time.Now())
	time.Sleep(*pause)
	panic(http.ErrAbortHandler)
}

type conn struct {
	net.Conn
	r *bufio.Reader
}

func dial(addr string) conn {
	c, err := net.Dial("tcp", addr)
	check(err)
	return conn{c, bufio.NewReader(c)}
}

func (c conn) send(text string) {
	_, err := io.WriteString(c, text)
	check(err)
}

func (c conn) receive(method string) *http.Response {
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	check(err)
	if resp.StatusCode >= 200 {
		_, err = io.Copy(io.Discard, resp.Body)
		check(err)
	}
	return resp
}

func (c conn) ask(name, method, path, headers, body string) {
	start := time.Now()
	c.send(request(method, path, headers, body))
	c.receive(method)
	answered(name, start)
}

func request(method, path, headers, body string) string {
	if body != "" {
		headers += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return method + " " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + body
}

func client(addr string, rounds int) {
	c := dial(addr)
	small, large := strings.Repeat("x", 2000), strings.Repeat("x", 100<<10)
	for i := 0; i < rounds; i++ {
		c.ask("main.NoBodyHandler", "GET", "/no-body", "", "")
		c.ask("main.QuickHandler", "GET", "/quick", "", "")
		c.ask("main.BodyReadHandler", "POST", "/body-read", "", small)
		c.ask("main.BodyReadHandler", "POST", "/body-read", "", large)
		c.ask("main.BodyUnreadHandler", "POST", "/body-unread", "", small)
		c.ask("main.BodyUnreadHandler", "POST", "/body-unread", "", large)
		c.ask("main.HeadHandler", "HEAD", "/head", "", "")

		start := time.Now()
		c.send(request("POST", "/continue", "Expect: 100-continue\r\nContent-Length: 5\r\n", ""))
		if resp := c.receive("POST"); resp.StatusCode != 100 {
			check(fmt.Errorf("/continue: %s", resp.Status))
		}
		c.send("12345")
		c.receive("POST")
		answered("main.ContinueHandler", start)

		start = time.Now()
		c.send(strings.Repeat(request("GET", "/pipelined", "", ""), 3))
		for n := 0; n < 3; n++ {
			c.receive("GET")
			answered("main.PipelinedHandler", start)
		}
	}
	c.Close()
	for i := 0; i < rounds; i++ {
		c := dial(addr)
		c.ask("main.NoBodyHandler", "GET", "/no-body", "", "")
		c.ask("main.HijackHandler", "GET", "/hijack", "", "")
		c.Close()

		c = dial(addr)
		c.ask("main.NoBodyHandler", "GET", "/no-body", "", "")
		start := time.Now()
		c.send(request("GET", "/panic", "", ""))
		_, err := c.r.ReadByte()
		if err != io.EOF {
			check(fmt.Errorf("/panic: not closed: %v", err))
		}
		answered("main.PanicHandler", start)
		c.Close()
	}
}

func main() {
	out := flag.String("o", "http1.trace", "trace file")
	clients := flag.Int("clients", 1, "concurrent clients")
	rounds := flag.Int("rounds", 1, "rounds of all kinds by a client")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("/no-body", NoBodyHandler)
	mux.HandleFunc("/body-read", BodyReadHandler)
	mux.HandleFunc("/body-unread", BodyUnreadHandler)
	mux.HandleFunc("/head", HeadHandler)
	mux.HandleFunc("/continue", ContinueHandler)
	mux.HandleFunc("/pipelined", PipelinedHandler)
	mux.HandleFunc("/quick", QuickHandler)
	mux.HandleFunc("/hijack", HijackHandler)
	mux.HandleFunc("/panic", PanicHandler)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	srv := &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	go srv.Serve(ln)

	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	var wg sync.WaitGroup
	for i := 0; i < *clients; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			client(ln.Addr().String(), *rounds)
		}()
	}
	wg.Wait()
	// The server notices the closed connections inside the trace.
	time.Sleep(5 * time.Millisecond)
	trace.Stop()
	check(f.Close())

	mu.Lock()
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":  "http1",
		"go":       runtime.Version(),
		"clients":  *clients,
		"rounds":   *rounds,
		"pause_ns": int64(*pause),
		"handlers": kinds,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "http1:", err)
		os.Exit(1)
	}
}
