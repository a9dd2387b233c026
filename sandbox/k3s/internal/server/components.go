package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"infra-k3s.invalid/sandbox/k3s/internal/process"
)

// startDatabase runs etcd on the node's address and on loopback, with the server's identity in it.
func (s *Server) startDatabase(ctx context.Context) error {
	name, err := s.memberName()
	if err != nil {
		return err
	}
	peer := s.peerURL()
	client := "https://" + net.JoinHostPort(s.nodeIP, "2379")
	args := process.Arguments{
		"name":                        name,
		"data-dir":                    s.file("db/etcd"),
		"listen-client-urls":          client + ",https://127.0.0.1:2379",
		"advertise-client-urls":       client,
		"listen-peer-urls":            peer + ",https://127.0.0.1:2380",
		"initial-advertise-peer-urls": peer,
		"initial-cluster":             name + "=" + peer,
		"initial-cluster-state":       "new",
		"listen-metrics-urls":         "http://127.0.0.1:2381",
		"cert-file":                   s.file("tls/etcd/server-client.crt"),
		"key-file":                    s.file("tls/etcd/server-client.key"),
		"trusted-ca-file":             s.file("tls/etcd/server-ca.crt"),
		"client-cert-auth":            "true",
		"peer-cert-file":              s.file("tls/etcd/peer-server-client.crt"),
		"peer-key-file":               s.file("tls/etcd/peer-server-client.key"),
		"peer-trusted-ca-file":        s.file("tls/etcd/peer-ca.crt"),
		"peer-client-cert-auth":       "true",
		"heartbeat-interval":          "500",
		"election-timeout":            "5000",
		"snapshot-count":              "10000",
		"logger":                      "zap",
	}
	if err := s.component("etcd", args, "etcd-arg"); err != nil {
		return err
	}
	if err := waitForPort(ctx, "127.0.0.1:2379"); err != nil {
		return err
	}
	return s.keepIdentity(ctx)
}

// memberName is made once: an address that changes must not make another member of this one.
func (s *Server) memberName() (string, error) {
	file := s.file("db/etcd/name")
	if text, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	name := s.newMemberName()
	return name, os.WriteFile(file, []byte(name), 0o600)
}

func (s *Server) newMemberName() string {
	return fmt.Sprintf("%s-%08x", s.name, time.Now().UnixNano()&0xffffffff)
}

func (s *Server) peerURL() string { return "https://" + net.JoinHostPort(s.nodeIP, "2380") }

func (s *Server) startAPIServer() error {
	issuer := "https://kubernetes.default.svc." + s.Flags.String("cluster-domain")
	args := process.Arguments{
		"advertise-address":  s.advertised(),
		"allow-privileged":   "true",
		"anonymous-auth":     "false",
		"api-audiences":      issuer + ",k3s",
		"authorization-mode": "Node,RBAC",
		"bind-address":       "127.0.0.1",
		"secure-port":        strconv.Itoa(apiServerPort),
		"client-ca-file":     s.file("tls/client-ca.crt"),
		"cert-dir":           s.file("tls/temporary-certs"),
		// Upstream has no --advertise-port: the endpoints of the kubernetes Service are ours, see endpoints.go.
		"endpoint-reconciler-type":           "none",
		"enable-admission-plugins":           "NodeRestriction",
		"enable-aggregator-routing":          "true",
		"enable-bootstrap-token-auth":        "true",
		"etcd-servers":                       "https://127.0.0.1:2379",
		"etcd-cafile":                        s.file("tls/etcd/server-ca.crt"),
		"etcd-certfile":                      s.file("tls/etcd/client.crt"),
		"etcd-keyfile":                       s.file("tls/etcd/client.key"),
		"kubelet-certificate-authority":      s.file("tls/server-ca.crt"),
		"kubelet-client-certificate":         s.file("tls/client-kube-apiserver.crt"),
		"kubelet-client-key":                 s.file("tls/client-kube-apiserver.key"),
		"kubelet-preferred-address-types":    "InternalIP,ExternalIP,Hostname",
		"profiling":                          "false",
		"proxy-client-cert-file":             s.file("tls/client-auth-proxy.crt"),
		"proxy-client-key-file":              s.file("tls/client-auth-proxy.key"),
		"requestheader-allowed-names":        "system:auth-proxy",
		"requestheader-client-ca-file":       s.file("tls/request-header-ca.crt"),
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-username-headers":     "X-Remote-User",
		"service-account-issuer":             issuer,
		"service-account-key-file":           s.file("tls/service.key"),
		"service-account-signing-key-file":   s.file("tls/service.key"),
		"service-cluster-ip-range":           s.serviceCIDR,
		"service-node-port-range":            s.Flags.String("service-node-port-range"),
		"storage-backend":                    "etcd3",
		"tls-cert-file":                      s.file("tls/serving-kube-apiserver.crt"),
		"tls-private-key-file":               s.file("tls/serving-kube-apiserver.key"),
	}
	if file := s.file("cred/encryption-config.json"); s.Flags.Bool("secrets-encryption") {
		args["encryption-provider-config"] = file
		args["encryption-provider-config-automatic-reload"] = "true"
	}
	return s.component("kube-apiserver", args, "kube-apiserver-arg")
}

