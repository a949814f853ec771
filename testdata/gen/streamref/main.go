//go:build streamref

// Command streamref reads an execution trace with Go's own streaming reader.
//
// It is the reference the Rust code must agree with (-mode=states), the
// opponent of the benchmarks (-mode=slice, -mode=null) and an aid to compare
// the order of events (-mode=events). internal/trace cannot be imported from
// outside GOROOT, so build-ref.sh lays this file over GOROOT/src/cmd. It needs
// Go 1.27's reader, which reads every version since 1.11.
//
//	streamref -mode=null   FILE               counts of events
//	streamref -mode=states [-stacks] FILE     TSV: goroutine × state
//	streamref -mode=slice  -root REGEX FILE   the main job, as lean as the reader allows; -by=stack: roots are calls
//	                                          that a goroutine's own stacks show, else goroutines by creation and entry
//	streamref -mode=events [-stacks] FILE     one line per event
//	streamref -mode=judge                     as states, for each trace on standard input
//
// For judge, each trace stands behind its length in 4 bytes, the lowest first,
// and is answered by what -mode=states prints and a line #done. A panic of the
// reader is an #error. Traces for it are damaged ones, and many.
//
// Lines that begin with # are comments: #start and #end (ns, the reader's
// clock), #events (without syncs and CPU samples), #syncs, #samples, and
// #error when the reader gave up; what was read until then is still printed
// and the exit code is 3.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"internal/trace"
	"io"
	"os"
	"regexp"
	"runtime/pprof"
	"slices"
	"sort"
	"strings"
)

func main() {
	mode := flag.String("mode", "states", "null, states, slice or events")
	root := flag.String("root", "", "slice: regex on functions")
	by := flag.String("by", "entry", "slice: entry (functions of the creation stack, or the entry function) or stack (of a goroutine's own stacks)")
	stacks := flag.Bool("stacks", false, "states: add a column with the creation stack, root first; events: add the stack")
	top := flag.Int("top", 0, "slice: also print the N largest (state, stack) sums")
	prof := flag.String("cpuprofile", "", "write a CPU profile of streamref itself")
	flag.Parse()
	if *mode == "judge" {
		judge(bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriterSize(os.Stdout, 1<<20))
		return
	}
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	f, err := os.Open(flag.Arg(0))
	check(err)
	if *prof != "" {
		pf, err := os.Create(*prof)
		check(err)
		check(pprof.StartCPUProfile(pf))
		defer pprof.StopCPUProfile()
	}
	// NewReader keeps a bufio.Reader it is given, so this sets the size of its buffer.
	r, err := trace.NewReader(bufio.NewReaderSize(f, 1<<20))
	check(err)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	s := &stream{r: r}
	switch *mode {
	case "null":
		for s.next() {
		}
	case "states":
		states(s, out, *stacks)
	case "slice":
		re, err := regexp.Compile(*root)
		check(err)
		slice(s, out, re, *by == "stack", *top)
	case "events":
		events(s, out, *stacks)
	default:
		flag.Usage()
		os.Exit(2)
	}
	s.close(out)
	check(out.Flush())
	if s.err != nil {
		pprof.StopCPUProfile()
		os.Exit(3)
	}
}

// close prints the counts, and why the reader gave up.
func (s *stream) close(out *bufio.Writer) {
	fmt.Fprintf(out, "#start\t%d\n#end\t%d\n#events\t%d\n#syncs\t%d\n#samples\t%d\n", s.start, s.end(), s.events, s.syncs, s.samples)
	if s.err != nil {
		fmt.Fprintf(out, "#error\t%s\n", strings.ReplaceAll(strings.TrimSpace(s.err.Error()), "\n", " "))
	}
}

// ---- judge

