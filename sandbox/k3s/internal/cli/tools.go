package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"infra-k3s.invalid/sandbox/k3s/internal/components"
	"infra-k3s.invalid/sandbox/k3s/internal/containerd"
	"infra-k3s.invalid/sandbox/k3s/internal/payload"
)

const (
	dataDir       = "/var/lib/rancher/k3s"
	adminKubeFile = "/etc/rancher/k3s/k3s.yaml"
)

// kubectl uses the server's kubeconfig where there is one; elsewhere it is a plain kubectl.
func kubectl(args []string) int {
	if os.Getenv("KUBECONFIG") == "" {
		if _, err := os.Stat(adminKubeFile); err == nil {
			_ = os.Setenv("KUBECONFIG", adminKubeFile)
		}
	}
	return components.Run("kubectl", args)
}

// ctr becomes the containerd client of the payload, aimed at K3s's socket and Kubernetes' namespace.
func ctr(args []string) int {
	programs, err := payload.Extract(folder())
	if err != nil {
		return finish(err)
	}
	setDefault("CONTAINERD_ADDRESS", containerd.Socket)
	setDefault("CONTAINERD_NAMESPACE", "k8s.io")
	path := filepath.Join(programs, "bin/ctr")
	return finish(fmt.Errorf("%s: %w", path, syscall.Exec(path, append([]string{"ctr"}, args...), os.Environ())))
}

func setDefault(name, value string) {
	if os.Getenv(name) == "" {
		_ = os.Setenv(name, value)
	}
}

func folder() string {
	if dir := os.Getenv("K3S_DATA_DIR"); dir != "" {
		return dir
	}
	return dataDir
}
