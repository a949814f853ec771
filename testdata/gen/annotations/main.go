// Command annotations uses all of runtime/trace's annotations: tasks with
// subtasks over several goroutines, nested regions, logs, and the broken cases
// that correct programs produce at the edges of a trace: a region and a task
// begun before the trace starts, regions and a task that never end. It records
// its own trace to -o and prints JSON: what it began and ended, by type, with
// the length measured around it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"time"
)

type kind struct {
	Begun      int   `json:"begun"` // inside the trace
	Ended      int   `json:"ended"`
	MeasuredNS int64 `json:"measured_ns"` // of those that have both
}

var (
	mu      sync.Mutex
	tasks   = map[string]*kind{}
	regions = map[string]*kind{}
	logs    = map[string]int{}
)

func note(m map[string]*kind, name string, begun, ended int, d time.Duration) {
	mu.Lock()
	defer mu.Unlock()
	if m[name] == nil {
		m[name] = &kind{}
	}
	m[name].Begun += begun
	m[name].Ended += ended
	m[name].MeasuredNS += int64(d)
}

func logf(ctx context.Context, category, format string, args ...interface{}) {
	trace.Logf(ctx, category, format, args...)
	mu.Lock()
	logs[category]++
	mu.Unlock()
}

func region(ctx context.Context, name string, f func()) {
	start := time.Now()
	trace.WithRegion(ctx, name, f)
	note(regions, name, 1, 1, time.Since(start))
}

// AnnotatedHandler is one request: a task, a subtask in another goroutine, and
// regions three deep.
func AnnotatedHandler(id int) {
	start := time.Now()
	ctx, task := trace.NewTask(context.Background(), "request")
	logf(ctx, "id", "request %d", id)
	region(ctx, "outer", func() {
		time.Sleep(2 * time.Millisecond)
		region(ctx, "middle", func() {
			region(ctx, "inner", func() { time.Sleep(time.Millisecond) })
			region(ctx, "inner", func() { time.Sleep(time.Millisecond) })
		})
	})
	var wg sync.WaitGroup
	for i := 0; i < 2; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			start := time.Now()
			ctx, sub := trace.NewTask(ctx, "query")
			region(ctx, "fetch", func() { time.Sleep(3 * time.Millisecond) })
			logf(ctx, "rows", "%d", 7)
			sub.End()
			note(tasks, "query", 1, 1, time.Since(start))
		}()
	}
	wg.Wait()
	task.End()
	note(tasks, "request", 1, 1, time.Since(start))
}

// early begins a region and a task before the trace starts and ends them in it.
// Only WithRegion writes an end of its own then; StartRegion does not.
func early(begun, proceed chan struct{}, done chan<- struct{}) {
	ctx, task := trace.NewTask(context.Background(), "early")
	trace.WithRegion(ctx, "early", func() {
		close(begun)
		<-proceed
		time.Sleep(time.Millisecond)
	})
	task.End()
	note(regions, "early", 0, 1, 0)
	note(tasks, "early", 0, 1, 0)
	done <- struct{}{}
}

// abandoned ends with two regions and a task open.
func abandoned(done chan<- struct{}) {
	ctx, _ := trace.NewTask(context.Background(), "abandoned")
	trace.StartRegion(ctx, "abandoned")
	trace.StartRegion(ctx, "abandoned-inner")
	note(tasks, "abandoned", 1, 0, 0)
	note(regions, "abandoned", 1, 0, 0)
	note(regions, "abandoned-inner", 1, 0, 0)
	time.Sleep(time.Millisecond)
	done <- struct{}{}
}

// late is inside a region when the trace ends.
func late(begun chan<- struct{}) {
	trace.WithRegion(context.Background(), "late", func() {
		note(regions, "late", 1, 0, 0)
		close(begun)
		select {}
	})
}

func main() {
	out := flag.String("o", "annotations.trace", "trace file")
	requests := flag.Int("requests", 3, "requests, two at a time")
	flag.Parse()

	done := make(chan struct{})
	begun, proceed := make(chan struct{}), make(chan struct{})
	go early(begun, proceed, done)
	<-begun

	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	close(proceed)
	go abandoned(done)
	lateBegun := make(chan struct{})
	go late(lateBegun)
	slots := make(chan struct{}, 2)
	var wg sync.WaitGroup
	for i := 0; i < *requests; i++ {
		wg.Add(1)
		slots <- struct{}{}
		go func(i int) {
			defer wg.Done()
			AnnotatedHandler(i)
			<-slots
		}(i)
	}
	wg.Wait()
	<-done
	<-done
	<-lateBegun
	trace.Stop()
	check(f.Close())

	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":  "annotations",
		"go":       runtime.Version(),
		"root":     "main.AnnotatedHandler",
		"requests": *requests,
		"tasks":    tasks,
		"regions":  regions,
		"logs":     logs,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "annotations:", err)
		os.Exit(1)
	}
}
