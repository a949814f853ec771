// Command tasks hands user tasks about: begun and ended on one goroutine, ended
// by a goroutine made for them, served by workers of a pool that exist before
// them, parts of each other, open over several generations. It records its own
// trace to -o and prints JSON: how many tasks and regions of each type, and how
// long each took, measured inside and around its events.
//
// With -misuse it makes the mistakes that programs make with regions: ends
// that cross, on another goroutine, or never.
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

// span is one task or region: it took longer than Inside and less than Around.
type span struct {
	InsideNS int64 `json:"inside_ns"`
	AroundNS int64 `json:"around_ns"`
	// Of a task that a worker served: from its beginning until the worker took it.
	QueuedNS int64 `json:"queued_ns,omitempty"`
}

var (
	mu      sync.Mutex
	tasks   = map[string][]span{}
	regions = map[string][]span{}
)

func note(m map[string][]span, name string, s span) {
	mu.Lock()
	m[name] = append(m[name], s)
	mu.Unlock()
}

// job is a task on its way.
type job struct {
	ctx            context.Context
	task           *trace.Task
	name           string
	before, inside time.Time
}

func begin(parent context.Context, name string) *job {
	j := &job{name: name, before: time.Now()}
	j.ctx, j.task = trace.NewTask(parent, name)
	j.inside = time.Now()
	return j
}

func (j *job) end(queued time.Duration) {
	inside := time.Since(j.inside)
	j.task.End()
	note(tasks, j.name, span{int64(inside), int64(time.Since(j.before)), int64(queued)})
}

func region(ctx context.Context, name string, f func()) {
	before := time.Now()
	var inside time.Duration
	trace.WithRegion(ctx, name, func() {
		start := time.Now()
		f()
		inside = time.Since(start)
	})
	note(regions, name, span{int64(inside), int64(time.Since(before)), 0})
}

// Inline tasks begin and end on one goroutine.
func Inline(unit time.Duration) {
	for i := 0; i < 3; i++ {
		j := begin(context.Background(), "inline")
		time.Sleep(unit)
		j.end(0)
	}
}

// Handed tasks are ended by goroutines that were made for them, which write no
// other event. All are begun before the first ends.
func Handed(unit time.Duration) {
	var wg sync.WaitGroup
	for i := 0; i < 4; i++ {
		j := begin(context.Background(), "handed")
		wg.Add(1)
		go finish(j, unit, &wg)
	}
	wg.Wait()
}

func finish(j *job, unit time.Duration, wg *sync.WaitGroup) {
	defer wg.Done()
	time.Sleep(unit)
	j.end(0)
}

// pool starts workers before there is any task.
func pool(n int, unit time.Duration) (chan<- *job, *sync.WaitGroup) {
	jobs := make(chan *job, 100)
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := range jobs {
				serve(j, unit)
			}
		}()
	}
	return jobs, &wg
}

func serve(j *job, unit time.Duration) {
	queued := time.Since(j.before)
	region(j.ctx, "serve", func() { time.Sleep(unit) })
	j.end(queued)
}

// Pooled tasks wait in a queue for one of the workers.
func Pooled(jobs chan<- *job) {
	for i := 0; i < 6; i++ {
		jobs <- begin(context.Background(), "pooled")
	}
}

// Nested is a task with parts: one is a task of a name that matches it too, one
// is of another name, on goroutines of their own.
func Nested(unit time.Duration) {
	whole := begin(context.Background(), "nested")
	trace.Log(whole.ctx, "stage", "parts")
	var wg sync.WaitGroup
	for _, name := range []string{"nested.part", "detail"} {
		wg.Add(1)
		go finish(begin(whole.ctx, name), unit, &wg)
	}
	wg.Wait()
	region(whole.ctx, "level", func() {
		region(whole.ctx, "level", func() { time.Sleep(unit) })
	})
	whole.end(0)
}

// Long is open over several generations, on two goroutines. One of them is
// inside a region all along, and starts others there.
func Long(unit time.Duration) {
	j := begin(context.Background(), "long")
	ended := make(chan struct{})
	go func() {
		region(j.ctx, "haul", func() {
			for i := 0; i < 5; i++ {
				done := make(chan struct{})
				go func() {
					time.Sleep(unit / 10)
					close(done)
				}()
				<-done
			}
		})
		j.end(0)
		close(ended)
	}()
	<-ended
}

// misuse makes every mistake once, the last on a goroutine that goes on.
func misuse(unit time.Duration) {
	ctx := context.Background()
	var wg sync.WaitGroup
	wg.Add(2)
	go func() {
		defer wg.Done()
		first, second := trace.StartRegion(ctx, "crossed"), trace.StartRegion(ctx, "crossing")
		time.Sleep(unit)
		first.End()
		time.Sleep(unit)
		second.End()
	}()
	other := trace.StartRegion(ctx, "elsewhere")
	go func() {
		defer wg.Done()
		other.End()
		time.Sleep(unit)
	}()
	wg.Wait()
	trace.StartRegion(ctx, "forgotten")
}

func main() {
	out := flag.String("o", "tasks.trace", "trace file")
	unit := flag.Duration("unit", 3*time.Millisecond, "what each piece of work takes")
	long := flag.Bool("long", false, "one task of two and a half seconds alone")
	wrong := flag.Bool("misuse", false, "mistakes with regions alone")
	flag.Parse()

	jobs, workers := pool(2, *unit)
	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	switch {
	case *long:
		Long(5 * time.Second)
	case *wrong:
		misuse(*unit)
	default:
		Inline(*unit)
		Handed(*unit)
		Pooled(jobs)
		Nested(*unit)
	}
	close(jobs)
	workers.Wait()
	trace.Stop()
	check(f.Close())

	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program": "tasks",
		"go":      runtime.Version(),
		"tasks":   tasks,
		"regions": regions,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tasks:", err)
		os.Exit(1)
	}
}
