// Command findings runs, for each thing that the tool says stands out, twelve
// requests that it slows down, and twelve twins that look alike and that it does
// not. Each request is a goroutine of its own, named by its function. It records
// its own trace to -o and prints JSON: for each function the finding that it must
// have, or must not have. What answers over the network is another process.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	n    = 12
	unit = time.Millisecond
)

// A finding, the functions that must have it, and those that must not.
type pair struct {
	Finding string   `json:"finding"`
	With    []string `json:"with"`
	Without []string `json:"without"`
}

var pairs = []pair{
	{"lock-holder", []string{"Locked"}, []string{"Copied"}},
	{"contention", []string{"Queued"}, []string{"Alone", "Locked"}},
	{"outside-worker", []string{"Asked"}, []string{"Fetched"}},
	{"pool", []string{"Handed", "Hosted", "Admitted"}, []string{"HandedAtOnce", "HostedAtOnce", "AdmittedAtOnce", "Asked"}},
	{"serial", []string{"FetchedOften", "SpokenOften"}, []string{"Streamed", "Upgraded", "Fetched"}},
	{"timeout", []string{"Deadlined", "Cancelled"}, []string{"Ticked", "Rested", "Answered"}},
	{"scheduler", []string{"Crowded"}, []string{"Computed"}},
	{"cpu-bound", []string{"Computed"}, []string{"Fetched"}},
	{"stw", []string{"Stopped"}, []string{"Read"}},
	{"syscall", []string{"Slept"}, []string{"Parked"}},
	{"slow-call", []string{"FetchedOneSlow"}, []string{"FetchedAlike", "Streamed"}},
}

// The requests that run.
var running sync.WaitGroup

// run starts n requests, so many at a time, and waits for them.
func run(atOnce int, request func()) {
	for i := 0; i < n; i += atOnce {
		// Else the next one would come when the last one lets go of what it holds.
		time.Sleep(2 * unit)
		for j := 0; j < atOnce; j++ {
			running.Add(1)
			go request()
		}
		running.Wait()
	}
}

// meanwhile runs requests beside something that is told when to end.
func meanwhile(other func(isOver func() bool), requests func()) {
	var over atomic.Bool
	var done sync.WaitGroup
	done.Add(1)
	go func() {
		defer done.Done()
		other(over.Load)
	}()
	time.Sleep(unit)
	requests()
	over.Store(true)
	done.Wait()
}

// ---- locks ----

type prices struct {
	mu   sync.Mutex
	last atomic.Int64
}

var cache prices

// refresh holds the lock nearly always, and never works on a request.
func (p *prices) refresh(isOver func() bool) {
	for !isOver() {
		p.mu.Lock()
		time.Sleep(4 * unit)
		p.last.Add(1)
		p.mu.Unlock()
		time.Sleep(unit / 10)
	}
}

// Locked waits for the lock that refresh holds.
func Locked() {
	defer running.Done()
	cache.mu.Lock()
	cache.mu.Unlock()
}

// Copied reads what refresh wrote, without the lock.
func Copied() {
	defer running.Done()
	cache.last.Load()
	time.Sleep(4 * unit)
}

// Queued holds a lock that others wait for.
func Queued() {
	defer running.Done()
	cache.mu.Lock()
	time.Sleep(unit)
	cache.mu.Unlock()
}

// Alone does the same when there are no others.
func Alone() {
	defer running.Done()
	cache.mu.Lock()
	time.Sleep(unit)
	cache.mu.Unlock()
}

// ---- workers and pools ----

type job struct{ done chan bool }

var jobs chan job

func work(jobs chan job) {
	for j := range jobs {
		time.Sleep(2 * unit)
		j.done <- true
	}
}

// Asked gives a job to a worker that is free, and waits until it is done.
func Asked() {
	defer running.Done()
	j := job{make(chan bool, 1)}
	jobs <- j
	<-j.done
}

// Handed waits until one of two workers takes its job.
func Handed() {
	defer running.Done()
	jobs <- job{make(chan bool, 1)}
}

// HandedAtOnce finds a free worker always.
func HandedAtOnce() {
	defer running.Done()
	j := job{make(chan bool, 1)}
	jobs <- j
	<-j.done
}

var room *semaphore.Weighted

func admitted() {
	if room.Acquire(context.Background(), 1) == nil {
		time.Sleep(2 * unit)
		room.Release(1)
	}
}

// Admitted waits for room in a semaphore.
func Admitted() {
	defer running.Done()
	admitted()
}

// AdmittedAtOnce finds room always.
func AdmittedAtOnce() {
	defer running.Done()
	admitted()
}

