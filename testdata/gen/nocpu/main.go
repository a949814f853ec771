// Command nocpu runs requests that compute on one CPU: twelve at once, which wait
// for it most of the time, and the same one after the other; and some that sleep.
// The trace calls all of the first two running. It records its own trace to -o,
// with -cpu under a CPU profile, and prints JSON: for each function how long its
// requests took and were on the CPU, by the clock of their threads. Linux only.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	requests = 12
	work     = 20 * time.Millisecond
)

var (
	mu     sync.Mutex
	truths = map[string]*truth{}
	mask   [16]uint64
	result uint64
)

type truth struct {
	Requests int   `json:"requests"`
	WallNS   int64 `json:"wall_ns"`
	OnCPUNS  int64 `json:"on_cpu_ns"`
}

// Starved shares the CPU with eleven others.
func Starved() { compute("main.Starved") }

// Alone has the CPU for itself.
func Alone() { compute("main.Alone") }

// Idle has gaps without events in which nothing runs.
func Idle() { time.Sleep(2 * work) }

// compute runs on the one CPU until the thread has computed for long enough.
func compute(function string) {
	// Never unlocked: the thread ends with the goroutine.
	runtime.LockOSThread()
	pin()
	begin, before := time.Now(), cpu()
	for cpu()-before < work {
		for i := uint64(0); i < 20000; i++ {
			result += i
		}
	}
	wall, on := time.Since(begin), cpu()-before
	mu.Lock()
	t := truths[function]
	t.Requests++
	t.WallNS += int64(wall)
	t.OnCPUNS += int64(on)
	mu.Unlock()
}

// cpu is how long the thread was on a CPU.
func cpu() time.Duration {
	const threadCPUTime = 3
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, threadCPUTime, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// pin keeps the thread on the CPU in mask.
func pin() {
	syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask)))
}

// chooseCPU leaves in mask the last CPU that the process may use.
func chooseCPU() {
	_, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask)))
	if errno != 0 {
		check(errno)
	}
	last := 0
	for i := 0; i < len(mask)*64; i++ {
		if mask[i/64]>>(i%64)&1 == 1 {
			last = i
		}
	}
	mask = [16]uint64{}
	mask[last/64] = 1 << (last % 64)
}

func run(request func(), done *sync.WaitGroup) {
	defer done.Done()
	request()
}

func main() {
	out := flag.String("o", "", "write the trace to this file")
	profile := flag.Bool("cpu", false, "take CPU samples, too")
	flag.Parse()
	runtime.GOMAXPROCS(requests + 2)
	chooseCPU()
	truths["main.Starved"], truths["main.Alone"] = &truth{}, &truth{}
	if *profile {
		check(pprof.StartCPUProfile(io.Discard))
		defer pprof.StopCPUProfile()
	}
	// The sweeper yields without end where it finds others to run.
	debug.SetGCPercent(-1)
	runtime.GC()
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	var all sync.WaitGroup
	for i := 0; i < requests; i++ {
		all.Add(1)
		go run(Starved, &all)
	}
	all.Wait()
	for _, request := range []func(){Alone, Idle} {
		for i := 0; i < requests; i++ {
			all.Add(1)
			go run(request, &all)
			all.Wait()
		}
	}
	trace.Stop()
	check(file.Close())
	truths["main.Idle"] = &truth{Requests: requests}
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{"functions": truths}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
