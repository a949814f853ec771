// Command causes runs requests that are slow for one known reason each, and a
// twin for each that takes as long for another reason. It records its own trace
// to -o and prints JSON: for each function, the finding that it has and the
// function that the finding names; null for a twin that has none.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/trace"
	"sync"
	"syscall"
	"time"
)

const (
	unit = 2 * time.Millisecond
	each = 12
)

var (
	shared sync.Mutex
	slots  = make(chan int, 2)
	many   = make(chan int, each)
	work   = make(chan chan int)
	server string
)

// Contend waits for a lock that other requests hold.
func Contend() {
	shared.Lock()
	time.Sleep(unit)
	shared.Unlock()
}

// Apart holds a lock of its own.
func Apart() {
	var own sync.Mutex
	own.Lock()
	time.Sleep(unit)
	own.Unlock()
}

// Pool takes one of two slots, which are not enough.
func Pool() {
	slots <- 1
	time.Sleep(unit)
	<-slots
}

// Enough takes one of as many slots as there are requests.
func Enough() {
	many <- 1
	time.Sleep(unit)
	<-many
}

// Serial makes six calls, one after the other.
func Serial() {
	conn := dial()
	defer conn.Close()
	for i := 0; i < 6; i++ {
		fetch(conn, unit)
	}
}

// Twice makes two calls.
func Twice() {
	conn := dial()
	defer conn.Close()
	fetch(conn, unit)
	fetch(conn, unit)
}

// Decide makes three calls, one of which takes most of the time.
func Decide() {
	conn := dial()
	defer conn.Close()
	users(conn, unit)
	orders(conn, 6*unit)
	ads(conn, unit)
}

// Even makes three calls that take as long as each other.
func Even() {
	conn := dial()
	defer conn.Close()
	users(conn, 2*unit)
	orders(conn, 2*unit)
	ads(conn, 2*unit)
}

func users(conn net.Conn, d time.Duration)  { fetch(conn, d) }
func orders(conn net.Conn, d time.Duration) { fetch(conn, d) }
func ads(conn net.Conn, d time.Duration)    { fetch(conn, d) }

// Expire waits for an answer that does not come in time.
func Expire() {
	ctx, cancel := context.WithTimeout(context.Background(), unit)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-make(chan int):
	}
}

// Answered waits for an answer of a worker that comes in time.
func Answered() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answer := make(chan int, 1)
	work <- answer
	select {
	case <-ctx.Done():
	case <-answer:
	}
}

// Block is in a system call.
func Block() {
	ts := syscall.NsecToTimespec(int64(unit))
	syscall.Nanosleep(&ts, nil)
}

// Sleep is in no system call.
func Sleep() {
	time.Sleep(unit)
}

// Tail waits long for the network in two requests of forty.
func Tail(i int) {
	conn := dial()
	defer conn.Close()
	d := 4 * unit
	if i%20 == 7 {
		d = 40 * unit
	}
	fetch(conn, d)
}

// Flat waits as long in all of them.
func Flat(int) {
	conn := dial()
	defer conn.Close()
	fetch(conn, 4*unit)
}

// fetch asks the server to answer after a while.
func fetch(conn net.Conn, d time.Duration) {
	_, err := conn.Write([]byte{byte(d / time.Millisecond)})
	check(err)
	_, err = io.ReadFull(conn, make([]byte, 1))
	check(err)
}

func dial() net.Conn {
	conn, err := net.Dial("tcp", server)
	check(err)
	return conn
}

func worker() {
	for answer := range work {
		time.Sleep(unit)
		answer <- 1
	}
}

func serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go answer(conn)
	}
}

func answer(conn net.Conn) {
	defer conn.Close()
	b := make([]byte, 1)
	for {
		if _, err := io.ReadFull(conn, b); err != nil {
			return
		}
		time.Sleep(time.Duration(b[0]) * time.Millisecond)
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

// together runs a request's function on each of n goroutines at once.
func together(n int, request func()) {
	var all sync.WaitGroup
	for i := 0; i < n; i++ {
		all.Add(1)
		go run(&all, request)
	}
	all.Wait()
}

func run(all *sync.WaitGroup, request func()) {
	defer all.Done()
	request()
}

type truth struct {
	Finding *string `json:"finding"`
	Names   string  `json:"names,omitempty"`
	Count   int     `json:"count"`
}

func main() {
	out := flag.String("o", "", "write the trace to this file")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server = listener.Addr().String()
	go serve(listener)
	go worker()
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))

	causes := map[string]truth{}
	is := func(name, finding, names string, n int) {
		t := truth{Names: names, Count: n}
		if finding != "" {
			t.Finding = &finding
		}
		causes["main."+name] = t
	}
	together(each, Contend)
	is("Contend", "contention", "main.Contend", each)
	together(each, Apart)
	is("Apart", "", "", each)
	together(each, Pool)
	is("Pool", "pool", "main.Pool", each)
	together(each, Enough)
	is("Enough", "", "", each)
	together(each, Serial)
	is("Serial", "serial", "main.fetch", each)
	together(each, Twice)
	is("Twice", "", "", each)
	together(each, Decide)
	is("Decide", "slow-call", "main.orders", each)
	together(each, Even)
	is("Even", "", "", each)
	together(each, Expire)
	is("Expire", "timeout", "main.Expire", each)
	for i := 0; i < each; i++ {
		together(1, Answered)
	}
	is("Answered", "outside-worker", "main.worker", each)
	together(each, Block)
	is("Block", "syscall", "main.Block", each)
	together(each, Sleep)
	is("Sleep", "", "", each)
	for i := 0; i < 40; i++ {
		together(1, func() { Tail(i) })
	}
	is("Tail", "network-tail", "", 40)
	for i := 0; i < 40; i++ {
		together(1, func() { Flat(i) })
	}
	is("Flat", "", "", 40)

	trace.Stop()
	check(file.Close())
	listener.Close()
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{"causes": causes}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
