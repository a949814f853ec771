// Command grpc serves gRPC to its own clients, with an interceptor that writes
// a log line for each call: a middleware that leaves a stack where a fast
// handler leaves none. It records its own trace to -o and prints JSON: how many
// calls of each method began and ended inside the recording, and how long each
// took in the handler. With -workers, goroutines serve one call after the other; with
// -streams, so many streams last longer than the recording.
//
// It needs google.golang.org/grpc, which Debian has as golang-google-grpc-dev.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
)

type method struct {
	Count     int     `json:"count"`
	HandlerNS []int64 `json:"handler_ns"`
}

var (
	mu      sync.Mutex
	methods = map[string]*method{"main.Price": {}, "main.Order": {}, "main.Hash": {}}
)

func handled(name string, start time.Time) {
	d := time.Since(start)
	mu.Lock()
	defer mu.Unlock()
	methods[name].Count++
	methods[name].HandlerNS = append(methods[name].HandlerNS, int64(d))
}

// Price sleeps for every fourth call, and else returns at once.
func Price(n int) {
	defer handled("main.Price", time.Now())
	if n%4 == 0 {
		time.Sleep(3 * time.Millisecond)
	}
}

// Order sleeps.
func Order() {
	defer handled("main.Order", time.Now())
	time.Sleep(2 * time.Millisecond)
}

var sink uint64

// Hash computes.
func Hash() {
	defer handled("main.Hash", time.Now())
	for start := time.Now(); time.Since(start) < 200*time.Microsecond; {
		for i := uint64(0); i < 1000; i++ {
			sink = sink*31 + i
		}
	}
}

// bytesCodec sends byte slices as they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v interface{}) ([]byte, error)      { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v interface{}) error { *v.(*[]byte) = data; return nil }
func (bytesCodec) Name() string                               { return "bytes" }

type call func(in []byte)

// handle is what generated code does for a method.
func handle(srv interface{}, ctx context.Context, dec func(interface{}) error, with grpc.UnaryServerInterceptor, name string, do call) (interface{}, error) {
	var in []byte
	if err := dec(&in); err != nil {
		return nil, err
	}
	info := &grpc.UnaryServerInfo{Server: srv, FullMethod: "/Shop/" + name}
	return with(ctx, in, info, func(ctx context.Context, req interface{}) (interface{}, error) {
		do(req.([]byte))
		return &in, nil
	})
}

func _Shop_Price_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, with grpc.UnaryServerInterceptor) (interface{}, error) {
	return handle(srv, ctx, dec, with, "Price", func(in []byte) { Price(int(in[0])) })
}

func _Shop_Order_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, with grpc.UnaryServerInterceptor) (interface{}, error) {
	return handle(srv, ctx, dec, with, "Order", func([]byte) { Order() })
}

func _Shop_Hash_Handler(srv interface{}, ctx context.Context, dec func(interface{}) error, with grpc.UnaryServerInterceptor) (interface{}, error) {
	return handle(srv, ctx, dec, with, "Hash", func([]byte) { Hash() })
}

// Watch does something now and then, until the client is gone. opened says that it is there.
func Watch(done <-chan struct{}, opened *sync.WaitGroup) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	opened.Done()
	for {
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}

var opened sync.WaitGroup

func _Shop_Watch_Handler(srv interface{}, stream grpc.ServerStream) error {
	Watch(stream.Context().Done(), &opened)
	return nil
}

// watch opens streams, and returns when all are being served.
func watch(conn *grpc.ClientConn, streams int) {
	opened.Add(streams)
	for i := 0; i < streams; i++ {
		stream, err := conn.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true}, "/Shop/Watch")
		check(err)
		check(stream.CloseSend())
	}
	opened.Wait()
}

// logged is the middleware: every call writes a line, which is a system call with a stack.
func logged(log *os.File) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req interface{}, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (interface{}, error) {
		out, err := next(ctx, req)
		fmt.Fprintln(log, info.FullMethod)
		return out, err
	}
}

func serve(log *os.File, workers uint) (string, *grpc.Server) {
	options := []grpc.ServerOption{grpc.UnaryInterceptor(logged(log))}
	if workers > 0 {
		options = append(options, grpc.NumStreamWorkers(uint32(workers)))
	}
	server := grpc.NewServer(options...)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "Shop",
		HandlerType: (*interface{})(nil),
		Methods: []grpc.MethodDesc{
			{MethodName: "Price", Handler: _Shop_Price_Handler},
			{MethodName: "Order", Handler: _Shop_Order_Handler},
			{MethodName: "Hash", Handler: _Shop_Hash_Handler},
		},
		Streams: []grpc.StreamDesc{{StreamName: "Watch", Handler: _Shop_Watch_Handler, ServerStreams: true}},
	}, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go server.Serve(listener)
	return listener.Addr().String(), server
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	calls := flag.Int("calls", 20, "calls of each method")
	workers := flag.Uint("workers", 0, "stream workers of the server")
	streams := flag.Int("streams", 0, "streams that last longer than the recording")
	flag.Parse()
	encoding.RegisterCodec(bytesCodec{})
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	check(err)
	address, server := serve(log, *workers)
	conn, err := grpc.Dial(address, grpc.WithInsecure(), grpc.WithBlock(),
		grpc.WithDefaultCallOptions(grpc.CallContentSubtype("bytes")))
	check(err)

	watch(conn, *streams)
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	for i := 0; i < *calls; i++ {
		for _, name := range []string{"Price", "Order", "Hash"} {
			in, reply := []byte{byte(i)}, []byte(nil)
			check(conn.Invoke(context.Background(), "/Shop/"+name, &in, &reply))
		}
	}
	// The client has its answer a moment before the server's goroutine ends.
	time.Sleep(20 * time.Millisecond)
	trace.Stop()
	check(file.Close())
	conn.Close()
	server.Stop()
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"go": runtime.Version(), "workers": *workers, "streams": *streams, "methods": methods,
	}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "grpc:", err)
		os.Exit(1)
	}
}
