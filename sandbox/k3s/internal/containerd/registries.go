package containerd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"infra-k3s.invalid/sandbox/k3s/internal/flags"
)

type registries struct {
	Mirrors map[string]struct {
		Endpoint []string          `yaml:"endpoint"`
		Rewrite  map[string]string `yaml:"rewrite"`
	} `yaml:"mirrors"`
	Configs map[string]struct {
		Auth map[string]any `yaml:"auth"`
		TLS  struct {
			CAFile             string `yaml:"ca_file"`
			CertFile           string `yaml:"cert_file"`
			KeyFile            string `yaml:"key_file"`
			InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
		} `yaml:"tls"`
	} `yaml:"configs"`
}

// WriteRegistries turns K3s's registries.yaml into containerd's hosts.toml files. A missing file is fine.
func WriteRegistries(file, dataDir string) error {
	root := filepath.Join(dataDir, "agent/etc/containerd/certs.d")
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var r registries
	if err := yaml.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for host, settings := range r.Configs {
		if len(settings.Auth) > 0 {
			return flags.NotAnswered{What: "registries.yaml: configs." + host + ".auth"}
		}
	}
	hosts := map[string][]string{}
	for host, mirror := range r.Mirrors {
		if len(mirror.Rewrite) > 0 {
			return flags.NotAnswered{What: "registries.yaml: mirrors." + host + ".rewrite"}
		}
		hosts[host] = mirror.Endpoint
	}
	for host := range r.Configs {
		if _, known := hosts[host]; !known {
			hosts[host] = nil
		}
	}
	for host, endpoints := range hosts {
		if err := writeHost(root, host, endpoints, r); err != nil {
			return err
		}
	}
	return nil
}

func writeHost(root, host string, endpoints []string, r registries) error {
	folder, server := host, "https://"+host
	if host == "*" {
		folder, server = "_default", ""
	} else if host == "docker.io" {
		server = "https://registry-1.docker.io"
	}
	var text strings.Builder
	if server != "" {
		fmt.Fprintf(&text, "server = %q\n", server+"/v2")
	}
	for _, endpoint := range append(endpoints, server) {
		if endpoint == "" {
			continue
		}
		if !strings.Contains(endpoint, "://") {
			endpoint = "https://" + endpoint
		}
		name := strings.SplitN(strings.SplitN(endpoint, "://", 2)[1], "/", 2)[0]
		fmt.Fprintf(&text, "\n[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", strings.TrimSuffix(endpoint, "/v2")+"/v2")
		text.WriteString("  override_path = true\n")
		tls := r.Configs[name].TLS
		if tls.CAFile != "" {
			fmt.Fprintf(&text, "  ca = [%q]\n", tls.CAFile)
		}
		if tls.CertFile != "" {
			fmt.Fprintf(&text, "  client = [[%q, %q]]\n", tls.CertFile, tls.KeyFile)
		}
		if tls.InsecureSkipVerify {
			text.WriteString("  skip_verify = true\n")
		}
	}
	dir := filepath.Join(root, folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(text.String()), 0o600)
}
