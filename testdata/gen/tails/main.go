// Command tails runs, for each state that can make the slowest requests slow, forty
// requests of which two are slow because of it, and forty twins that are in that
// state alike, of which two are slow because of another one. Each request is a
// goroutine of its own, named by its function. It records its own trace to -o and
// prints JSON: for each finding the functions that must have it, and that must not.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	n    = 40
	fast = 500 * time.Microsecond
	slow = 8 * time.Millisecond
)

// A finding, the functions that must have it, and those that must not.
type pair struct {
	Finding string   `json:"finding"`
	With    []string `json:"with"`
	Without []string `json:"without"`
}

var pairs = []pair{
	{"running-tail", []string{"ComputesLong", "SleepsAlike"}, []string{"ComputesAlike", "SleepsLong"}},
	{"runnable-tail", []string{"QueuesLong"}, []string{"QueuesAlike"}},
	{"syscall-tail", []string{"CallsLong"}, []string{"CallsAlike"}},
	{"network-tail", []string{"ReadsLong"}, []string{"ReadsAlike"}},
	{"sync-tail", []string{"LocksLong"}, []string{"LocksAlike"}},
	{"sleep-tail", []string{"SleepsLong", "LocksAlike", "ReadsAlike"}, []string{"SleepsAlike", "LocksLong", "ReadsLong"}},
	{"chan-tail", []string{"ReceivesLong"}, []string{"ReceivesAlike", "SelectsLong"}},
	{"select-tail", []string{"SelectsLong"}, []string{"SelectsAlike", "ReceivesLong"}},
	{"cond-tail", []string{"SignalledLong"}, []string{"SignalledAlike", "LocksLong"}},
	{waitForCollector(), []string{"CollectsLong"}, []string{"CollectsAlike"}},
}

// waitForCollector is the finding about waits until a collection ends: before Go 1.22 they have no name.
func waitForCollector() string {
	if strings.HasPrefix(runtime.Version(), "go1.21") {
		return "wait-tail"
	}
	return "gc-tail"
}

// The requests that run.
var running sync.WaitGroup

// isSlow is whether the request that runs is one of the two slow ones.
var isSlow bool

// run starts the requests of a function, one after the other; before the slow ones something is done.
func run(request func(), before ...func()) {
	for i := 0; i < n; i++ {
		isSlow = i%(n/2) == n/4
		for _, do := range before {
			if isSlow {
				do()
			}
		}
		running.Add(1)
		go request()
		running.Wait()
	}
}

// long is briefly asleep, and for long in the state if it is one of the slow ones.
func long(state func(time.Duration)) {
	defer running.Done()
	time.Sleep(fast)
	if isSlow {
		state(slow)
	}
}

// alike is in the state, and one of the slow ones is in another one for long.
func alike(state, other func(time.Duration)) {
	defer running.Done()
	state(fast)
	if isSlow {
		other(slow)
	}
}

// ---- states ----

var sink int64

func compute(d time.Duration) {
	for from := time.Now(); time.Since(from) < d; {
		for i := int64(0); i < 1000; i++ {
			atomic.AddInt64(&sink, i)
		}
	}
}

// queue waits for the one processor, on which somebody else computes.
func queue(d time.Duration) {
	go compute(d)
	runtime.Gosched()
}

// call waits in the operating system.
func call(d time.Duration) {
	wait := syscall.NsecToTimespec(int64(d))
	for syscall.Nanosleep(&wait, &wait) == syscall.EINTR {
		// The rest of it: a signal of the runtime came in between.
	}
}

var conn net.Conn

// read waits for a byte that the other side sends after a while.
func read(d time.Duration) {
	_, err := conn.Write([]byte{byte(d / fast)})
	check(err)
	_, err = conn.Read(make([]byte, 1))
	check(err)
}