func judge(in *bufio.Reader, out *bufio.Writer) {
	maxDense = 1 << 12 // damaged IDs are anything
	for {
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			break
		}
		data := make([]byte, binary.LittleEndian.Uint32(size[:]))
		if _, err := io.ReadFull(in, data); err != nil {
			break
		}
		judgeOne(data, out)
		fmt.Fprintln(out, "#done")
		check(out.Flush())
	}
}

func judgeOne(data []byte, out *bufio.Writer) {
	s := &stream{}
	defer func() {
		if p := recover(); p != nil {
			s.err = fmt.Errorf("panic: %v", p)
		}
		s.close(out)
	}()
	if s.r, s.err = trace.NewReader(bytes.NewReader(data)); s.err == nil {
		states(s, out, true)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "streamref:", err)
		os.Exit(1)
	}
}

// stream is the reader with what every mode counts.
type stream struct {
	r       *trace.Reader
	ev      trace.Event
	kind    trace.EventKind
	start   trace.Time // first event, always a sync
	last    trace.Time
	before  trace.Time // the event before last
	seen    bool
	events  int
	syncs   int
	samples int
	err     error
}

func (s *stream) next() bool {
	ev, err := s.r.ReadEvent()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			s.err = err
		}
		return false
	}
	s.ev = ev
	s.kind = ev.Kind()
	t := ev.Time()
	if !s.seen {
		s.seen = true
		s.start, s.last = t, t
	}
	s.before, s.last = s.last, t
	switch s.kind {
	case trace.EventSync:
		s.syncs++
	case trace.EventStackSample:
		s.samples++
	default:
		s.events++
	}
	return true
}

// end is the time of the last event. The reader closes every trace with a sync
// of its own making that no writer wrote; that one does not count.
func (s *stream) end() trace.Time {
	if s.kind == trace.EventSync {
		return s.before
	}
	return s.last
}

// table is a slice by goroutine ID: the runtime hands IDs out in order. The few
// huge ones (hostile files) go to a map.
type table[T any] struct {
	dense  []T
	sparse map[trace.GoID]*T
}

func (t *table[T]) at(id trace.GoID) *T {
	if id >= 0 && id < trace.GoID(len(t.dense)) {
		return &t.dense[id]
	}
	return t.grow(id)
}

// maxDense is the ID from which on a goroutine is in the map.
var maxDense trace.GoID = 1 << 24

func (t *table[T]) grow(id trace.GoID) *T {
	if id >= 0 && id < maxDense {
		n := max(1024, 2*len(t.dense), int(id)+1)
		d := make([]T, n)
		copy(d, t.dense)
		t.dense = d
		return &t.dense[id]
	}
	if t.sparse == nil {
		t.sparse = map[trace.GoID]*T{}
	}
	p := t.sparse[id]
	if p == nil {
		p = new(T)
		t.sparse[id] = p
	}
	return p
}

// names numbers the states. Few exist, so a scan beats a hash.
type names struct{ list []string }

func (n *names) id(s string) uint16 {
	for i, x := range n.list {
		if x == s {
			return uint16(i)
		}
	}
	n.list = append(n.list, strings.Clone(s))
	return uint16(len(n.list) - 1)
}

func newNames() *names { return &names{[]string{"running", "runnable", "syscall", "unknown"}} }

// of returns the number of the state that a transition leads to.
func (n *names) of(to trace.GoState, st *trace.StateTransition) uint16 {
	switch to {
	case trace.GoRunning:
		return 0
	case trace.GoRunnable:
		return 1
	case trace.GoSyscall:
		return 2
	case trace.GoWaiting:
		if st.Reason != "" {
			return n.id(st.Reason)
		}
	}
	return 3
}

// ---- states

type sum struct {
	ns    int64
	count int64
}

type instance struct {
	id          trace.GoID
	incarnation int
	created     bool
	parent      trace.GoID
	entry       string
	stack       string
	sums        []sum // by state number
}

type current struct {
	inst  *instance
	state uint16
	since trace.Time
	count int // incarnations so far
}

