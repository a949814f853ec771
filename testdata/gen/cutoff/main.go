// Cutoff records requests, tasks and regions that an edge of the recording cuts, or that nothing ends, and their twins
// that are whole. It prints what it did, as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/trace"
	"sync"
	"time"
)

var (
	heldHere  = make(chan struct{})
	heldEnd   = make(chan struct{})
	earlyHere = make(chan struct{})
	earlyEnd  = make(chan struct{})
	earlyDone = make(chan time.Time, 1)
	lateHere  = make(chan time.Time, 1)
	lateEnd   = make(chan struct{})
)

// HeldJob begins before the recording and hangs until after it, on no server.
func HeldJob() { <-heldEnd }

// LateJob is made by a worker that waited for it since before the recording.
func LateJob() { time.Sleep(2 * time.Millisecond) }

func worker(jobs <-chan func(), took chan<- int64) {
	for job := range jobs {
		began := time.Now()
		job()
		took <- time.Since(began).Nanoseconds()
	}
}

// QuickHandler's requests are whole.
func QuickHandler(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Millisecond) }

// HeldHandler's request begins before the recording and hangs until after it.
func HeldHandler(w http.ResponseWriter, r *http.Request) {
	close(heldHere)
	<-heldEnd
}

// EarlyHandler's request begins before the recording and ends in it.
func EarlyHandler(w http.ResponseWriter, r *http.Request) {
	close(earlyHere)
	<-earlyEnd
	time.Sleep(2 * time.Millisecond)
	earlyDone <- time.Now()
}

// LateHandler's request begins in the recording and is not over at its end. The first one is whole.
func LateHandler(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	time.Sleep(time.Millisecond)
	if r.URL.RawQuery == "stay" {
		lateHere <- began
		<-lateEnd
	}
}

type truth struct {
	// How long the recording was: measured inside of it, and around it.
	InsideNs int64 `json:"inside_ns"`
	AroundNs int64 `json:"around_ns"`
	Quick    int   `json:"quick"`
	// From the recording's start to the end of the early request, inside and around.
	EarlyInsideNs int64 `json:"early_inside_ns"`
	EarlyAroundNs int64 `json:"early_around_ns"`
	// From the late request's handler to the end of the recording, inside.
	LateInsideNs int64 `json:"late_inside_ns"`
	// The late job, which the worker waited for.
	LateJobNs int64 `json:"late_job_ns"`
	// Regions by type, each as long as it took at most.
	Regions map[string][]int64 `json:"regions"`
}

var said = truth{Regions: map[string][]int64{}}

func region(name string, began time.Time) {
	said.Regions[name] = append(said.Regions[name], time.Since(began).Nanoseconds())
}

// lost begins a region that a panic leaves open; it is ended with `around`, its twin is ended by itself.
func lost(ctx context.Context) {
	defer func() { recover() }()
	trace.StartRegion(ctx, "lost")
	time.Sleep(time.Millisecond)
	panic("lost")
}

func twice(ctx context.Context) {
	began := time.Now()
	r := trace.StartRegion(ctx, "twice")
	defer r.End()
	time.Sleep(time.Millisecond)
	r.End()
	region("twice", began)
}

func around(ctx context.Context) {
	began := time.Now()
	trace.WithRegion(ctx, "around", func() {
		twice(ctx)
		inner := time.Now()
		trace.WithRegion(ctx, "kept", func() { time.Sleep(time.Millisecond) })
		region("kept", inner)
		inner = time.Now()
		lost(ctx)
		time.Sleep(time.Millisecond)
		defer region("lost", inner)
	})
	region("around", began)
}

// batch has a region of each task, begun one after the other and ended in the same order.
func batch(name string, contexts []context.Context) {
	var regions []*trace.Region
	var began []time.Time
	for _, ctx := range contexts {
		began = append(began, time.Now())
		regions = append(regions, trace.StartRegion(ctx, name))
		time.Sleep(time.Millisecond)
	}
	for i, r := range regions {
		time.Sleep(time.Millisecond)
		r.End()
		region(name, began[i])
	}
}

func annotate() {
	ctx := context.Background()
	for i := 0; i < 3; i++ {
		around(ctx)
	}
	var contexts []context.Context
	for i := 0; i < 3; i++ {
		ctx, task := trace.NewTask(ctx, "item")
		defer task.End()
		contexts = append(contexts, ctx)
	}
	batch("batch", contexts)
	batch("melted", []context.Context{ctx, ctx, ctx})
	// Ends with its goroutine.
	done := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		trace.StartRegion(ctx, "orphan")
		time.Sleep(time.Millisecond)
	}()
	<-done
	region("orphan", began)
	trace.StartRegion(ctx, "open")
}

func main() {
	file := flag.String("o", "cutoff.trace", "file to write the trace to")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("/quick", QuickHandler)
	mux.HandleFunc("/held", HeldHandler)
	mux.HandleFunc("/early", EarlyHandler)
	mux.HandleFunc("/late", LateHandler)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go http.Serve(listener, mux)
	get := func(path string) {
		response, err := http.Get("http://" + listener.Addr().String() + path)
		check(err)
		response.Body.Close()
	}
	var pending sync.WaitGroup
	start := func(path string) {
		pending.Add(1)
		go func() {
			defer pending.Done()
			get(path)
		}()
	}
	jobs, took := make(chan func()), make(chan int64)
	go worker(jobs, took)
	go HeldJob()
	start("/held")
	start("/early")
	<-heldHere
	<-earlyHere
	// They must wait when the recording starts.
	time.Sleep(5 * time.Millisecond)

	out, err := os.Create(*file)
	check(err)
	before := time.Now()
	check(trace.Start(out))
	started := time.Now()
	time.Sleep(3 * time.Millisecond)
	close(earlyEnd)
	earlyEnded := <-earlyDone
	said.EarlyInsideNs = earlyEnded.Sub(started).Nanoseconds()
	said.EarlyAroundNs = time.Since(before).Nanoseconds()
	jobs <- LateJob
	said.LateJobNs = <-took
	for i := 0; i < 3; i++ {
		get("/quick")
		said.Quick++
	}
	get("/late")
	start("/late?stay")
	lateBegan := <-lateHere
	annotate()
	said.LateInsideNs = time.Since(lateBegan).Nanoseconds()
	said.InsideNs = time.Since(started).Nanoseconds()
	trace.Stop()
	said.AroundNs = time.Since(before).Nanoseconds()
	check(out.Close())
	close(heldEnd)
	close(lateEnd)
	pending.Wait()
	check(json.NewEncoder(os.Stdout).Encode(said))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