// answer is the other side.
func answer(listener net.Listener) {
	conn, err := listener.Accept()
	check(err)
	ask := make([]byte, 1)
	for {
		if _, err := conn.Read(ask); err != nil {
			return
		}
		time.Sleep(time.Duration(ask[0]) * fast)
		_, err := conn.Write(ask)
		check(err)
	}
}

// lock waits for a lock that a timer lets go of. What it did before that is not known: it is a new goroutine.
func lock(d time.Duration) {
	var mu sync.Mutex
	mu.Lock()
	time.AfterFunc(d, mu.Unlock)
	mu.Lock()
}

func receive(d time.Duration) {
	from := make(chan bool)
	time.AfterFunc(d, func() { from <- true })
	<-from
}

func selects(d time.Duration) {
	one, other := make(chan bool), make(chan bool)
	time.AfterFunc(d, func() { close(one) })
	select {
	case <-one:
	case <-other:
	}
}

func signalled(d time.Duration) {
	cond := sync.NewCond(new(sync.Mutex))
	cond.L.Lock()
	time.AfterFunc(d, func() {
		cond.L.Lock()
		cond.Signal()
		cond.L.Unlock()
	})
	cond.Wait()
	cond.L.Unlock()
}

// A list is marked one node after the other, so a long one takes the collector long.
type node struct {
	next *node
	_    [6]uint64
}

var nodes *node

// list has so many nodes that the collector takes about this long to mark them.
func list(d time.Duration) *node {
	var first *node
	for i := time.Duration(0); i < d/20; i++ {
		first = &node{next: first}
	}
	return first
}

// collect waits until the collector has marked what is alive.
func collect(time.Duration) { runtime.GC() }

// ---- requests ----

func ComputesLong()   { long(compute) }
func ComputesAlike()  { alike(compute, time.Sleep) }
func QueuesLong()     { long(queue) }
func QueuesAlike()    { alike(queue, time.Sleep) }
func CallsLong()      { long(func(d time.Duration) { call(3 * d) }) }
func CallsAlike()     { alike(func(time.Duration) { call(slow) }, func(d time.Duration) { time.Sleep(3 * d) }) }
func ReadsLong()      { long(read) }
func ReadsAlike()     { alike(read, time.Sleep) }
func LocksLong()      { long(lock) }
func LocksAlike()     { alike(lock, time.Sleep) }
func SleepsLong()     { long(time.Sleep) }
func SleepsAlike()    { alike(time.Sleep, compute) }
func ReceivesLong()   { long(receive) }
func ReceivesAlike()  { alike(receive, time.Sleep) }
func SelectsLong()    { long(selects) }
func SelectsAlike()   { alike(selects, time.Sleep) }
func SignalledLong()  { long(signalled) }
func SignalledAlike() { alike(signalled, time.Sleep) }
func CollectsLong()   { long(collect) }
func CollectsAlike()  { alike(collect, time.Sleep) }

func record() {
	for _, request := range []func(){
		ComputesLong, ComputesAlike, CallsLong, CallsAlike, ReadsLong, ReadsAlike, LocksLong, LocksAlike,
		SleepsLong, SleepsAlike, ReceivesLong, ReceivesAlike, SelectsLong, SelectsAlike,
		SignalledLong, SignalledAlike,
	} {
		run(request)
	}
	runtime.GOMAXPROCS(1)
	run(QueuesLong)
	run(QueuesAlike)
	// With a second processor the collector's workers look for work all the time, which fills the trace.
	run(CollectsLong, func() { nodes = list(slow) })
	nodes = nil
	run(CollectsAlike)
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	flag.Parse()
	runtime.GOMAXPROCS(2)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go answer(listener)
	conn, err = net.Dial("tcp", listener.Addr().String())
	check(err)
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	record()
	trace.Stop()
	check(file.Close())
	said := map[string]interface{}{"go": runtime.Version(), "requests": n, "pairs": pairs}
	check(json.NewEncoder(os.Stdout).Encode(said))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tails:", err)
		os.Exit(1)
	}
}
