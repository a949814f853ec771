// Command older records goroutines that wait when the recording begins. Job is under way then, and waits for the same
// sender before and after. Its twins wait for work: one calls Work only then, which waits for another sender; the other
// calls Body, which waits for what the same line sends. It records its own trace to -o and prints JSON: how much of Job was
// recorded, and how long the first Work and Body took.
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

const unit = 20 * time.Millisecond

//go:noinline
func feed(c chan<- int) {
	for i := 0; i < 5; i++ {
		time.Sleep(unit)
		c <- i
	}
	close(c)
}

// Job takes what comes.
//
//go:noinline
func Job(c <-chan int) {
	for range c {
	}
}

// Work waits for answers.
//
//go:noinline
func Work(answers <-chan int) {
	for i := 0; i < 3; i++ {
		<-answers
	}
}

//go:noinline
func answer(c chan<- int) {
	for i := 0; i < 3; i++ {
		time.Sleep(2 * time.Millisecond)
		c <- i
	}
}

//go:noinline
func submit(queue chan<- chan int) {
	answers := make(chan int)
	queue <- answers
	go answer(answers)
}

func worker(queue <-chan chan int, took chan<- time.Duration) {
	for answers := range queue {
		start := time.Now()
		Work(answers)
		took <- time.Since(start)
	}
}

// Body takes the rest of a message.
//
//go:noinline
func Body(frames <-chan int) {
	for i := 0; i < 3; i++ {
		<-frames
	}
}

//go:noinline
func send(frames chan<- int) {
	for i := 0; i < 4; i++ {
		time.Sleep(unit)
		frames <- i
	}
}

func reader(frames <-chan int, took chan<- time.Duration) {
	<-frames
	start := time.Now()
	Body(frames)
	took <- time.Since(start)
	select {}
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	flag.Parse()
	file, err := os.Create(*out)
	check(err)
	c, done := make(chan int), make(chan time.Time)
	go func() {
		Job(c)
		done <- time.Now()
		select {}
	}()
	queue, took := make(chan chan int), make(chan time.Duration)
	go worker(queue, took)
	frames, body := make(chan int), make(chan time.Duration)
	go reader(frames, body)
	go feed(c)
	time.Sleep(unit*2 + unit/2)

	check(trace.Start(file))
	start := time.Now()
	go send(frames)
	time.Sleep(unit / 4)
	submit(queue)
	work, read := <-took, <-body
	recorded := (<-done).Sub(start)
	time.Sleep(unit / 4)
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"go": runtime.Version(), "job_recorded_ns": recorded, "work_ns": work, "body_ns": read, "wait_ns": unit / 4,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "older:", err)
		os.Exit(1)
	}
}
