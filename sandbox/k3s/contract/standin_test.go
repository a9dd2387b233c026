package contract

import (
	"strings"
	"testing"
)

// What K3s has and the stand-in has not must end at once, by name: nothing that is asked for may silently be left out.
func TestStandInSaysWhatItHasNot(t *testing.T) {
	if said, _ := visitor.once(nil, "--version"); !strings.Contains(said, ".standin") {
		t.Log("a real K3s has it all")
		return
	}
	const exitNotAnswered = 69
	server := []string{"server", "--config=/etc/rancher/nothing.yaml", "--data-dir=/var/lib/rancher/nothing", "--node-ip=198.18.240.3"}
	with := func(args ...string) []string { return append(append([]string{}, server...), args...) }
	if err := visitor.write("/etc/rancher/nothing.yaml", "{}\n"); err != nil {
		t.Fatal(err)
	}
	for what, args := range map[string][]string{
		"k3s certificate":                         {"certificate", "check"},
		"k3s secrets-encrypt rotate-keys":         {"secrets-encrypt", "rotate-keys"},
		"k3s crictl":                              {"crictl", "ps"},
		"k3s check-config":                        {"check-config"},
		"k3s completion":                          {"completion", "bash"},
		"k3s token create":                        {"token", "create"},
		"k3s token list":                          {"token", "list"},
		"k3s token delete":                        {"token", "delete", "abcdef"},
		"a server without --cluster-init":         with(),
		"--server on a server":                    with("--server", serverURL, "--token", password),
		"--agent-token":                           with("--cluster-init", "--agent-token=other"),
		"--etcd-expose-metrics":                   with("--cluster-init", "--etcd-expose-metrics"),
		"--flannel-backend":                       with("--cluster-init", "--flannel-backend=wireguard-native"),
		"--flannel-external-ip":                   with("--cluster-init", "--flannel-external-ip"),
		"--egress-selector-mode pod":              with("--cluster-init", "--egress-selector-mode=pod"),
		"--datastore-endpoint":                    with("--datastore-endpoint=mysql://nowhere"),
		"--vpn-auth":                              with("--cluster-init", "--vpn-auth=name=tailscale,joinKey=none"),
		"--cluster-cidr with two ranges":          with("--cluster-init", "--cluster-cidr=10.42.0.0/16,2001:db8:42::/56"),
		"--service-cidr with an IPv6 range":       with("--cluster-init", "--service-cidr=2001:db8:43::/112"),
		"--node-ip with an IPv6 address":          with("--cluster-init", "--node-ip=2001:db8::3"),
		"--with-node-id":                          with("--cluster-init", "--with-node-id"),
		"registries.yaml: configs.x.example.auth": {"agent", "--config=/etc/rancher/nothing.yaml", "--data-dir=/var/lib/rancher/nothing", "--node-ip=198.18.240.3", "--node-name=nothing", "--server", serverURL, "--token", password, "--private-registry=/etc/rancher/private.yaml"},
	} {
		if strings.HasPrefix(what, "registries") {
			if err := visitor.write("/etc/rancher/private.yaml", "configs:\n  x.example:\n    auth:\n      username: one\n      password: two\n"); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(what, func(t *testing.T) {
			said, code := visitor.once(nil, args...)
			if code != exitNotAnswered || !strings.Contains(said, "not answered by the stand-in: "+what) {
				t.Errorf("k3s %s: exit code %d: %s", strings.Join(args, " "), code, tail(said))
			}
		})
	}
}
