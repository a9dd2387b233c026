// Package containerd writes containerd's configuration, its registry hosts, and imports image archives.
package containerd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/distribution/reference"
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
	// containerd pins an image by its whole name only; one that is not pinned goes when the disk is nearly full.
	pause, err := reference.ParseDockerRef(s.PauseImage)
	if err != nil {
		return "", fmt.Errorf("pause-image %s: %w", s.PauseImage, err)
	}
	file := filepath.Join(dir, "config.toml")
	text := fmt.Sprintf(configuration,
		filepath.Join(dir, "config-v3.toml.d/*.toml"),
		filepath.Join(s.DataDir, "agent/containerd"), Socket, filepath.Join(s.DataDir, "agent/containerd"),
		pause.String(), s.Snapshotter, filepath.Join(dir, "certs.d"),
		!appArmorUsable(), !mayLowerOOMScore(),
		filepath.Join(s.DataDir, "data/cni"), filepath.Join(s.DataDir, "agent/etc/cni/net.d"),
		filepath.Join(s.Programs, "runc"), s.SystemdCgroup)
	rendered, err := userTemplate(filepath.Join(dir, "config-v3.toml.tmpl"), text)
	if err != nil {
		return "", err
	}
	return file, os.WriteFile(file, rendered, 0o600)
}

// userTemplate renders a user's template, which may include ours as "base".
func userTemplate(file, base string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return []byte(base), nil
	}
	if err != nil {
		return nil, err
	}
	// The base is text, not a template: what looks like an action in it stays as it is.
	whole, err := template.New("config").Parse("{{ define \"base\" }}{{ .Base }}{{ end }}" + string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var out bytes.Buffer
	if err := whole.Execute(&out, map[string]string{"Base": base}); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return out.Bytes(), nil
}

const configuration = `# Written by k3s at each start.
version = 3
imports = [%q]
root = %q
state = "/run/k3s/containerd"

[grpc]
  address = %q

[plugins.'io.containerd.internal.v1.opt']
  path = %q

[plugins.'io.containerd.grpc.v1.cri']
  stream_server_address = "127.0.0.1"
  stream_server_port = "10010"

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
