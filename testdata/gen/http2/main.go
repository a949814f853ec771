// Command http2 serves HTTP/2 over TLS to its own client: a goroutine for each
// stream, whose creation stack never names the handler. Streams of one
// connection overlap. It records its own trace to -o and prints JSON: how many
// requests each handler served, each one's time in the handler and at the
// client.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"time"
)

type kind struct {
	Count     int     `json:"count"`
	HandlerNS []int64 `json:"handler_ns"`
	ClientNS  []int64 `json:"client_ns"`
}

var (
	mu    sync.Mutex
	kinds = map[string]*kind{
		"main.StreamHandler": {},
		"main.SpawnHandler":  {},
		"main.UploadHandler": {},
	}
)

func handled(name string, start time.Time) {
	d := time.Since(start)
	mu.Lock()
	defer mu.Unlock()
	kinds[name].Count++
	kinds[name].HandlerNS = append(kinds[name].HandlerNS, int64(d))
}

// StreamHandler sleeps.
func StreamHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.StreamHandler", time.Now())
	time.Sleep(2 * time.Millisecond)
	io.WriteString(w, "ok\n")
}

// SpawnHandler waits for a goroutine of its own.
func SpawnHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.SpawnHandler", time.Now())
	done := make(chan struct{})
	go func() {
		time.Sleep(3 * time.Millisecond)
		close(done)
	}()
	<-done
	io.WriteString(w, "ok\n")
}

// UploadHandler reads a body.
func UploadHandler(w http.ResponseWriter, r *http.Request) {
	defer handled("main.UploadHandler", time.Now())
	io.Copy(io.Discard, r.Body)
	time.Sleep(time.Millisecond)
	io.WriteString(w, "ok\n")
}

// certificate makes one for 127.0.0.1 that lives for an hour.
func certificate() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	leaf, err := x509.ParseCertificate(der)
	check(err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func ask(c *http.Client, base, name string) {
	start := time.Now()
	var resp *http.Response
	var err error
	switch name {
	case "main.StreamHandler":
		resp, err = c.Get(base + "/stream")
	case "main.SpawnHandler":
		resp, err = c.Get(base + "/spawn")
	default:
		resp, err = c.Post(base+"/upload", "text/plain", strings.NewReader(strings.Repeat("x", 10000)))
	}
	check(err)
	_, err = io.Copy(io.Discard, resp.Body)
	check(err)
	resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 200 {
		check(fmt.Errorf("%s: %s %s", name, resp.Proto, resp.Status))
	}
	d := time.Since(start)
	mu.Lock()
	kinds[name].ClientNS = append(kinds[name].ClientNS, int64(d))
	mu.Unlock()
}

func main() {
	out := flag.String("o", "http2.trace", "trace file")
	rounds := flag.Int("rounds", 3, "rounds of all handlers, each at once")
	flag.Parse()
	cert, pool := certificate()
	mux := http.NewServeMux()
	mux.HandleFunc("/stream", StreamHandler)
	mux.HandleFunc("/spawn", SpawnHandler)
	mux.HandleFunc("/upload", UploadHandler)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	srv := &http.Server{
		Handler:   mux,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	go srv.ServeTLS(ln, "", "")
	base := "https://" + ln.Addr().String()
	c := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool},
	}}

	f, err := os.Create(*out)
	check(err)
	check(trace.Start(f))
	for i := 0; i < *rounds; i++ {
		var wg sync.WaitGroup
		for name := range kinds {
			wg.Add(1)
			go func(name string) {
				defer wg.Done()
				ask(c, base, name)
			}(name)
		}
		wg.Wait()
	}
	trace.Stop()
	check(f.Close())

	mu.Lock()
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	check(enc.Encode(map[string]interface{}{
		"program":  "http2",
		"go":       runtime.Version(),
		"rounds":   *rounds,
		"handlers": kinds,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "http2:", err)
		os.Exit(1)
	}
}
