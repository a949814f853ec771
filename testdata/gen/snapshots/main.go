// Snapshots takes two snapshots of itself with a flight recorder (Go 1.25 and later), shortly after each other, so that
// they overlap: A.trace and B.trace in a folder. It prints what it served, as JSON.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/trace"
	"sync"
	"time"
)

var (
	mu     sync.Mutex
	served []time.Time // when each request of QuickHandler ended

	longHere = make(chan struct{})
	longEnd  = make(chan struct{})

	silent   *http.Client // makes requests of SilentHandler; nil for none
	silences int
)

// QuickHandler's requests are short: many are in one snapshot, and some in both.
func QuickHandler(w http.ResponseWriter, r *http.Request) {
	time.Sleep(3 * time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	served = append(served, time.Now())
}

// LongHandler's request is not over in the first snapshot, and is whole in the second.
func LongHandler(w http.ResponseWriter, r *http.Request) {
	close(longHere)
	<-longEnd
	time.Sleep(time.Millisecond)
}

// SilentHandler's requests leave no stack in it: it neither waits nor takes long.
func SilentHandler(w http.ResponseWriter, r *http.Request) {}

func get(client *http.Client, url string) {
	response, err := client.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

// quick makes so many requests, one after the other, on one connection; with silent ones between them on another.
func quick(client *http.Client, url string, n int) {
	for i := 0; i < n; i++ {
		get(client, url+"/quick")
		if silent != nil {
			get(silent, url+"/silent")
			silences++
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func write(recorder *trace.FlightRecorder, path string) {
	file, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := recorder.WriteTo(file); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}

func main() {
	folder := flag.String("o", ".", "folder for A.trace and B.trace")
	held := flag.Bool("held", false, "snapshots that are so short that none has all of LongHandler's request")
	withSilent := flag.Bool("silent", false, "make requests of SilentHandler too")
	flag.Parse()
	if *withSilent {
		silent = &http.Client{Transport: &http.Transport{}}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/quick", QuickHandler)
	mux.HandleFunc("/long", LongHandler)
	mux.HandleFunc("/silent", SilentHandler)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(listener, mux)
	url := "http://" + listener.Addr().String()

	age := 1200 * time.Millisecond
	if *held {
		age = 100 * time.Millisecond
	}
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: age})
	if err := recorder.Start(); err != nil {
		log.Fatal(err)
	}
	client := &http.Client{}
	quick(client, url, 60)
	var wait sync.WaitGroup
	wait.Add(1)
	go func() {
		defer wait.Done()
		get(&http.Client{Transport: &http.Transport{}}, url+"/long")
	}()
	<-longHere
	quick(client, url, 10)
	if *held {
		// Each snapshot begins a generation: A has the one before this and the next, B the next and the last.
		recorder.WriteTo(io.Discard)
		quick(client, url, 3)
	}
	write(recorder, filepath.Join(*folder, "A.trace"))
	if *held {
		quick(client, url, 3)
	}
	close(longEnd)
	wait.Wait()
	if !*held {
		quick(client, url, 25)
	}
	write(recorder, filepath.Join(*folder, "B.trace"))
	recorder.Stop()
	json.NewEncoder(os.Stdout).Encode(map[string]any{"quick": len(served), "long": 1, "silent": silences})
}
