// Package router stands for modules that a program fetches: a router that calls values, and a store that calls back.
package router

import "net/http"

// Router calls what a path names.
type Router struct {
	routes map[string]func(http.ResponseWriter, *http.Request)
}

// New makes one without routes.
func New() *Router {
	return &Router{routes: map[string]func(http.ResponseWriter, *http.Request){}}
}

// Handle adds a route.
func (t *Router) Handle(path string, f func(http.ResponseWriter, *http.Request)) { t.routes[path] = f }

// ServeHTTP calls what the path names.
func (t *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.next(w, r)
}

//go:noinline
func (t *Router) next(w http.ResponseWriter, r *http.Request) {
	t.routes[r.URL.Path](w, r)
}

// Scanner is what Load fills.
type Scanner interface{ Scan() }

// Load calls a method of its caller's.
//
//go:noinline
func Load(into Scanner) { into.Scan() }

// Each calls a function of its caller's.
//
//go:noinline
func Each(f func()) { f() }