func (c *current) enter(state uint16, t trace.Time) {
	c.state, c.since = state, t
	for int(state) >= len(c.inst.sums) {
		c.inst.sums = append(c.inst.sums, sum{})
	}
	c.inst.sums[state].count++
}

func (c *current) leave(t trace.Time) {
	c.inst.sums[c.state].ns += int64(t - c.since)
}

func states(s *stream, out *bufio.Writer, stacks bool) {
	ns := newNames()
	var gs table[current]
	var all []*instance
	var ids []trace.GoID // of goroutines ever seen, to close them at the end
	begin := func(c *current, inst *instance) {
		inst.incarnation = c.count
		if c.count == 0 {
			ids = append(ids, inst.id)
		}
		c.count++
		c.inst = inst
		all = append(all, inst)
	}
	for s.next() {
		if s.kind != trace.EventStateTransition {
			continue
		}
		st := s.ev.StateTransition()
		if st.Resource.Kind != trace.ResourceGoroutine {
			continue
		}
		id := st.Resource.Goroutine()
		from, to := st.Goroutine()
		if from == to {
			continue // a status that repeats what is known
		}
		c := gs.at(id)
		t := s.ev.Time()
		switch {
		case from == trace.GoNotExist:
			inst := &instance{id: id, created: true, parent: s.ev.Goroutine(), entry: outermost(st.Stack)}
			if stacks {
				inst.stack = joined(s.ev.Stack())
			}
			if c.inst != nil {
				c.leave(t)
			}
			begin(c, inst)
		case c.inst == nil:
			// Older than the trace: it was in this state, or in the one it
			// leaves now, from the start.
			was := to
			if from != trace.GoUndetermined {
				was = from
			}
			since := s.start
			if c.count > 0 {
				since = t // an end was seen before: do not count that time twice
			}
			begin(c, &instance{id: id, parent: trace.NoGoroutine})
			c.enter(ns.of(was, &trace.StateTransition{}), since)
			if from == trace.GoUndetermined {
				continue
			}
			c.leave(t)
		case from == trace.GoUndetermined:
			continue
		default:
			c.leave(t)
		}
		if to == trace.GoNotExist {
			c.inst = nil
			continue
		}
		c.enter(ns.of(to, &st), t)
	}
	for _, id := range ids {
		if c := gs.at(id); c.inst != nil {
			c.leave(s.end())
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].id < all[j].id })
	order := make([]int, len(ns.list))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return ns.list[order[i]] < ns.list[order[j]] })
	fmt.Fprint(out, "#goid\tincarnation\tcreated\tparent\tentry\tstate\tns\tintervals")
	if stacks {
		fmt.Fprint(out, "\tcreation_stack")
	}
	fmt.Fprintln(out)
	for _, g := range all {
		for _, n := range order {
			if n >= len(g.sums) || g.sums[n].count == 0 {
				continue
			}
			created := 0
			if g.created {
				created = 1
			}
			fmt.Fprintf(out, "%d\t%d\t%d\t%d\t%s\t%s\t%d\t%d", g.id, g.incarnation, created, g.parent, clean(g.entry), clean(ns.list[n]), g.sums[n].ns, g.sums[n].count)
			if stacks {
				fmt.Fprintf(out, "\t%s", clean(g.stack))
			}
			fmt.Fprintln(out)
		}
	}
}

// outermost returns the function at the root of a stack. A new goroutine's
// stack is its entry function; a function inlined at its first instruction
// comes before it.
func outermost(s trace.Stack) string {
	name := ""
	for f := range s.Frames() {
		name = f.Func
	}
	return name
}

// joined returns the functions of a stack, root first.
func joined(s trace.Stack) string {
	var fs []string
	for f := range s.Frames() {
		fs = append(fs, f.Func)
	}
	slices.Reverse(fs)
	return strings.Join(fs, ";")
}

func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}

// ---- slice