func (s *Server) startControllers() error {
	kubeconfig := s.file("cred/controller.kubeconfig")
	args := process.Arguments{
		"allocate-node-cidrs":              "true",
		"authentication-kubeconfig":        kubeconfig,
		"authorization-kubeconfig":         kubeconfig,
		"kubeconfig":                       kubeconfig,
		"bind-address":                     "127.0.0.1",
		"cluster-cidr":                     s.clusterCIDR,
		"service-cluster-ip-range":         s.serviceCIDR,
		"configure-cloud-routes":           "false",
		"controllers":                      "*,tokencleaner",
		"cluster-signing-cert-file":        s.file("tls/client-ca.crt"),
		"cluster-signing-key-file":         s.file("tls/client-ca.key"),
		"profiling":                        "false",
		"root-ca-file":                     s.file("tls/server-ca.crt"),
		"service-account-private-key-file": s.file("tls/service.key"),
		"tls-cert-file":                    s.file("tls/serving-kube-controller-manager.crt"),
		"tls-private-key-file":             s.file("tls/serving-kube-controller-manager.key"),
		"use-service-account-credentials":  "true",
		"leader-elect":                     "false", // one server; a dead leader's lease would only delay a restart
	}
	return s.component("kube-controller-manager", args, "kube-controller-manager-arg")
}

func (s *Server) startScheduler() error {
	kubeconfig := s.file("cred/scheduler.kubeconfig")
	args := process.Arguments{
		"authentication-kubeconfig": kubeconfig,
		"authorization-kubeconfig":  kubeconfig,
		"kubeconfig":                kubeconfig,
		"bind-address":              "127.0.0.1",
		"profiling":                 "false",
		"tls-cert-file":             s.file("tls/serving-kube-scheduler.crt"),
		"tls-private-key-file":      s.file("tls/serving-kube-scheduler.key"),
		"leader-elect":              "false",
	}
	return s.component("kube-scheduler", args, "kube-scheduler-arg")
}

func (s *Server) component(name string, args process.Arguments, extra string) error {
	given := args.With(s.Flags.Strings(extra))
	logrus.Infof("Running %s %s", name, strings.Join(given, " ")) // what kube-bench looks for in the journal
	return s.Group.Start(process.Child{Name: name, Path: process.Self(), Args: append([]string{name}, given...)})
}

// waitForAPI polls the API server's readiness with the supervisor's certificate.
func (s *Server) waitForAPI(ctx context.Context) error {
	certificate, err := tls.LoadX509KeyPair(s.file("tls/client-supervisor.crt"), s.file("tls/client-supervisor.key"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.identity.serverCA.PEM)
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}},
	}}
	start := time.Now()
	for {
		response, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/readyz", apiServerPort))
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				logrus.Infof("Kube API server is now running after %s", time.Since(start).Round(time.Millisecond))
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func waitForPort(ctx context.Context, address string) error {
	for {
		connection, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return connection.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
