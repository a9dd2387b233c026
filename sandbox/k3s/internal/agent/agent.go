// Package agent is the node's part of K3s: it joins the cluster and runs containerd, kubelet, kube-proxy and
// flannel.
package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"

	"infra-k3s.invalid/sandbox/k3s/internal/cluster"
	"infra-k3s.invalid/sandbox/k3s/internal/containerd"
	"infra-k3s.invalid/sandbox/k3s/internal/flags"
	"infra-k3s.invalid/sandbox/k3s/internal/process"
	"infra-k3s.invalid/sandbox/k3s/internal/token"
)

// Agent is one node.
type Agent struct {
	Flags    *flags.Values
	Server   string // URL of the supervisor
	Token    string
	OnServer bool   // the server's own agent needs no load balancer
	Programs string // folder with containerd, runc and the rest
	Group    *process.Group

	dataDir  string
	name     string
	nodeIPs  []string
	settings *cluster.Settings
	client   *client
	balancer *balancer
}

// Run joins and starts everything; it returns when the node's network is up.
func (a *Agent) Run(ctx context.Context) error {
	if err := a.prepare(); err != nil {
		return err
	}
	if err := a.join(ctx); err != nil {
		return err
	}
	if err := a.startContainerd(ctx); err != nil {
		return err
	}
	if err := a.startKubelet(); err != nil {
		return err
	}
	if err := a.startProxy(); err != nil {
		return err
	}
	if err := a.startNetwork(ctx); err != nil {
		return err
	}
	return a.startPolicies(ctx)
}

func (a *Agent) prepare() error {
	a.dataDir = a.Flags.String("data-dir")
	for _, dir := range []string{"agent/images", "agent/pod-manifests", "agent/etc/cni/net.d", "agent/etc/kubelet.conf.d", "agent/etc/flannel", "agent/containerd"} {
		if err := os.MkdirAll(filepath.Join(a.dataDir, dir), 0o755); err != nil {
			return err
		}
	}
	var err error
	if a.name, err = NodeName(a.Flags); err != nil {
		return err
	}
	if a.nodeIPs, err = NodeIPs(a.Flags); err != nil {
		return err
	}
	return nil
}

// join validates the token, then fetches configuration and certificates, for as long as it takes.
func (a *Agent) join(ctx context.Context) error {
	parsed, err := token.Parse(a.Token)
	if err != nil {
		return err
	}
	supervisor := a.Server
	if !a.OnServer {
		if supervisor, err = a.startBalancer(); err != nil {
			return err
		}
	}
	for {
		if a.client, err = connect(supervisor, parsed); err == nil {
			break
		}
		logrus.Errorf("Failed to validate connection to cluster at %s: %v", a.Server, err)
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	if parsed.CAHash == "" && !a.OnServer {
		logrus.Warn("Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a CA hash. " +
			"Use the full token from the server's node-token file to enable Cluster CA validation.")
	}
	for {
		if err = a.configure(); err == nil {
			return nil
		}
		logrus.Infof("Waiting to retrieve agent configuration; server is not ready: %v", err)
		if err := pause(ctx, 5*time.Second+rand.N(5*time.Second)); err != nil {
			return err
		}
	}
}

func (a *Agent) startBalancer() (string, error) {
	server, err := url.Parse(a.Server)
	if err != nil || server.Host == "" {
		return "", fmt.Errorf("Invalid server url, failed to parse: %s", a.Server)
	}
	host := server.Host
	if server.Port() == "" {
		host = net.JoinHostPort(server.Hostname(), "443")
	}
	listen := fmt.Sprintf("127.0.0.1:%d", a.Flags.Int("lb-server-port"))
	a.balancer, err = startBalancer(listen, host)
	return "https://" + listen, err
}

func (a *Agent) startContainerd(ctx context.Context) error {
	if err := containerd.WriteRegistries(a.Flags.String("private-registry"), a.dataDir); err != nil {
		return err
	}
	file, err := containerd.Write(containerd.Settings{
		DataDir: a.dataDir, Programs: a.bin(), PauseImage: a.Flags.String("pause-image"),
		Snapshotter: a.Flags.String("snapshotter"), SystemdCgroup: cgroupDriver() == "systemd",
	})
	if err != nil {
		return err
	}
	err = a.Group.Start(process.Child{
		Name: "containerd", Path: filepath.Join(a.bin(), "containerd"),
		Args: []string{"--config", file, "--log-level", "info"},
		Env:  []string{a.path()},
		Log:  filepath.Join(a.dataDir, "agent/containerd/containerd.log"),
	})
	if err != nil {
		return err
	}
	if err := containerd.WaitForSocket(ctx); err != nil {
		return err
	}
	images := &containerd.Importer{DataDir: a.dataDir, Programs: a.bin()}
	images.Once(ctx)
	go images.Run(ctx)
	return nil
}

// path puts the node's own tools first; what K3s carries fills the gaps.
func (a *Agent) path() string {
	return "PATH=" + os.Getenv("PATH") + ":" + a.bin() + ":" + filepath.Join(a.Programs, "aux")
}

func (a *Agent) bin() string { return filepath.Join(a.Programs, "bin") }

func (a *Agent) file(name string) string { return filepath.Join(a.dataDir, "agent", name) }

// pause waits, or ends with the context.
func pause(ctx context.Context, duration time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(duration):
		return nil
	}
}
