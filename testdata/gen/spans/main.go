// Command spans makes user tasks as tracing libraries do: a task for each span,
// named after what it serves, with ids in some of the names, and spans in each
// other. Other names differ in a word or in a version. Two spans begin before the
// recording: one ends in it, one has a region in it; with -young none does. It
// records its own trace to -o and prints JSON: how many tasks of each name and
// region began and ended inside, and how many tasks are older.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"time"
)

var (
	tasks   = map[string]int{}
	regions = map[string]int{}
)

// span is what an instrumented call does.
func span(ctx context.Context, name string, f func(context.Context)) {
	ctx, task := trace.NewTask(ctx, name)
	f(ctx)
	task.End()
	tasks[name]++
}

func region(ctx context.Context, name string) {
	trace.WithRegion(ctx, name, wait)
	regions[name]++
}

func wait() { time.Sleep(200 * time.Microsecond) }

func serve(ctx context.Context, route string) {
	span(ctx, route, func(ctx context.Context) {
		span(ctx, "SELECT", func(context.Context) { wait() })
	})
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	young := flag.Bool("young", false, "no span is older than the recording")
	flag.Parse()
	file, err := os.Create(*out)
	check(err)
	ctx := context.Background()
	older := 0
	_, ends := trace.NewTask(ctx, "ends inside")
	has, _ := trace.NewTask(ctx, "has a region inside")
	check(trace.Start(file))
	if !*young {
		ends.End()
		region(has, "inside an older task")
		older = 2
	}
	for i := 0; i < 4; i++ {
		serve(ctx, fmt.Sprintf("GET /users/%d", 3*i+8))
		serve(ctx, fmt.Sprintf("GET /users/%d/orders", i))
		serve(ctx, fmt.Sprintf("PUT /blobs/%08x", 0xa9c01e5f+i))
		serve(ctx, fmt.Sprintf("job 6ba7b81%d-9dad-11d1-80b4-00c04fd430c8", i))
		for _, name := range []string{"GET /v1/ping", "GET /v2/ping", "GET /users/add", "GET /users/sum", "phase 1", "phase 2"} {
			serve(ctx, name)
		}
		region(ctx, fmt.Sprintf("load user=%d", 100+i))
	}
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"go": runtime.Version(), "tasks": tasks, "regions": regions, "older_tasks": older,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "spans:", err)
		os.Exit(1)
	}
}
