// Command older records goroutines that wait when the recording begins. Job is under way then, and waits for the same
// sender before and after. Its twin, a worker, waits for work, and calls Work only then, which waits for another sender. It
// records its own trace to -o and prints JSON: how much of Job was recorded, and how long the first Work took.
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
	go feed(c)
	time.Sleep(unit*2 + unit/2)

	check(trace.Start(file))
	start := time.Now()
	time.Sleep(unit / 4)
	submit(queue)
	work := <-took
	recorded := (<-done).Sub(start)
	time.Sleep(unit / 4)
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"go": runtime.Version(), "job_recorded_ns": recorded, "work_ns": work, "wait_ns": unit / 4,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "older:", err)
		os.Exit(1)
	}
}
