// Package server is the control plane's part of K3s: identity, etcd, the Kubernetes components, the
// supervisor and the small controllers.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sirupsen/logrus"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	cliflag "k8s.io/component-base/cli/flag"

	"infra-k3s.invalid/sandbox/k3s/internal/agent"
	"infra-k3s.invalid/sandbox/k3s/internal/cloud"
	"infra-k3s.invalid/sandbox/k3s/internal/cluster"
	"infra-k3s.invalid/sandbox/k3s/internal/flags"
	"infra-k3s.invalid/sandbox/k3s/internal/manifests"
	"infra-k3s.invalid/sandbox/k3s/internal/process"
	"infra-k3s.invalid/sandbox/k3s/internal/snapshot"
	"infra-k3s.invalid/sandbox/k3s/internal/supervisor"
)

// Server is one control plane node.
type Server struct {
	Flags *flags.Values
	Token string // as given; empty to reuse or make one
	Group *process.Group

	dir         string // DATADIR/server
	name        string
	nodeIP      string
	clusterCIDR string
	serviceCIDR string
	clusterDNS  []string
	identity    *identity
	snapshots   *snapshot.Manager
	password    atomic.Value // string: the token's that is in force, which the next start needs
	rotating    sync.Mutex
}

// apiServerPort is where the child listens on loopback; the supervisor stands before it.
const apiServerPort = 6444

// Run starts everything and returns when the API answers.
func (s *Server) Run(ctx context.Context) error {
	if err := s.prepare(); err != nil {
		return err
	}
	var err error
	if s.identity, err = s.ensureIdentity(); err != nil {
		return fmt.Errorf("preparing server: %w", err)
	}
	if err := s.startDatabase(ctx); err != nil {
		return err
	}
	s.snapshots = &snapshot.Manager{
		Server: s.dir, Node: s.name, Database: s.databaseConfig, Password: func() string { return s.password.Load().(string) },
		Defaults: s.snapshotSettings(),
	}
	if err := s.startAPIServer(); err != nil {
		return err
	}
	front, err := s.startSupervisor(ctx)
	if err != nil {
		return err
	}
	if err := s.writeAdminKubeconfig(); err != nil {
		return err
	}
	if err := s.waitForAPI(ctx); err != nil {
		return err
	}
	if err := errors.Join(s.startControllers(), s.startScheduler()); err != nil {
		return err
	}
	api, err := s.client()
	if err != nil {
		return err
	}
	if err := s.publish(ctx, api); err != nil {
		return err
	}
	if err := s.endReset(ctx, api); err != nil {
		return err
	}
	front.SetAPI(api)
	if err := s.startSnapshots(ctx, api); err != nil {
		return err
	}
	go s.labelNode(ctx, api)
	if !s.Flags.Bool("disable-cloud-controller") {
		go cloud.Run(ctx, api)
	} else {
		go cloud.ForgetPasswords(ctx, api)
	}
	deploy, err := manifests.New(filepath.Join(s.dir, "manifests"), s.file("cred/supervisor.kubeconfig"), s.Flags.Strings("disable"),
		map[string]string{"CLUSTER_DNS": s.clusterDNS[0], "CLUSTER_DOMAIN": s.Flags.String("cluster-domain")})
	if err != nil {
		return err
	}
	deploy.Apply(ctx) // the packaged roles must be there before the first node asks for its network
	go deploy.Run(ctx)
	logrus.Info("k3s is up and running")
	return nil
}

// URL is where the server's own agent finds the supervisor.
func (s *Server) URL() string {
	host := "127.0.0.1"
	if address := s.Flags.String("bind-address"); address != "" {
		host = address
	}
	return "https://" + net.JoinHostPort(host, s.Flags.String("https-listen-port"))
}

// AgentToken is what the server's own agent joins with.
func (s *Server) AgentToken() string { return s.identity.token }

