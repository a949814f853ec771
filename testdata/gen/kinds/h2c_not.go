//go:build !go1.24

package main

import "net/http"

// serveH2C does nothing: net/http has no HTTP/2 without TLS before Go 1.24.
func serveH2C(server *http.Server) *http.Client { return nil }
