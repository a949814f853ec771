//go:build go1.24

package main

import "net/http"

// serveH2C lets a server speak HTTP/2 without TLS, and gives a client that does.
func serveH2C(server *http.Server) *http.Client {
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}
