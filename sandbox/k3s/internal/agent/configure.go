package agent

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"infra-k3s.invalid/sandbox/k3s/internal/certs"
	"infra-k3s.invalid/sandbox/k3s/internal/kubeconfig"
	"infra-k3s.invalid/sandbox/k3s/internal/nodepassword"
)

// configure fetches what the node needs from the server: settings, certificates, the servers' addresses.
func (a *Agent) configure() error {
	settings, err := a.client.settings()
	if err != nil {
		return err
	}
	a.settings = settings
	if name := a.Flags.String("flannel-iface"); name != "" {
		if _, err := net.InterfaceByName(name); err != nil {
			return fmt.Errorf("unable to find interface %s: %w", name, err)
		}
	}
	for _, name := range []string{"client-ca.crt", "server-ca.crt"} {
		text, err := a.client.Get("/v1-k3s/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(a.file(name), text, 0o600); err != nil {
			return err
		}
	}
	header, err := a.identityHeader()
	if err != nil {
		return err
	}
	if err := a.fetch("serving-kubelet", header); err != nil {
		return err
	}
	for name, config := range map[string]string{
		"client-kubelet": "kubelet.kubeconfig", "client-kube-proxy": "kubeproxy.kubeconfig", "client-k3s-controller": "k3scontroller.kubeconfig",
	} {
		if err := a.fetch(name, header); err != nil {
			return err
		}
		err := kubeconfig.Write(a.file(config), a.apiServer(), a.file("server-ca.crt"), a.file(name+".crt"), a.file(name+".key"))
		if err != nil {
			return err
		}
	}
	return a.learnServers()
}

// apiServer is where this node's components find the API: the child of the server, or the load balancer.
func (a *Agent) apiServer() string {
	if a.OnServer {
		return "https://127.0.0.1:6444"
	}
	return fmt.Sprintf("https://127.0.0.1:%d", a.Flags.Int("lb-server-port"))
}

func (a *Agent) identityHeader() (http.Header, error) {
	password, err := nodepassword.Ensure(nodepassword.File)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set("k3s-Node-Name", a.name)
	header.Set("k3s-Node-Password", password)
	header.Set("k3s-Node-IP", strings.Join(append(a.nodeIPs, a.Flags.Strings("node-external-ip")...), ","))
	return header, nil
}

// fetch has the server sign this node's key and keeps the certificate beside it.
func (a *Agent) fetch(name string, header http.Header) error {
	key, err := certs.EnsureKey(a.file(name + ".key"))
	if err != nil {
		return err
	}
	answer, err := a.client.certificate("/v1-k3s/"+name+".crt", key, header)
	if err != nil {
		return fmt.Errorf("%s: %w", a.file(name+".crt"), err)
	}
	certificates, _ := certs.Split(answer)
	return os.WriteFile(a.file(name+".crt"), certificates, 0o600)
}

func (a *Agent) learnServers() error {
	if a.balancer == nil {
		return nil
	}
	text, err := a.client.Get("/v1-k3s/apiservers")
	if err != nil {
		return err
	}
	var servers []string
	if err := json.Unmarshal(text, &servers); err != nil {
		return err
	}
	a.balancer.set(servers)
	return nil
}
