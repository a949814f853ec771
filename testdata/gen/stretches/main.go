// stretches makes calls outside of any server's borders, whose beginnings and ends can only be inferred from stacks, and
// prints how long each took by the program's own clock.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"time"
)

// truth is what the program did, by root function: how long each call took, in ns.
type truth struct {
	Program string             `json:"program"`
	Go      string             `json:"go"`
	Calls   map[string][]int64 `json:"calls"`
	// Of the call that is older than the recording: the part after its start, in ns.
	OlderRecordedNs int64 `json:"older_recorded_ns"`
}

var (
	lock  sync.Mutex
	calls = map[string][]int64{}
	sink  int
)

//go:noinline
func timed(name string, call func()) {
	t := time.Now()
	call()
	d := time.Since(t)
	lock.Lock()
	calls[name] = append(calls[name], d.Nanoseconds())
	lock.Unlock()
}

//go:noinline
func spin(d time.Duration) {
	for t := time.Now(); time.Since(t) < d; {
	}
}

// count calls nothing: where it is preempted, its caller is missing from the stack.
//
//go:noinline
func count(n int) {
	for i := 0; i < n; i++ {
		sink ^= i
	}
}

// Compute waits, and then computes for longer.
//
//go:noinline
func Compute() {
	time.Sleep(time.Millisecond)
	spin(3 * time.Millisecond)
}

// Preempted computes so long that it is preempted, in a function that calls nothing.
//
//go:noinline
func Preempted() {
	time.Sleep(time.Millisecond)
	count(250_000_000)
}

// Job is what a worker does, one after the other.
//
//go:noinline
func Job() { time.Sleep(time.Millisecond) }

// TwoWaits waits at two places.
//
//go:noinline
func TwoWaits() {
	time.Sleep(time.Millisecond)
	time.Sleep(time.Millisecond)
}

// Older began before the recording.
//
//go:noinline
func Older(c chan int) {
	for range c {
	}
}

// Later is called on a goroutine that is older than the recording.
//
//go:noinline
func Later() { time.Sleep(2 * time.Millisecond) }

// Message answers one message on a connection that Chat took over.
//
//go:noinline
func Message(w net.Conn) {
	time.Sleep(time.Millisecond)
	fmt.Fprintln(w, "ok")
}

// Chat is a handler that takes its connection over.
func Chat(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
	for {
		if _, err := rw.ReadString('\n'); err != nil {
			return
		}
		timed("main.Message", func() { Message(conn) })
	}
}

func chat(n int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, http.HandlerFunc(Chat))
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	r := bufio.NewReader(conn)
	for i := 0; i < n+2; i++ {
		// Two lines of the answer to the request, then one for each message.
		if _, err := r.ReadString('\n'); err != nil {
			panic(err)
		}
		if 1 <= i && i <= n {
			time.Sleep(time.Millisecond)
			fmt.Fprintln(conn, "message")
		}
	}
	conn.Close()
	l.Close()
	time.Sleep(5 * time.Millisecond)
}

// apart makes calls with a wait outside between.
func apart(name string, n int, call func()) {
	done := make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			timed(name, call)
			time.Sleep(time.Millisecond)
		}
		close(done)
	}()
	<-done
}

// Step is one of several in a row.
//
//go:noinline
func Step() {
	time.Sleep(time.Millisecond)
	spin(500 * time.Microsecond)
}

// inTurn makes calls one after the other, each from a line of its own.
//
//go:noinline
func inTurn() {
	timed("main.Step", Step)
	timed("main.Step", Step)
	timed("main.Step", Step)
}

// inTurns does that n times, and nothing between.
func inTurns(n int) {
	done := make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			inTurn()
		}
		close(done)
	}()
	<-done
}

// backToBack lets one worker do all jobs of a full queue.
func backToBack(n int) {
	queue := make(chan int, n)
	for i := 0; i < n; i++ {
		queue <- i
	}
	close(queue)
	done := make(chan int)
	go func() {
		for range queue {
			timed("main.Job", Job)
		}
		close(done)
	}()
	<-done
}

func main() {
	out := flag.String("o", "trace.out", "file for the trace")
	cpu := flag.Bool("cpu", false, "with a CPU profile")
	flag.Parse()
	f, err := os.Create(*out)
	if err != nil {
		panic(err)
	}
	feed, later := make(chan int), make(chan int)
	older, ended := make(chan int), make(chan int)
	go func() {
		timed("main.Older", func() { Older(feed) })
		older <- 1
		select {}
	}()
	go func() {
		for range later {
			timed("main.Later", Later)
		}
		ended <- 1
	}()
	feed <- 0
	time.Sleep(10 * time.Millisecond)

	if *cpu {
		if err := pprof.StartCPUProfile(devNull{}); err != nil {
			panic(err)
		}
	}
	if err := trace.Start(f); err != nil {
		panic(err)
	}
	start := time.Now()
	// Nothing shows this goroutine outside of Later before this call: for all that the recording has, it is older. The next
	// receive shows it outside.
	later <- 0
	for i := 0; i < 3; i++ {
		time.Sleep(5 * time.Millisecond)
		feed <- i
	}
	close(feed)
	<-older
	recorded := time.Since(start)
	for i := 0; i < 3; i++ {
		time.Sleep(3 * time.Millisecond)
		later <- i
	}
	close(later)
	<-ended
	apart("main.Compute", 10, Compute)
	apart("main.Preempted", 3, Preempted)
	apart("main.TwoWaits", 5, TwoWaits)
	backToBack(10)
	chat(8)
	inTurns(4)
	trace.Stop()
	if *cpu {
		pprof.StopCPUProfile()
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
	json.NewEncoder(os.Stdout).Encode(truth{
		Program: "stretches", Go: runtime.Version(), Calls: calls, OlderRecordedNs: recorded.Nanoseconds(),
	})
}

type devNull struct{}

func (devNull) Write(p []byte) (int, error) { return len(p), nil }