// ---- calls ----

var (
	services string
	client   = http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	narrow   = http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
)

func fetch(client *http.Client, path string) {
	response, err := client.Get("http://" + services + path)
	check(err)
	_, err = io.Copy(io.Discard, response.Body)
	check(err)
	check(response.Body.Close())
}

// Fetched makes one call.
func Fetched() {
	defer running.Done()
	fetch(&client, "/wait?d=3ms")
}

// FetchedOften makes eight calls, one after the other.
func FetchedOften() {
	defer running.Done()
	for i := 0; i < 8; i++ {
		fetch(&client, "/wait?d=500us")
	}
}

// FetchedOneSlow makes two calls, of which one is slow.
func FetchedOneSlow() {
	defer running.Done()
	users()
	orders()
}

func users() { fetch(&client, "/wait?d=300us") }

func orders() { fetch(&client, "/wait?d=5ms") }

// FetchedAlike makes two calls that take the same time.
func FetchedAlike() {
	defer running.Done()
	first()
	second()
}

func first() { fetch(&client, "/wait?d=3ms") }

func second() { fetch(&client, "/wait?d=3ms") }

// Hosted waits for the one connection that its client may have.
func Hosted() {
	defer running.Done()
	fetch(&narrow, "/wait?d=2ms")
}

// HostedAtOnce has a connection for each request.
func HostedAtOnce() {
	defer running.Done()
	fetch(&client, "/wait?d=2ms")
}

// Streamed makes one call, whose answer comes in eight parts.
func Streamed() {
	defer running.Done()
	fetch(&client, "/parts?d=500us")
}

// SpokenOften asks eight times on a connection of its own, as the drivers of databases do.
func SpokenOften() {
	defer running.Done()
	conn, err := net.Dial("tcp", services)
	check(err)
	defer conn.Close()
	lines := bufio.NewReader(conn)
	for i := 0; i < 8; i++ {
		ask(conn, lines)
	}
}

func ask(conn net.Conn, lines *bufio.Reader) {
	_, err := fmt.Fprint(conn, "GET /line?d=500us HTTP/1.1\r\nHost: x\r\n\r\n")
	check(err)
	for {
		line, err := lines.ReadString('\n')
		check(err)
		if line == "over\n" {
			return
		}
	}
}

// Upgraded takes over the connection of its client, which then sends when it wants to.
func Upgraded(w http.ResponseWriter, _ *http.Request) {
	conn, lines, err := w.(http.Hijacker).Hijack()
	check(err)
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
	for i := 0; i < 8; i++ {
		_, err := lines.ReadString('\n')
		check(err)
	}
}

// ---- timers ----

// Deadlined waits for an answer that does not come in time.
func Deadlined() {
	defer running.Done()
	ctx, cancel := context.WithTimeout(context.Background(), 3*unit)
	defer cancel()
	answer := make(chan bool)
	select {
	case <-answer:
	case <-ctx.Done():
	}
}

var cancelAll context.CancelFunc
var all context.Context

// Cancelled waits for an answer until somebody else gives up.
func Cancelled() {
	defer running.Done()
	answer := make(chan bool)
	select {
	case <-answer:
	case <-all.Done():
	}
}

// Answered has a deadline, and an answer before it.
func Answered() {
	defer running.Done()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	j := job{make(chan bool, 1)}
	select {
	case jobs <- j:
	case <-ctx.Done():
	}
	select {
	case <-j.done:
	case <-ctx.Done():
	}
}

// Ticked looks every now and then whether something is ready.
func Ticked() {
	defer running.Done()
	ticker := time.NewTicker(unit / 2)
	defer ticker.Stop()
	never := make(chan bool)
	for i := 0; i < 6; i++ {
		select {
		case <-ticker.C:
		case <-never:
		}
	}
}

// Rested sleeps, by a timer's channel.
func Rested() {
	defer running.Done()
	<-time.After(3 * unit)
}

// ---- processors ----

var sink int64

func spin(d time.Duration) {
	for from := time.Now(); time.Since(from) < d; {
		for i := int64(0); i < 1000; i++ {
			atomic.AddInt64(&sink, i)
		}
	}
}

// Computed computes, with a processor for itself.
func Computed() {
	defer running.Done()
	spin(3 * unit)
}

// Crowded computes, with more others than there are processors.
func Crowded() {
	defer running.Done()
	for i := 0; i < 4; i++ {
		spin(unit / 2)
		runtime.Gosched()
	}
}

// stop stops the world all the time.
func stop(isOver func() bool) {
	var stats runtime.MemStats
	for !isOver() {
		runtime.ReadMemStats(&stats)
		spin(unit / 20)
	}
}

