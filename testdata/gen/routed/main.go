// Command routed has servers of one endpoint each, behind routers of other packages that call it as a value: a function of
// the program's own module, from a router that was fetched, and a closure, from a router of the same module; and one with an
// empty handler behind the router, which each of its requests goes through, too. Its twins are single endpoints: one passes its
// own method and its closure to a store, which calls them back, one calls two handlers in turn. It records its own trace to
// -o and prints JSON: how many requests each endpoint served inside the recording.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/trace"
	"time"

	"example.org/router"
	"gotrace-slice/gen/routed/app"
	"gotrace-slice/gen/routed/mux"
)

// Report is an endpoint: the store calls its row back.
func Report(w http.ResponseWriter, r *http.Request) {
	app.Count("main.Report")
	router.Load(&row{})
	router.Each(app.Visit)
	router.Each(app.Visitor())
}

type row struct{}

// Scan reads a row.
//
//go:noinline
func (*row) Scan() { time.Sleep(500 * time.Microsecond) }

// chain calls a router, and then what stands behind it.
type chain struct{ router, last http.Handler }

//go:noinline
func (c chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.router.ServeHTTP(w, r)
	c.last.ServeHTTP(w, r)
}

// last hands on to nobody. It waits, so that it is seen.
type last struct{}

//go:noinline
func (last) ServeHTTP(http.ResponseWriter, *http.Request) { time.Sleep(200 * time.Microsecond) }

// pair is one endpoint, of two handlers in turn.
type pair struct{ first, second http.Handler }

//go:noinline
func (p pair) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	app.Count("main.pair.ServeHTTP")
	p.first.ServeHTTP(w, r)
	p.second.ServeHTTP(w, r)
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	n := flag.Int("n", 6, "requests of each endpoint")
	flag.Parse()
	fetched := router.New()
	fetched.Handle("/users", app.Users)
	own := mux.New()
	own.Handle("/orders", app.Orders(2*time.Millisecond))
	both := router.New()
	both.Handle("/carts", app.Carts)
	both.Handle("/items", app.Items)
	films := router.New()
	films.Handle("/books", app.Books)
	films.Handle("/films", app.Films)
	var servers []*httptest.Server
	for _, handler := range []http.Handler{fetched, own, http.HandlerFunc(Report), both, chain{films, last{}}, pair{last{}, &last{}}} {
		servers = append(servers, httptest.NewServer(handler))
	}
	get := func(server int, path string) {
		resp, err := servers[server].Client().Get(servers[server].URL + path)
		check(err)
		_, err = io.Copy(io.Discard, resp.Body)
		check(err)
		check(resp.Body.Close())
	}
	all := func() {
		get(0, "/users")
		get(1, "/orders")
		get(2, "/")
		get(3, "/carts")
		get(3, "/items")
		get(4, "/books")
		get(4, "/films")
		get(5, "/")
	}
	// The connections are there before the recording.
	all()
	time.Sleep(5 * time.Millisecond)
	app.Counts = map[string]int{}

	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	for i := 0; i < *n; i++ {
		all()
	}
	// The client has its answer a moment before the server's goroutine is done.
	time.Sleep(20 * time.Millisecond)
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"go": runtime.Version(), "endpoints": app.Counts}))
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "routed:", err)
		os.Exit(1)
	}
}
