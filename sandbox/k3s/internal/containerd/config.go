// Package containerd writes containerd's configuration, its registry hosts, and imports image archives.
package containerd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Socket is where K3s's containerd listens.
const Socket = "/run/k3s/containerd/containerd.sock"

// Settings are what the configuration depends on.
type Settings struct {
	DataDir       string // K3s's data folder
	Programs      string // the folder with runc
	PauseImage    string
	Snapshotter   string
	SystemdCgroup bool
}

// Write writes agent/etc/containerd/config.toml and returns its path.
func Write(s Settings) (string, error) {
	dir := filepath.Join(s.DataDir, "agent/etc/containerd")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "config.toml")
	text := fmt.Sprintf(template,
		filepath.Join(s.DataDir, "agent/containerd"), Socket,
		s.PauseImage, s.Snapshotter, filepath.Join(dir, "certs.d"),
		!appArmorUsable(), !mayLowerOOMScore(),
		filepath.Join(s.DataDir, "data/cni"), filepath.Join(s.DataDir, "agent/etc/cni/net.d"),
		filepath.Join(s.Programs, "runc"), s.SystemdCgroup)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

const template = `# Written by k3s at each start.
version = 3
root = %q
state = "/run/k3s/containerd"

[grpc]
  address = %q

[plugins.'io.containerd.internal.v1.opt']
  path = "/var/lib/rancher/k3s/agent/containerd"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = %q

[plugins.'io.containerd.cri.v1.images']
  snapshotter = %q
  disable_snapshot_annotations = true
  use_local_image_pull = true

[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = %q

[plugins.'io.containerd.cri.v1.runtime']
  enable_selinux = false
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  disable_apparmor = %t
  restrict_oom_score_adj = %t

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = [%q]
  conf_dir = %q

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = %q
  SystemdCgroup = %t
`

// appArmorUsable tells whether profiles can be loaded: a kernel with AppArmor and the parser at hand.
func appArmorUsable() bool {
	enabled, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	if err != nil || !strings.HasPrefix(string(enabled), "Y") {
		return false
	}
	_, err = exec.LookPath("apparmor_parser")
	return err == nil
}

// mayLowerOOMScore tries it on itself: without CAP_SYS_RESOURCE a container's score can't be lowered.
func mayLowerOOMScore() bool {
	const file = "/proc/self/oom_score_adj"
	current, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	if err := os.WriteFile(file, []byte("-998"), 0o644); err != nil {
		return false
	}
	return os.WriteFile(file, current, 0o644) == nil
}