// look does something as often that does not stop it.
func look(isOver func() bool) {
	for !isOver() {
		runtime.NumGoroutine()
		spin(unit / 20)
	}
}

// Stopped waits while the world is stopped often.
func Stopped() {
	defer running.Done()
	time.Sleep(2 * unit)
}

// Read waits as long, and nobody stops the world.
func Read() {
	defer running.Done()
	time.Sleep(2 * unit)
}

// Slept waits in the operating system.
func Slept() {
	defer running.Done()
	wait := syscall.NsecToTimespec(int64(25 * unit))
	for syscall.Nanosleep(&wait, &wait) == syscall.EINTR {
		// The rest of it: a signal of the runtime came in between.
	}
}

// Parked waits as long in the runtime.
func Parked() {
	defer running.Done()
	time.Sleep(3 * unit)
}

// ---- the program ----

func record() {
	meanwhile(cache.refresh, func() { run(1, Locked); run(1, Copied) })
	run(6, Queued)
	run(1, Alone)
	jobs = make(chan job)
	for i := 0; i < 2; i++ {
		go work(jobs)
	}
	run(2, Asked)
	run(1, Answered)
	run(6, Handed)
	time.Sleep(3 * unit)
	run(2, HandedAtOnce)
	close(jobs)
	room = semaphore.NewWeighted(2)
	run(6, Admitted)
	room = semaphore.NewWeighted(6)
	run(6, AdmittedAtOnce)
	for _, calls := range []func(){Fetched, FetchedOften, FetchedOneSlow, FetchedAlike, Streamed, SpokenOften} {
		run(1, calls)
	}
	run(6, Hosted)
	run(6, HostedAtOnce)
	running.Add(1)
	upgrade()
	run(1, Deadlined)
	for i := 0; i < n/6; i++ {
		all, cancelAll = context.WithCancel(context.Background())
		go func() {
			time.Sleep(3 * unit)
			cancelAll()
		}()
		for j := 0; j < 6; j++ {
			running.Add(1)
			go Cancelled()
		}
		running.Wait()
	}
	run(1, Ticked)
	run(1, Rested)
	run(1, Computed)
	run(6, Crowded)
	meanwhile(stop, func() { run(1, Stopped) })
	meanwhile(look, func() { run(1, Read) })
	run(1, Slept)
	run(1, Parked)
}

// upgrade serves Upgraded to clients of the other process.
func upgrade() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := http.Server{Handler: http.HandlerFunc(Upgraded)}
	go server.Serve(listener)
	fetch(&client, "/upgrade?to="+listener.Addr().String())
	running.Done()
	check(server.Close())
}

// outside is the other process: services that answer when they are told to, and a client that sends slowly.
func outside() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	mux := http.NewServeMux()
	pause := func(r *http.Request) {
		d, err := time.ParseDuration(r.FormValue("d"))
		check(err)
		time.Sleep(d)
	}
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		pause(r)
		fmt.Fprint(w, "done")
	})
	mux.HandleFunc("/line", func(w http.ResponseWriter, r *http.Request) {
		pause(r)
		w.Header().Set("Content-Length", "5")
		fmt.Fprint(w, "over\n")
	})
	mux.HandleFunc("/parts", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 8; i++ {
			pause(r)
			fmt.Fprint(w, "part")
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/upgrade", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < n; i++ {
			conn, err := net.Dial("tcp", r.FormValue("to"))
			check(err)
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\r\n")
			for j := 0; j < 8; j++ {
				time.Sleep(unit / 2)
				fmt.Fprintln(conn, j)
			}
			_, err = io.Copy(io.Discard, conn)
			check(err)
			check(conn.Close())
		}
	})
	fmt.Println(listener.Addr())
	// The end of the recording process, however it ends, is the end of this one.
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	check(http.Serve(listener, mux))
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	isOutside := flag.Bool("outside", false, "be the services")
	flag.Parse()
	if *isOutside {
		outside()
		return
	}
	runtime.GOMAXPROCS(2)
	other := exec.Command(os.Args[0], "-outside")
	other.Stderr = os.Stderr
	_, err := other.StdinPipe()
	check(err)
	from, err := other.StdoutPipe()
	check(err)
	check(other.Start())
	_, err = fmt.Fscanln(from, &services)
	check(err)
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	record()
	trace.Stop()
	check(file.Close())
	check(other.Process.Kill())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"go": runtime.Version(), "pairs": pairs}))
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "findings:", err)
		os.Exit(1)
	}
}
