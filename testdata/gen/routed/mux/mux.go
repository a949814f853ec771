// Package mux is a router of the program's own module.
package mux

import "net/http"

// Mux calls what a path names.
type Mux struct {
	routes map[string]func(http.ResponseWriter, *http.Request)
}

// New makes one without routes.
func New() *Mux {
	return &Mux{routes: map[string]func(http.ResponseWriter, *http.Request){}}
}

// Handle adds a route.
func (m *Mux) Handle(path string, f func(http.ResponseWriter, *http.Request)) { m.routes[path] = f }

// ServeHTTP calls what the path names.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.dispatch(w, r)
}

//go:noinline
func (m *Mux) dispatch(w http.ResponseWriter, r *http.Request) {
	m.routes[r.URL.Path](w, r)
}
