//go:build ref121

// Command oldref reads an execution trace with Go 1.21's reader, the last one
// that knows the formats of Go 1.5 to 1.10, and prints what streamref
// -mode=states prints. internal/trace cannot be imported from outside GOROOT:
// lay this file over GOROOT/src/cmd as build-ref.sh does with streamref.
//
// The reader gives old events; their states follow the rules of Go 1.27's
// converter (internal/trace/tracev1.go), which reads Go 1.11 and later.
package main

import (
	"bufio"
	"fmt"
	"internal/trace"
	"os"
	"sort"
)

type sum struct{ ns, count int64 }

type instance struct {
	id      uint64
	created bool
	parent  int64
	entry   string
	state   string
	since   int64
	sums    map[string]*sum
}

func (g *instance) leave(t int64) {
	if g.state != "" {
		g.sums[g.state].ns += t - g.since
		g.state = ""
	}
}

func (g *instance) enter(state string, t int64) {
	if g.sums[state] == nil {
		g.sums[state] = &sum{}
	}
	g.sums[state].count++
	g.state, g.since = state, t
}

var (
	last = int64(-1)
	gs   = map[uint64]*instance{}
	all  []*instance
)

// emit gives an event its time: later than all before.
func emit(ts int64) int64 {
	last = max(ts, last+1)
	return last
}

func max(a, b int64) int64 {
	if a > b {
		return a
	}
	return b
}

// status tells the state of a goroutine older than the trace.
func status(id uint64, state string, ts int64) {
	emit(ts)
	if gs[id] == nil {
		g := &instance{id: id, parent: -1, sums: map[string]*sum{}}
		g.enter(state, -1)
		gs[id] = g
		all = append(all, g)
	}
}

func to(id uint64, state string, ts int64) {
	t := emit(ts)
	if g := gs[id]; g != nil {
		g.leave(t)
		g.enter(state, t)
	}
}

var reasons = map[byte]string{
	trace.EvGoStop: "forever", trace.EvGoSleep: "sleep", trace.EvGoBlock: "unknown",
	trace.EvGoBlockSend: "chan send", trace.EvGoBlockRecv: "chan receive", trace.EvGoBlockSelect: "select",
	trace.EvGoBlockSync: "sync", trace.EvGoBlockCond: "sync.(*Cond).Wait", trace.EvGoBlockNet: "network",
	trace.EvGoBlockGC: "GC mark assist wait for work",
}

func main() {
	f, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	// The name of a binary would only give names to addresses.
	res, err := trace.ParseForRef(bufio.NewReader(f))
	if err != nil {
		fmt.Println("#error", err)
		os.Exit(3)
	}
	// A system call blocks when its goroutine's next event says so.
	blocked := map[*trace.Event]bool{}
	next := map[uint64]*trace.Event{}
	for i := len(res.Events) - 1; i >= 0; i-- {
		ev := res.Events[i]
		if ev.Type == trace.EvGoSysCall {
			n := next[ev.G]
			blocked[ev] = n != nil && n.Type == trace.EvGoSysBlock
		}
		next[ev.G] = ev
	}
	announcing := true
	announced := map[uint64]bool{}
	for _, ev := range res.Events {
		switch ev.Type {
		case trace.EvGomaxprocs:
			if !announcing {
				emit(ev.Ts)
				continue
			}
			announcing = false
			var ids []uint64
			for id := range announced {
				ids = append(ids, id)
			}
			sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
			for _, id := range ids {
				status(id, "runnable", ev.Ts)
			}
		case trace.EvGoCreate:
			if announcing {
				announced[ev.Args[0]] = true
				continue
			}
			t := emit(ev.Ts)
			g := &instance{id: ev.Args[0], created: true, parent: int64(ev.G), sums: map[string]*sum{}}
			if ev.G == 0 {
				g.parent = -1
			}
			if stk := res.Stacks[ev.Args[1]]; len(stk) > 0 {
				g.entry = stk[len(stk)-1].Fn
			} else if len(os.Args) > 2 {
				g.entry = fmt.Sprintf("0x%x", ev.Args[1])
			}
			g.enter("runnable", t)
			gs[g.id] = g
			all = append(all, g)
		case trace.EvGoStart, trace.EvGoStartLabel:
			delete(announced, ev.Args[0])
			if announcing {
				status(ev.Args[0], "running", ev.Ts)
			} else {
				to(ev.Args[0], "running", ev.Ts)
			}
			if ev.Type == trace.EvGoStartLabel {
				emit(ev.Ts)
			}
		case trace.EvGoEnd:
			t := emit(ev.Ts)
			gs[ev.G].leave(t)
			delete(gs, ev.G)
		case trace.EvGoSched, trace.EvGoPreempt:
			to(ev.G, "runnable", ev.Ts)
		case trace.EvGoUnblock:
			to(ev.Args[0], "runnable", ev.Ts)
		case trace.EvGoSysExit:
			to(ev.G, "runnable", ev.Ts)
		case trace.EvGoSysCall:
			to(ev.G, "syscall", ev.Ts)
			if !blocked[ev] {
				to(ev.G, "running", ev.Ts+1)
			}
		case trace.EvGoSysBlock, trace.EvFutileWakeup:
		case trace.EvGoWaiting:
			delete(announced, ev.G)
			status(ev.G, "unknown", ev.Ts)
		case trace.EvGoInSyscall:
			delete(announced, ev.G)
			status(ev.G, "syscall", ev.Ts)
		default:
			if reason := reasons[ev.Type]; reason != "" {
				to(ev.G, reason, ev.Ts)
			} else {
				emit(ev.Ts)
			}
		}
	}
	for _, g := range gs {
		g.leave(last)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].id < all[j].id })
	nth := map[uint64]int{}
	for _, g := range all {
		var names []string
		for name := range g.sums {
			names = append(names, name)
		}
		sort.Strings(names)
		created := 0
		if g.created {
			created = 1
		}
		for _, name := range names {
			fmt.Printf("%d\t%d\t%d\t%d\t%s\t%s\t%d\t%d\n", g.id, nth[g.id], created, g.parent, g.entry, name, g.sums[name].ns, g.sums[name].count)
		}
		nth[g.id]++
	}
}
