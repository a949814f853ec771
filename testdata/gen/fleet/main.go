// Fleet records one of many hosts: a server with two endpoints and some clients. On a bad host a refresher holds the
// lock that requests need; a bad version calls one function more. It prints how many requests it served, as JSON.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"math/rand"
	"net"
	"net/http"
	"os"
	"runtime/trace"
	"sync"
	"time"
)

var (
	badVersion = flag.Bool("bad-version", false, "orders have a discount that takes 2 ms")
	badHost    = flag.Bool("bad-host", false, "the refresher of prices holds their lock for 40 ms")
	seed       = flag.Int64("seed", 1, "of all waits")
	n          = flag.Int("n", 12, "requests of each client")
	out        = flag.String("o", "", "file of the trace")
)

type prices struct {
	mu    sync.Mutex
	price int
}

// refresh brings the prices up to date, again and again.
func (p *prices) refresh(done <-chan struct{}) {
	for {
		p.mu.Lock()
		if *badHost {
			time.Sleep(40 * time.Millisecond)
		}
		p.price++
		p.mu.Unlock()
		select {
		case <-done:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *prices) get() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.price
}

var stock prices

func discount() { time.Sleep(2 * time.Millisecond) }

func load() { time.Sleep(time.Millisecond + time.Duration(rand.Intn(300))*time.Microsecond) }

// Orders needs the prices, and in a bad version a discount.
func Orders(w http.ResponseWriter, r *http.Request) {
	load()
	if *badVersion {
		discount()
	}
	stock.get()
}

// Items needs nothing.
func Items(w http.ResponseWriter, r *http.Request) { load() }

func client(url string, seed int64) {
	random := rand.New(rand.NewSource(seed))
	client := &http.Client{Transport: &http.Transport{}}
	for i := 0; i < *n; i++ {
		path := "/items"
		if i%2 == 0 {
			path = "/orders"
		}
		response, err := client.Get(url + path)
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		time.Sleep(time.Duration(random.Intn(2000)) * time.Microsecond)
	}
	client.CloseIdleConnections()
}

func main() {
	flag.Parse()
	rand.Seed(*seed)
	mux := http.NewServeMux()
	mux.HandleFunc("/orders", Orders)
	mux.HandleFunc("/items", Items)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(listener, mux)
	file, err := os.Create(*out)
	if err != nil {
		log.Fatal(err)
	}
	if err := trace.Start(file); err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{})
	go stock.refresh(done)
	const clients = 3
	var wait sync.WaitGroup
	for i := int64(0); i < clients; i++ {
		wait.Add(1)
		go func(seed int64) {
			defer wait.Done()
			client("http://"+listener.Addr().String(), seed)
		}(*seed*clients + i)
	}
	wait.Wait()
	close(done)
	trace.Stop()
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]int{"requests": clients * *n})
}
