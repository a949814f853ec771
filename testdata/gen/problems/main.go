// Command problems is a server with four slow endpoints, each for one reason: a
// cache whose lock a refresher holds while it loads, a pool of database
// connections that is too small, one slow downstream call of three, and a file
// that is synced to the disk. Clients, database and downstream services are
// another process, as they would be. It records its own trace to -o and prints
// JSON: for each endpoint its function, and the function and the line that
// decide how long it takes.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"time"
)

type cause struct {
	Function string `json:"function"`
	Line     int    `json:"line"`
}

var (
	mu     sync.Mutex
	causes = map[string]cause{}
)

// decides notes that the line after the caller's decides how long an endpoint takes.
func decides(endpoint string) {
	pc, _, line, _ := runtime.Caller(1)
	function := runtime.FuncForPC(pc).Name()
	mu.Lock()
	defer mu.Unlock()
	causes[endpoint] = cause{Function: function, Line: line + 1}
}

// PriceCache is refreshed with its lock held.
type PriceCache struct {
	mu     sync.RWMutex
	prices map[string]int
}

// Get waits while the refresher holds the lock.
//
//go:noinline
func (c *PriceCache) Get(name string) int {
	decides("main.Price")
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.prices[name]
}

// refresher loads all prices every few milliseconds.
func (c *PriceCache) refresher() {
	for {
		c.mu.Lock()
		time.Sleep(8 * time.Millisecond)
		c.prices = map[string]int{"tea": 3}
		c.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
}

type server struct {
	cache   *PriceCache
	db      *sql.DB
	outside string
	dir     string
}

// Price looks into the cache.
func (s *server) Price(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, s.cache.Get("tea"))
}

// Order asks the database, with more requests than it has connections.
func (s *server) Order(w http.ResponseWriter, r *http.Request) {
	var id int64
	decides("main.Order")
	err := s.db.QueryRowContext(r.Context(), "5ms").Scan(&id)
	check(err)
	fmt.Fprintln(w, id)
}

// Page asks three services, of which one is slow.
func (s *server) Page(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, s.users(), s.orders(), s.ads())
}

func (s *server) users() string { return s.get("/users") }

func (s *server) orders() string {
	decides("main.Page")
	return s.get("/orders")
}

func (s *server) ads() string { return s.get("/ads") }

func (s *server) get(path string) string {
	response, err := http.Get("http://" + s.outside + path)
	check(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(err)
	return string(text)
}

// Save syncs what it writes.
func (s *server) Save(w http.ResponseWriter, _ *http.Request) {
	file, err := os.CreateTemp(s.dir, "problems")
	check(err)
	defer os.Remove(file.Name())
	_, err = file.Write(make([]byte, 1<<12))
	check(err)
	decides("main.Save")
	check(file.Sync())
	check(file.Close())
	fmt.Fprintln(w, "saved")
}

// The database's driver: a line for each query, and a line for each answer.
type database struct{ address string }

type connection struct {
	conn  net.Conn
	lines *bufio.Reader
}

type rows struct {
	text string
	done bool
}

func (d database) Open(string) (driver.Conn, error) {
	conn, err := net.Dial("tcp", d.address)
	if err != nil {
		return nil, err
	}
	return &connection{conn, bufio.NewReader(conn)}, nil
}

func (c *connection) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if _, err := fmt.Fprintln(c.conn, query); err != nil {
		return nil, err
	}
	_, err := c.lines.ReadString('\n')
	return &rows{text: query}, err
}

func (c *connection) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not needed") }
func (c *connection) Begin() (driver.Tx, error)           { return nil, errors.New("not needed") }
func (c *connection) Close() error                        { return c.conn.Close() }

func (r *rows) Columns() []string { return []string{"id"} }
func (r *rows) Close() error      { return nil }
func (r *rows) Next(to []driver.Value) error {
	if r.done {
		return io.EOF
	}
	to[0], r.done = int64(1), true
	return nil
}

// outside is the other process: database and services first, then, when it is told the server's address, the clients.
func outside(rounds int) {
	database, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go serveDatabase(database)
	services, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	wait := map[string]time.Duration{"/users": time.Millisecond, "/orders": 12 * time.Millisecond, "/ads": time.Millisecond}
	go http.Serve(services, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(wait[r.URL.Path])
		fmt.Fprint(w, r.URL.Path)
	}))
	fmt.Println(database.Addr(), services.Addr())
	var address string
	_, err = fmt.Scanln(&address)
	check(err)
	clients := map[string]int{"/price": 2, "/order": 6, "/page": 1, "/save": 1}
	var all sync.WaitGroup
	for path, n := range clients {
		for i := 0; i < n; i++ {
			all.Add(1)
			go func(url string) {
				defer all.Done()
				client(url, rounds)
			}("http://" + address + path)
		}
	}
	all.Wait()
}

func serveDatabase(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		check(err)
		go func() {
			for lines := bufio.NewScanner(conn); lines.Scan(); {
				wait, err := time.ParseDuration(lines.Text())
				check(err)
				time.Sleep(wait)
				fmt.Fprintln(conn, lines.Text())
			}
		}()
	}
}

func client(url string, rounds int) {
	own := http.Client{Transport: &http.Transport{}}
	for i := 0; i < rounds; i++ {
		response, err := own.Get(url)
		check(err)
		_, err = io.Copy(io.Discard, response.Body)
		check(err)
		check(response.Body.Close())
	}
}

func main() {
	out := flag.String("o", "trace.out", "where the trace goes")
	n := flag.Int("n", 12, "requests of each client")
	isOutside := flag.Bool("outside", false, "be the clients, the database and the services")
	flag.Parse()
	if *isOutside {
		outside(*n)
		return
	}
	other := exec.Command(os.Args[0], "-outside", "-n", fmt.Sprint(*n))
	other.Stderr = os.Stderr
	to, err := other.StdinPipe()
	check(err)
	from, err := other.StdoutPipe()
	check(err)
	check(other.Start())
	line, err := bufio.NewReader(from).ReadString('\n')
	check(err)
	addresses := strings.Fields(line)
	sql.Register("lines", database{addresses[0]})
	db, err := sql.Open("lines", "")
	check(err)
	db.SetMaxOpenConns(2)
	s := &server{cache: &PriceCache{}, db: db, outside: addresses[1], dir: os.TempDir()}
	mux := http.NewServeMux()
	mux.HandleFunc("/price", s.Price)
	mux.HandleFunc("/order", s.Order)
	mux.HandleFunc("/page", s.Page)
	mux.HandleFunc("/save", s.Save)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go http.Serve(listener, mux)
	file, err := os.Create(*out)
	check(err)
	check(trace.Start(file))
	go s.cache.refresher()
	_, err = fmt.Fprintln(to, listener.Addr())
	check(err)
	check(other.Wait())
	time.Sleep(10 * time.Millisecond)
	trace.Stop()
	check(file.Close())
	check(json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"go": runtime.Version(), "causes": causes}))
	os.Exit(0)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "problems:", err)
		os.Exit(1)
	}
}