// row sums the intervals of one stack by state. Within a generation a stack is
// its handle; only when the generation ends is its text made, once, and the row
// bound to the total of all rows with that text. Goroutines keep a pointer to
// their row, so most intervals cost no lookup.
type row struct {
	stack trace.Stack
	sums  []sum
	total *row // nil while the generation lasts
	text  string
}

func (r *row) add(state uint16, ns, count int64) {
	for int(state) >= len(r.sums) {
		r.sums = append(r.sums, sum{})
	}
	r.sums[state].ns += ns
	r.sums[state].count += count
}

type lean struct {
	since  trace.Time
	row    *row
	state  uint16
	member bool // for life
	serves bool // while its own stacks show a root
}

func slice(s *stream, out *bufio.Writer, re *regexp.Regexp, byOwnStack bool, top int) {
	ns := newNames()
	var gs table[lean]
	totals := map[string]*row{}
	rows := map[trace.Stack]*row{}
	rowOf := func(st trace.Stack) *row {
		r := rows[st]
		if r == nil {
			r = &row{stack: st}
			rows[st] = r
		}
		return r
	}
	endGeneration := func() {
		for st, r := range rows {
			text := joined(st)
			t := totals[text]
			if t == nil {
				t = &row{text: text}
				totals[text] = t
			}
			for state, sum := range r.sums {
				t.add(uint16(state), sum.ns, sum.count)
			}
			// Lets go of the generation's tables while goroutines still hold the row.
			r.total, r.sums, r.stack = t, nil, trace.NoStack
		}
		clear(rows)
	}
	byStack := map[trace.Stack]bool{}
	byFunc := map[string]bool{}
	matches := func(st trace.Stack) bool {
		m, ok := byStack[st]
		if ok {
			return m
		}
		for f := range st.Frames() {
			fm, ok := byFunc[f.Func]
			if !ok {
				fm = re.MatchString(f.Func)
				byFunc[f.Func] = fm
			}
			m = m || fm
		}
		byStack[st] = m
		return m
	}
	leave := func(g *lean, t trace.Time) {
		r := g.row
		if r.total != nil {
			r = r.total
		}
		r.add(g.state, int64(t-g.since), 1)
	}
	roots, members := 0, 0
	var ids []trace.GoID
	// lookAt begins or ends the call that a goroutine, which runs, serves as its own stack shows.
	lookAt := func(id trace.GoID, own trace.Stack, t trace.Time) {
		if id == trace.NoGoroutine || own == trace.NoStack {
			return
		}
		g := gs.at(id)
		if g.member || matches(own) == g.serves {
			return
		}
		if g.serves {
			leave(g, t)
			g.serves = false
			return
		}
		*g = lean{since: t, row: rowOf(own), serves: true}
		roots++
		ids = append(ids, id)
	}
	for s.next() {
		if s.kind != trace.EventStateTransition {
			if s.kind == trace.EventSync {
				endGeneration()
				clear(byStack)
			}
			continue
		}
		st := s.ev.StateTransition()
		if st.Resource.Kind != trace.ResourceGoroutine {
			continue
		}
		from, to := st.Goroutine()
		if from == to || from == trace.GoUndetermined {
			continue // without a creation in the trace: never in the slice
		}
		id := st.Resource.Goroutine()
		t := s.ev.Time()
		if byOwnStack {
			lookAt(s.ev.Goroutine(), s.ev.Stack(), t)
		}
		g := gs.at(id)
		if from == trace.GoNotExist {
			member := false
			if creator := s.ev.Goroutine(); creator != trace.NoGoroutine {
				member = gs.at(creator).member || gs.at(creator).serves
				g = gs.at(id) // the line above may have moved it
			}
			*g = lean{member: member}
			if !member && !byOwnStack && (matches(s.ev.Stack()) || matches(st.Stack)) {
				g.member = true
				roots++
			}
			if !g.member {
				continue
			}
			members++
			ids = append(ids, id)
			g.row = rowOf(s.ev.Stack())
		} else {
			if !g.member && !g.serves {
				continue
			}
			leave(g, t)
			if to == trace.GoNotExist {
				g.member, g.serves = false, false
				continue
			}
			// The stack of a block, a stop or a system call holds until the next one.
			if st.Stack != trace.NoStack {
				g.row = rowOf(st.Stack)
			}
		}
		g.state = ns.of(to, &st)
		g.since = t
	}
	for _, id := range ids {
		if g := gs.at(id); g.member || g.serves {
			leave(g, s.end())
			g.member, g.serves = false, false
		}
	}
	endGeneration()
	sums := make([]sum, len(ns.list))
	for _, r := range totals {
		for state, s := range r.sums {
			sums[state].ns += s.ns
			sums[state].count += s.count
		}
	}
	fmt.Fprintf(out, "roots\t%d\ngoroutines\t%d\nstacks\t%d\n", roots, members, len(totals))
	order := make([]int, len(sums))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return sums[order[i]].ns > sums[order[j]].ns })
	for _, i := range order {
		if sums[i].count > 0 {
			fmt.Fprintf(out, "%s\t%d\t%d\n", ns.list[i], sums[i].ns, sums[i].count)
		}
	}
	if top > 0 {
		type line struct {
			r     *row
			state int
		}
		var lines []line
		for _, r := range totals {
			for state, s := range r.sums {
				if s.count > 0 {
					lines = append(lines, line{r, state})
				}
			}
		}
		sort.Slice(lines, func(i, j int) bool {
			return lines[i].r.sums[lines[i].state].ns > lines[j].r.sums[lines[j].state].ns
		})
		for _, l := range lines[:min(top, len(lines))] {
			s := l.r.sums[l.state]
			fmt.Fprintf(out, "top\t%s\t%d\t%d\t%s\n", ns.list[l.state], s.ns, s.count, l.r.text)
		}
	}
}