func (s *Server) prepare() error {
	s.dir = filepath.Join(s.Flags.String("data-dir"), "server")
	for _, dir := range []string{"tls/etcd", "cred", "manifests", "static", "db/etcd"} {
		if err := os.MkdirAll(s.file(dir), 0o700); err != nil {
			return err
		}
	}
	// With a database on disk, how the cluster came to be no longer matters, as in K3s.
	if _, err := os.Stat(s.file("db/etcd/member")); err != nil && s.Flags.String("cluster-reset-restore-path") == "" {
		if s.Flags.String("server") != "" {
			return flags.NotAnswered{What: "--server on a server (joining a further control plane node)"}
		}
		if !s.Flags.Bool("cluster-init") {
			return flags.NotAnswered{What: "a server without --cluster-init (SQLite)"}
		}
	}
	// The API server reaches kubelets at their addresses: there is no tunnel to route anything through.
	if mode := s.Flags.String("egress-selector-mode"); mode != "agent" && mode != "disabled" {
		return flags.NotAnswered{What: "--egress-selector-mode " + mode}
	}
	var err error
	if s.name, err = agent.NodeName(s.Flags); err != nil {
		return err
	}
	addresses, err := agent.NodeIPs(s.Flags)
	if err != nil {
		return err
	}
	s.nodeIP = addresses[0]
	return s.ranges()
}

func (s *Server) startSupervisor(ctx context.Context) (*supervisor.Supervisor, error) {
	port := s.Flags.Int("https-listen-port")
	ciphers, version, err := s.tlsOptions()
	if err != nil {
		return nil, err
	}
	front := &supervisor.Supervisor{
		Ciphers:    ciphers,
		MinVersion: version,
		Listen:     s.listen(),
		TLSDir:     s.file("tls"),
		Backend:    fmt.Sprintf("127.0.0.1:%d", apiServerPort),
		Password:   s.identity.password,
		ServerCA:   s.identity.serverCA,
		ClientCA:   s.identity.clientCA,
		Addresses:  []string{net.JoinHostPort(s.advertised(), strconv.Itoa(port))},
		Settings: cluster.Settings{
			ClusterIPRange: s.clusterCIDR, ServiceIPRange: s.serviceCIDR, ClusterDNS: s.clusterDNS,
			ClusterDomain: s.Flags.String("cluster-domain"), FlannelBackend: "vxlan",
			HTTPSPort: port, SupervisorPort: port, DisableCCM: s.Flags.Bool("disable-cloud-controller"),
			DisableNPC: s.Flags.Bool("disable-network-policy"),
		},
		Snapshots: s.snapshots, SnapshotDefaults: s.snapshotSettings(), RotateToken: s.rotateToken,
	}
	return front, front.Start(ctx, s.Group)
}

func (s *Server) listen() string {
	return net.JoinHostPort(s.Flags.String("bind-address"), s.Flags.String("https-listen-port"))
}

// tlsOptions are the API server's: K3s listens before it with the same.
func (s *Server) tlsOptions() (ciphers []uint16, version uint16, err error) {
	given := map[string]string{}
	for _, text := range s.Flags.Strings("kube-apiserver-arg") {
		name, value, _ := strings.Cut(text, "=")
		given[name] = value
	}
	if version, err = cliflag.TLSVersion(given["tls-min-version"]); err != nil {
		return nil, 0, err
	}
	if given["tls-cipher-suites"] != "" {
		ciphers, err = cliflag.TLSCipherSuites(strings.Split(given["tls-cipher-suites"], ","))
	}
	return ciphers, version, err
}

// advertised is the address the API tells its members: --advertise-address, else the external, else the
// internal address.
func (s *Server) advertised() string {
	if address := s.Flags.String("advertise-address"); address != "" {
		return address
	}
	if external := s.Flags.Strings("node-external-ip"); len(external) > 0 {
		return external[0]
	}
	return s.nodeIP
}

func (s *Server) clientConfig() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", s.file("cred/supervisor.kubeconfig"))
	if err == nil {
		config.QPS, config.Burst = 50, 100
	}
	return config, err
}

func (s *Server) client() (kubernetes.Interface, error) {
	config, err := s.clientConfig()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

func (s *Server) file(name string) string { return filepath.Join(s.dir, name) }
