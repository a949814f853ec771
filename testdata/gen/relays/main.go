// Command relays runs requests that wait for a goroutine that waits for another
// one, and so on, twelve times, until the last one sleeps. In Alike all wait in
// one function, in Unlike in two that alternate. It records its own trace to -o
// and prints JSON: for each function how many goroutines a request waits for.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"time"
)

const hops = 12

// pass waits for what comes in, and hands it on.
//
//go:noinline
func pass(in, out chan bool) { out <- <-in }

//go:noinline
func hand(in, out chan bool) { out <- <-in }

//go:noinline
func rest(out chan bool) {
	time.Sleep(3 * time.Millisecond)
	out <- true
}

// relay starts the goroutines, the last one first, and waits for the first.
func relay(links ...func(in, out chan bool)) {
	next := make(chan bool)
	go rest(next)
	for i := 1; i < hops; i++ {
		in, out := next, make(chan bool)
		go links[i%len(links)](in, out)
		next = out
	}
	<-next
}

// Alike waits for goroutines that wait in one function.
func Alike(done chan bool) {
	relay(pass)
	done <- true
}

// Unlike waits for goroutines that wait in two.
func Unlike(done chan bool) {
	relay(pass, hand)
	done <- true
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	flag.Parse()
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	done := make(chan bool)
	for i := 0; i < 5; i++ {
		go Alike(done)
		<-done
		go Unlike(done)
		<-done
	}
	trace.Stop()
	check(file.Close())
	waited := map[string]int{"main.Alike": hops, "main.Unlike": hops}
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"go": runtime.Version(), "hops": waited}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "relays:", err)
		os.Exit(1)
	}
}
