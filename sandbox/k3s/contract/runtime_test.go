package contract

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func TestKubectlFindsTheKubeconfig(t *testing.T) {
	if names := server.must(t, "env", "-u", "KUBECONFIG", binary, "kubectl", "get", "nodes", "-o", "name"); !strings.Contains(names, "node/first") {
		t.Errorf("nodes: %s", names)
	}
}

func TestKubeconfigWorksElsewhere(t *testing.T) {
	text := server.read(t, adminConfig)
	if !strings.Contains(text, "server: "+serverURL) {
		text = strings.Replace(text, "https://127.0.0.1:6443", serverURL, 1)
	}
	if err := agent.write("/etc/rancher/admin.yaml", text); err != nil {
		t.Fatal(err)
	}
	if names := agent.must(t, binary, "kubectl", "--kubeconfig=/etc/rancher/admin.yaml", "get", "nodes", "-o", "name"); !strings.Contains(names, "node/first") {
		t.Errorf("nodes: %s", names)
	}
}

func TestCtr(t *testing.T) {
	if said := agent.must(t, binary, "ctr", "version"); !strings.Contains(said, "Server:") {
		t.Errorf("ctr version: %s", said)
	}
}

func TestImageArchivesAreImported(t *testing.T) {
	const image = "docker.io/contract/nothing:1"
	if err := agent.write(dataDir+"/agent/images/contract.tar.gz", emptyImage(t, image)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if list := agent.must(t, binary, "ctr", "images", "list"); !strings.Contains(list, image) {
			return errors.New("not imported: " + list)
		}
		return nil
	})
}

// emptyImage is an archive as `docker image save` writes it.
func emptyImage(t *testing.T, name string) string {
	t.Helper()
	archive := func(files ...string) []byte {
		var out bytes.Buffer
		writer := tar.NewWriter(&out)
		for i := 0; i+1 < len(files); i += 2 {
			if err := writer.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
				t.Fatal(err)
			}
			if _, err := writer.Write([]byte(files[i+1])); err != nil {
				t.Fatal(err)
			}
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	layer := archive("nothing", "")
	config := fmt.Sprintf(`{"architecture":%q,"os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, runtime.GOARCH, sha256.Sum256(layer))
	manifest := fmt.Sprintf(`[{"Config":"config.json","RepoTags":[%q],"Layers":["layer.tar"]}]`, name)
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := zip.Write(archive("layer.tar", string(layer), "config.json", config, "manifest.json", manifest)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestRegistries(t *testing.T) {
	hosts := agent.read(t, dataDir+"/agent/etc/containerd/certs.d/docker.io/hosts.toml")
	for _, want := range []string{"https://registry.example.com:5000", "/etc/rancher/k3s/registry-ca.pem", "server = "} {
		if !strings.Contains(hosts, want) {
			t.Errorf("no %s in\n%s", want, hosts)
		}
	}
}

func TestContainerdConfig(t *testing.T) {
	if config := server.read(t, dataDir+"/agent/etc/containerd/config.toml"); !strings.Contains(config, "version = 3") {
		t.Errorf("config.toml:\n%s", config)
	}
}

func TestContainerdTemplate(t *testing.T) {
	config := agent.read(t, dataDir+"/agent/etc/containerd/config.toml")
	own, custom := strings.Index(config, "runtimes.runc"), strings.Index(config, "runtimes.'custom'")
	if own < 0 || custom < own {
		t.Errorf("want the base and the template's lines after it:\n%s", config)
	}
}

func TestKubeletDefaults(t *testing.T) {
	if text := agent.read(t, dataDir+"/agent/etc/kubelet.conf.d/00-k3s-defaults.conf"); !strings.Contains(text, "KubeletConfiguration") {
		t.Errorf("the defaults:\n%s", text)
	}
}

func TestKubeletDropIns(t *testing.T) {
	if config := kubelet(t, "second"); !strings.Contains(config, `"registryPullQPS":7`) {
		t.Errorf("the kubelet's configuration: %s", config)
	}
}

func TestKubeletArguments(t *testing.T) {
	if config := kubelet(t, "second"); !strings.Contains(config, `"maxPods":77`) {
		t.Errorf("the kubelet's configuration: %s", config)
	}
}

func TestResolvConf(t *testing.T) {
	if config := kubelet(t, "second"); !strings.Contains(config, `"resolvConf":"/etc/rancher/k3s/pods-resolv.conf"`) {
		t.Errorf("the kubelet's configuration: %s", config)
	}
}

// The cluster was waited for by these messages: see main_test.go.
func TestServiceManagerIsTold(t *testing.T) {
	for _, k := range []*k3s{controlPlane, member} {
		select {
		case <-k.ready:
		default:
			t.Errorf("%s said nothing", k.node.name)
		}
	}
}