// ---- events

func events(s *stream, out *bufio.Writer, stacks bool) {
	for s.next() {
		ev := s.ev
		fmt.Fprintf(out, "%d\t%s\tg=%d\tp=%d\tm=%d", ev.Time(), s.kind, ev.Goroutine(), ev.Proc(), ev.Thread())
		switch s.kind {
		case trace.EventStateTransition:
			st := ev.StateTransition()
			from, to := "", ""
			switch st.Resource.Kind {
			case trace.ResourceGoroutine:
				a, b := st.Goroutine()
				from, to = a.String(), b.String()
			case trace.ResourceProc:
				a, b := st.Proc()
				from, to = a.String(), b.String()
			}
			fmt.Fprintf(out, "\t%s\t%s->%s\t%q", st.Resource, from, to, st.Reason)
		case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
			r := ev.Range()
			fmt.Fprintf(out, "\t%s\t%q", r.Scope, r.Name)
		case trace.EventTaskBegin, trace.EventTaskEnd:
			t := ev.Task()
			fmt.Fprintf(out, "\ttask=%d\tparent=%d\t%q", t.ID, int64(t.Parent), t.Type)
		case trace.EventRegionBegin, trace.EventRegionEnd:
			r := ev.Region()
			fmt.Fprintf(out, "\ttask=%d\t%q", r.Task, r.Type)
		case trace.EventLog:
			l := ev.Log()
			fmt.Fprintf(out, "\ttask=%d\t%q\t%q", l.Task, l.Category, l.Message)
		case trace.EventLabel:
			l := ev.Label()
			fmt.Fprintf(out, "\t%s\t%q", l.Resource, l.Label)
		case trace.EventMetric:
			m := ev.Metric()
			fmt.Fprintf(out, "\t%q\t%s", m.Name, m.Value)
		}
		if stacks {
			fmt.Fprintf(out, "\t%s", clean(joined(ev.Stack())))
		}
		fmt.Fprintln(out)
	}
}
