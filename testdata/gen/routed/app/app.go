// Package app has endpoints in a package of their own.
package app

import (
	"net/http"
	"sync"
	"time"
)

var (
	mu sync.Mutex
	// Counts says how many requests each endpoint served.
	Counts = map[string]int{}
)

// Count counts a request of an endpoint.
func Count(name string) {
	mu.Lock()
	defer mu.Unlock()
	Counts[name]++
}

// Users is a plain function.
func Users(w http.ResponseWriter, r *http.Request) {
	Count("gotrace-slice/gen/routed/app.Users")
	time.Sleep(time.Millisecond)
}

// Orders makes a closure.
//
//go:noinline
func Orders(d time.Duration) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		Count("gotrace-slice/gen/routed/app.Orders.func1")
		time.Sleep(d)
	}
}

// Carts and Items are served by one router.
func Carts(w http.ResponseWriter, r *http.Request) {
	Count("gotrace-slice/gen/routed/app.Carts")
	time.Sleep(time.Millisecond)
}

// Items is beside Carts.
func Items(w http.ResponseWriter, r *http.Request) {
	Count("gotrace-slice/gen/routed/app.Items")
	time.Sleep(time.Millisecond)
}

// Books and Films are served by one router, with an empty handler behind it.
func Books(w http.ResponseWriter, r *http.Request) {
	Count("gotrace-slice/gen/routed/app.Books")
	time.Sleep(time.Millisecond)
}

// Films is beside Books.
func Films(w http.ResponseWriter, r *http.Request) {
	Count("gotrace-slice/gen/routed/app.Films")
	time.Sleep(time.Millisecond)
}

// Visit is called back.
//
//go:noinline
func Visit() { time.Sleep(500 * time.Microsecond) }

// Visitor makes a closure that is called back.
//
//go:noinline
func Visitor() func() {
	return func() { time.Sleep(500 * time.Microsecond) }
}
