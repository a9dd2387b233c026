// Command echo answers every request at :8080 with what it saw of it, so that a test sees what is between: proxies,
// addresses, secrets that have arrived.
//
// ECHO_ENV=NAME,NAME   environment variables whose values are told
//
// At SIGTERM it closes connections after their next answer, serves what is open, and ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// Less than the 30 s that Kubernetes gives a pod to end.
const drain = 20 * time.Second

type answer struct {
	Host           string            `json:"host"`
	Path           string            `json:"path"`
	Method         string            `json:"method"`
	Remote         string            `json:"remote"`
	ForwardedFor   string            `json:"xForwardedFor"`
	ForwardedProto string            `json:"xForwardedProto"`
	ConnectingIP   string            `json:"cfConnectingIp"`
	Hostname       string            `json:"hostname"`
	Env            map[string]string `json:"env"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, ":8080", handler()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, address string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	server.SetKeepAlivesEnabled(false)
	ending, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := server.Shutdown(ending); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		hostname, _ := os.Hostname()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer{
			Host:           r.Host,
			Path:           r.URL.Path,
			Method:         r.Method,
			Remote:         r.RemoteAddr,
			ForwardedFor:   strings.Join(r.Header.Values("X-Forwarded-For"), ", "),
			ForwardedProto: r.Header.Get("X-Forwarded-Proto"),
			ConnectingIP:   r.Header.Get("Cf-Connecting-Ip"),
			Hostname:       hostname,
			Env:            told(os.Getenv("ECHO_ENV")),
		})
	})
	return mux
}

func told(names string) map[string]string {
	values := map[string]string{}
	for name := range strings.SplitSeq(names, ",") {
		if value, ok := os.LookupEnv(strings.TrimSpace(name)); ok {
			values[strings.TrimSpace(name)] = value
		}
	}
	return values
}
