// Command wakers waits in ways whose end it knows: timers in all forms,
// deadlines that another goroutine sets, and their twins, which another
// goroutine ends without a timer. It records its own trace to -o and prints
// JSON: for each function, who ended its waits, and how many there were.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/trace"
	"time"
)

const unit = 4 * time.Millisecond

// ByContext waits for a context's deadline.
func ByContext() {
	ctx, cancel := context.WithTimeout(context.Background(), unit)
	defer cancel()
	<-ctx.Done()
}

// ByAfter waits for time.After, beside a channel that nobody uses.
func ByAfter() {
	select {
	case <-time.After(unit):
	case <-make(chan int):
	}
}

// ByTicker waits for a ticker.
func ByTicker() {
	ticker := time.NewTicker(unit)
	defer ticker.Stop()
	<-ticker.C
}

// ByCancel waits for a context that another goroutine cancels.
func ByCancel() {
	ctx, cancel := context.WithCancel(context.Background())
	go napAnd(cancel)
	<-ctx.Done()
}

// BySend waits for a channel on which another goroutine sends.
func BySend() {
	c := make(chan int)
	go napAnd(func() { c <- 1 })
	<-c
}

func napAnd(do func()) {
	time.Sleep(unit)
	do()
}

// BySetDeadline reads from a peer that never writes, until another goroutine
// sets a deadline that is over.
func BySetDeadline(conn net.Conn) {
	go napAnd(func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	read(conn)
}

// ByDeadline reads until a deadline that it set itself.
func ByDeadline(conn net.Conn) {
	conn.SetReadDeadline(time.Now().Add(unit))
	read(conn)
}

func read(conn net.Conn) {
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		check(fmt.Errorf("the peer wrote"))
	}
	conn.SetReadDeadline(time.Time{})
}

// silent gives a connection whose peer never writes.
func silent() net.Conn {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	conn, err := net.Dial("tcp", listener.Addr().String())
	check(err)
	_, err = listener.Accept()
	check(err)
	return conn
}

type waits struct {
	State string `json:"state"`
	Waker string `json:"waker"`
	Count int    `json:"count"`
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	n := flag.Int("n", 3, "calls of each function")
	flag.Parse()
	conn := silent()
	calls := []struct {
		name string
		call func()
		waits
	}{
		{"main.ByContext", ByContext, waits{"chan receive", "timer", *n}},
		{"main.ByAfter", ByAfter, waits{"select", "timer", *n}},
		{"main.ByTicker", ByTicker, waits{"chan receive", "timer", *n}},
		{"main.ByCancel", ByCancel, waits{"chan receive", "inside", *n}},
		{"main.BySend", BySend, waits{"chan receive", "inside", *n}},
		{"main.BySetDeadline", func() { BySetDeadline(conn) }, waits{"network", "inside", *n}},
		{"main.ByDeadline", func() { ByDeadline(conn) }, waits{"network", "network", *n}},
	}
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	for _, c := range calls {
		for i := 0; i < *n; i++ {
			done := make(chan struct{})
			go request(c.call, done)
			<-done
		}
	}
	trace.Stop()
	check(file.Close())
	truth := map[string]waits{}
	for _, c := range calls {
		truth[c.name] = c.waits
	}
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"go": runtime.Version(), "waits": truth}))
}

func request(call func(), done chan struct{}) {
	call()
	close(done)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "wakers:", err)
		os.Exit(1)
	}
}
