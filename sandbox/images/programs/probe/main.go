// Command probe is both ends of the traffic that the tests look at.
//
//	probe serve                   TCP echo at :7000, UDP echo at :7000, HTTP at :8080 (/, /hostname), a sink at :7001
//	probe connect ADDRESS...      a new TCP connection a second to each, 4000 bytes there and back; a JSON line each
//	probe stream ADDRESS          one TCP connection kept open, a line a second there and back; a JSON line each
//	probe get URL                 prints the answer's status; certificates are checked against the image's trust store
//	probe throughput ADDRESS SECS writes to the sink; prints bytes per second
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// Larger than any MTU on the way, so that a path that drops big packets fails.
const payloadSize = 4000

const patience = 3 * time.Second

func main() {
	verb, args := "", []string{}
	if len(os.Args) > 1 {
		verb, args = os.Args[1], os.Args[2:]
	}
	switch {
	case verb == "serve":
		serve()
	case verb == "connect" && len(args) > 0:
		connect(args)
	case verb == "stream" && len(args) == 1:
		stream(args[0])
	case verb == "get" && len(args) == 1:
		get(args[0])
	case verb == "throughput" && len(args) == 2:
		throughput(args[0], args[1])
	default:
		fmt.Fprintln(os.Stderr, "usage: probe serve | connect ADDRESS... | stream ADDRESS | get URL | throughput ADDRESS SECONDS")
		os.Exit(64)
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() {
	echo, err := net.Listen("tcp", ":7000")
	fail(err)
	sink, err := net.Listen("tcp", ":7001")
	fail(err)
	datagrams, err := net.ListenPacket("udp", ":7000")
	fail(err)
	go accept(echo, func(c net.Conn) { _, _ = io.Copy(c, c) })
	go accept(sink, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	go echoDatagrams(datagrams)
	fmt.Println("serving")
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		name, _ := os.Hostname()
		fmt.Fprintf(w, "%s %s\n", name, r.RemoteAddr)
	})
	fail(http.ListenAndServe(":8080", nil))
}

func accept(listener net.Listener, handle func(net.Conn)) {
	for {
		c, err := listener.Accept()
		fail(err)
		go func() {
			defer c.Close()
			handle(c)
		}()
	}
}

func echoDatagrams(c net.PacketConn) {
	buffer := make([]byte, 65536)
	for {
		n, from, err := c.ReadFrom(buffer)
		fail(err)
		_, _ = c.WriteTo(buffer[:n], from)
	}
}

// Result is what one exchange came to.
type Result struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Target string    `json:"target"`
	OK     bool      `json:"ok"`
	Millis int64     `json:"ms"`
	Error  string    `json:"error,omitempty"`
}

var printing sync.Mutex

func report(kind, target string, start time.Time, err error) {
	result := Result{At: start, Kind: kind, Target: target, OK: err == nil, Millis: time.Since(start).Milliseconds()}
	if err != nil {
		result.Error = err.Error()
	}
	line, _ := json.Marshal(result)
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(string(line))
}

func connect(targets []string) {
	for tick := time.Tick(time.Second); ; <-tick {
		for _, target := range targets {
			go func() {
				start := time.Now()
				report("connect", target, start, exchangeOnce(target))
			}()
		}
	}
}

func exchangeOnce(target string) error {
	c, err := net.DialTimeout("tcp", target, patience)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	sent := bytes.Repeat([]byte{'x'}, payloadSize)
	if _, err := c.Write(sent); err != nil {
		return err
	}
	got := make([]byte, payloadSize)
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if !bytes.Equal(sent, got) {
		return fmt.Errorf("%s answered with other bytes", target)
	}
	return nil
}

// stream never dials again: a connection that dies is what it is there to see.
func stream(target string) {
	start := time.Now()
	c, err := net.DialTimeout("tcp", target, patience)
	report("open", target, start, err)
	fail(err)
	lines := bufio.NewReader(c)
	for tick := time.Tick(time.Second); ; <-tick {
		start := time.Now()
		_, err := fmt.Fprintf(c, "%d\n", start.UnixNano())
		if err == nil {
			_, err = lines.ReadString('\n')
		}
		report("stream", target, start, err)
		fail(err)
	}
}

func get(url string) {
	client := http.Client{Timeout: 2 * patience}
	answer, err := client.Get(url)
	fail(err)
	defer answer.Body.Close()
	fmt.Println(answer.StatusCode)
}

func throughput(target, seconds string) {
	duration, err := strconv.ParseFloat(seconds, 64)
	fail(err)
	c, err := net.DialTimeout("tcp", target, patience)
	fail(err)
	end := time.Now().Add(time.Duration(duration * float64(time.Second)))
	_ = c.SetWriteDeadline(end.Add(patience))
	block := make([]byte, 1<<17)
	start, sent := time.Now(), 0
	for time.Now().Before(end) {
		n, err := c.Write(block)
		fail(err)
		sent += n
	}
	fmt.Printf("%.0f\n", float64(sent)/time.Since(start).Seconds())
}
