package contract

import (
	"os"
	"time"
)

// The server's files, with what the documentation's example of several files has in them. The last two arguments let
// kubelet and kube-proxy run where the kernel is not theirs.
var serverFiles = map[string]string{
	"/etc/rancher/k3s/config.yaml": `token: boop
cluster-init: true
node-name: first
bind-address: 198.18.240.1
advertise-address: 198.18.240.1
node-ip: 198.18.240.1
node-external-ip: 198.51.100.1
tls-san:
  - foo.local
  - 198.18.240.9
flannel-iface: wire0
cluster-cidr: 10.52.0.0/16
service-cidr: 10.53.0.0/16
cluster-dns: 10.53.0.10
secrets-encryption: true
disable:
  - coredns,traefik,servicelb
  - local-storage
  - metrics-server
  - contract-disabled
node-label:
  - foo=bar
  - bar=baz
kubelet-arg:
  - fail-cgroupv1=false
kube-proxy-arg:
  - conntrack-max-per-core=0
  - conntrack-min=0
`,
	"/etc/rancher/k3s/config.yaml.d/test1.yaml": `write-kubeconfig-mode: 600
node-taint:
  - alice=bob:NoExecute
`,
	"/etc/rancher/k3s/config.yaml.d/test2.yaml": `write-kubeconfig-mode: 777
node-label:
  - other=what
  - foo=three
node-taint+:
  - charlie=delta:NoSchedule
`,
}

var agentFiles = map[string]string{
	"/etc/rancher/k3s/config.yaml": `server: https://198.18.240.1:6443
token-file: /etc/rancher/k3s/join-token
node-name: second
node-ip: 198.18.240.2
node-external-ip: 198.51.100.2
flannel-iface: wire0
lb-server-port: 6555
resolv-conf: /etc/rancher/k3s/pods-resolv.conf
node-label:
  - hello=world
node-taint:
  - key1=value1:NoExecute
kubelet-arg:
  - fail-cgroupv1=false
  - max-pods=77
kube-proxy-arg:
  - conntrack-max-per-core=0
  - conntrack-min=0
`,
	"/etc/rancher/k3s/pods-resolv.conf": "nameserver 198.51.100.251\n",
	"/etc/rancher/k3s/registries.yaml": `mirrors:
  docker.io:
    endpoint:
      - "https://registry.example.com:5000"
configs:
  "registry.example.com:5000":
    tls:
      ca_file: /etc/rancher/k3s/registry-ca.pem
`,
	dataDir + "/agent/etc/containerd/config-v3.toml.tmpl": `{{ template "base" . }}

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'custom']
  runtime_type = "io.containerd.runc.v2"
`,
	dataDir + "/agent/etc/kubelet.conf.d/99-contract.conf": `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
registryPullQPS: 7
`,
}

// startCluster starts the server, and the agent with the token that the server wrote.
func startCluster() error {
	for name, text := range serverFiles {
		if err := server.write(name, text); err != nil {
			return err
		}
	}
	var err error
	if controlPlane, err = server.start(nil, "server"); err != nil {
		return err
	}
	if err := controlPlane.waitReady(2 * time.Minute); err != nil {
		return err
	}
	token, err := os.ReadFile(server.path(dataDir + "/server/token"))
	if err != nil {
		return err
	}
	if err := agent.write("/etc/rancher/k3s/join-token", string(token)); err != nil {
		return err
	}
	for name, text := range agentFiles {
		if err := agent.write(name, text); err != nil {
			return err
		}
	}
	if member, err = agent.start(nil, "agent"); err != nil {
		return err
	}
	if err := member.waitReady(2 * time.Minute); err != nil {
		return err
	}
	_, err = server.run(binary, "kubectl", "wait", "--for=condition=Ready", "node/first", "node/second", "--timeout=60s")
	return err
}
