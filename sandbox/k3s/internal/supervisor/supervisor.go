// Package supervisor answers K3s's port: nodes join here, and every other request goes on to the API server.
package supervisor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"

	"infra-k3s.invalid/sandbox/k3s/internal/certs"
	"infra-k3s.invalid/sandbox/k3s/internal/cluster"
	"infra-k3s.invalid/sandbox/k3s/internal/encryption"
	"infra-k3s.invalid/sandbox/k3s/internal/process"
	"infra-k3s.invalid/sandbox/k3s/internal/snapshot"
)

// Supervisor is the listener and what it needs to know.
type Supervisor struct {
	Listen    string
	TLSDir    string
	Backend   string // the API server on loopback
	Password  string // of the join token
	ServerCA  *certs.Authority
	ClientCA  *certs.Authority
	Addresses []string // of the API servers, told to nodes
	Settings  cluster.Settings

	Snapshots        snapshot.Snapshots
	SnapshotDefaults snapshot.Settings
	RotateToken      func(ctx context.Context, next string) error

	Ciphers    []uint16 // empty for Go's own choice
	MinVersion uint16   // zero for TLS 1.2

	mutex sync.Mutex
	api   kubernetes.Interface
}

// SetAPI tells that the API is up; until then nodes are asked to come back.
func (s *Supervisor) SetAPI(api kubernetes.Interface) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.api = api
}

func (s *Supervisor) currentAPI() kubernetes.Interface {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.api
}

// Start listens; a listener that fails later ends k3s.
func (s *Supervisor) Start(ctx context.Context, group *process.Group) error {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(s.TLSDir, "serving-k3s.crt"), filepath.Join(s.TLSDir, "serving-k3s.key"))
	if err != nil {
		return err
	}
	forward, err := s.newForward()
	if err != nil {
		return err
	}
	listeners, err := Listen(s.Listen)
	if err != nil {
		return fmt.Errorf("supervisor: %w", err)
	}
	server := &http.Server{
		Handler: s.routes(forward),
		TLSConfig: &tls.Config{
			MinVersion:   max(s.MinVersion, tls.VersionTLS12),
			CipherSuites: s.Ciphers,
			Certificates: []tls.Certificate{certificate},
			// Asked for, not demanded: an unknown certificate makes a request anonymous (401), not a TLS fault.
			ClientAuth: tls.RequestClientCert,
		},
		ReadHeaderTimeout: 30 * time.Second,
	}
	for _, listener := range listeners {
		go func() {
			if err := server.ServeTLS(listener, "", ""); ctx.Err() == nil {
				group.Fail(fmt.Errorf("supervisor: %w", err))
			}
		}()
	}
	return nil
}

// Listen opens an address, and loopback beside it: K3s's own tools ask there, whatever --bind-address says.
func Listen(address string) ([]net.Listener, error) {
	first, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	listeners := []net.Listener{first}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || net.ParseIP(host).IsUnspecified() {
		return listeners, err
	}
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		if listener, err := net.Listen("tcp", net.JoinHostPort(loopback, port)); err == nil {
			listeners = append(listeners, listener)
		}
	}
	return listeners, nil
}

func (s *Supervisor) routes(forward http.Handler) http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/ping", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "pong") })
	routes.HandleFunc("/cacerts", func(w http.ResponseWriter, _ *http.Request) { s.sendPEM(w, s.ServerCA.PEM) })
	routes.Handle("/v1-k3s/client-ca.crt", s.nodes(func(w http.ResponseWriter, _ *http.Request) { s.sendPEM(w, s.ClientCA.PEM) }))
	routes.Handle("/v1-k3s/server-ca.crt", s.nodes(func(w http.ResponseWriter, _ *http.Request) { s.sendPEM(w, s.ServerCA.PEM) }))
	routes.Handle("/v1-k3s/serving-kubelet.crt", s.nodes(s.servingKubelet))
	routes.Handle("/v1-k3s/client-kubelet.crt", s.nodes(s.clientKubelet))
	routes.Handle("/v1-k3s/client-kube-proxy.crt", s.nodes(s.fixedClient("client-kube-proxy", "system:kube-proxy")))
	routes.Handle("/v1-k3s/client-k3s-controller.crt", s.nodes(s.fixedClient("client-k3s-controller", "system:k3s-controller")))
	routes.Handle("/v1-k3s/config", s.nodes(func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, s.Settings) }))
	routes.Handle("/v1-k3s/apiservers", s.nodes(func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, s.Addresses) }))
	routes.Handle("/v1-k3s/encrypt/status", s.administrators(s.encryptionStatus))
	routes.Handle("/v1-k3s/token", s.administrators(s.token))
	routes.Handle("/db/snapshot", s.administrators(s.snapshots))
	routes.Handle("/v1-k3s/readyz", s.nodes(s.ready))
	routes.HandleFunc("/v1-k3s/", func(w http.ResponseWriter, _ *http.Request) {
		sendError(w, http.StatusNotImplemented, "not answered by the stand-in")
	})
	return keepPaths(routes, forward)
}

func (s *Supervisor) encryptionStatus(w http.ResponseWriter, _ *http.Request) {
	status, err := encryption.Read(filepath.Join(s.TLSDir, "../cred/encryption-config.json"))
	if err != nil {
		sendError(w, http.StatusInternalServerError, err.Error())
		return
	}
	sendJSON(w, status)
}

// keepPaths sends everything but K3s's own paths on as it came: a mux would tidy up paths that the API
// server (proxy verbs) takes literally.
func keepPaths(own *http.ServeMux, forward http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := own.Handler(r); pattern != "" && r.Method != http.MethodConnect {
			own.ServeHTTP(w, r)
			return
		}
		forward.ServeHTTP(w, r)
	})
}
