package contract

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestNodeAddresses(t *testing.T) {
	for name, want := range map[string]string{
		"first":  "InternalIP=" + serverAddress + " ExternalIP=" + serverPublic + " ",
		"second": "InternalIP=" + agentAddress + " ExternalIP=" + agentPublic + " ",
	} {
		got := kubectl(t, "get", "node", name, "-o", "jsonpath={range .status.addresses[*]}{.type}={.address} {end}")
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s has the addresses %s, want %s", name, got, want)
		}
	}
}

func TestAdvertiseAddress(t *testing.T) {
	got := kubectl(t, "get", "endpointslice", "kubernetes", "-n", "default", "-o", "jsonpath={.endpoints[*].addresses[*]}:{.ports[*].port}")
	if got != serverAddress+":6443" {
		t.Errorf("the Service kubernetes leads to %s", got)
	}
}

func TestTLSSan(t *testing.T) {
	_, _, shown := agent.get(t, serverURL+"/ping")
	for _, name := range []string{"foo.local", "198.18.240.9", serverAddress} {
		if err := shown.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
}

func TestBindAddress(t *testing.T) {
	on := slices.DeleteFunc(server.listening(t, 6443), func(address string) bool { return address == "127.0.0.1" || address == "::1" })
	if !slices.Equal(on, []string{serverAddress}) {
		t.Errorf("6443 is open at %v", on)
	}
}

func TestServerPort(t *testing.T) {
	if status, _, _ := agent.get(t, serverURL+"/ping"); status != 200 {
		t.Errorf("status %d", status)
	}
}

func TestKubeletPort(t *testing.T) {
	if status, _, _ := server.get(t, "https://"+agentAddress+":10250/metrics"); status != 401 {
		t.Errorf("a stranger gets status %d", status)
	}
}

func TestEtcdPorts(t *testing.T) {
	for _, port := range []uint16{2379, 2380} {
		if on := server.listening(t, port); !slices.Contains(on, serverAddress) {
			t.Errorf("%d is open at %v", port, on)
		}
	}
}

func TestLocalPorts(t *testing.T) {
	everywhere := []uint16{10010, 10248, 10249, 10256}
	for n, ports := range map[*node][]uint16{server: append(everywhere, 2381, 6444, 10257, 10259), agent: everywhere} {
		for _, port := range ports {
			on := n.listening(t, port)
			outside := func(address string) bool { return address != "127.0.0.1" && address != "::1" }
			if len(on) == 0 || slices.ContainsFunc(on, outside) {
				t.Errorf("%s: %d is open at %v", n.name, port, on)
			}
		}
	}
}

func TestLoadBalancerPort(t *testing.T) {
	if on := agent.listening(t, 6555); !slices.Equal(on, []string{"127.0.0.1"}) {
		t.Errorf("6555 is open at %v", on)
	}
	if status, _, _ := agent.get(t, "https://127.0.0.1:6555/ping"); status != 200 {
		t.Errorf("status %d", status)
	}
}

func TestFlannelInterfaceAndPort(t *testing.T) {
	for n, address := range map[*node]string{server: serverAddress, agent: agentAddress} {
		link := n.must(t, "ip", "-d", "link", "show", "flannel.1")
		if !regexp.MustCompile(`vxlan id 1 local ` + regexp.QuoteMeta(address) + ` dev wire0 .*dstport 8472`).MatchString(link) {
			t.Errorf("%s: %s", n.name, link)
		}
	}
}

func TestFlannelConnectsTheNodes(t *testing.T) {
	target := kubectl(t, "get", "node", "second", "-o", "jsonpath={.spec.podCIDR}")
	gateway, _, _ := strings.Cut(target, "/")
	route := server.must(t, "ip", "route", "get", gateway)
	if !strings.Contains(route, "dev flannel.1") {
		t.Errorf("pods of the agent: %s", route)
	}
}

func TestClusterRanges(t *testing.T) {
	if pods := kubectl(t, "get", "node", "second", "-o", "jsonpath={.spec.podCIDR}"); !strings.HasPrefix(pods, "10.52.") {
		t.Errorf("pods get addresses of %s", pods)
	}
	if service := kubectl(t, "get", "service", "kubernetes", "-n", "default", "-o", "jsonpath={.spec.clusterIP}"); service != "10.53.0.1" {
		t.Errorf("the Service kubernetes is at %s", service)
	}
	if config := kubelet(t, "second"); !strings.Contains(config, `"clusterDNS":["10.53.0.10"]`) {
		t.Errorf("the kubelet's configuration: %s", config)
	}
}

func TestNodeLabelsAndTaints(t *testing.T) {
	if label := kubectl(t, "get", "node", "second", "-o", "jsonpath={.metadata.labels.hello}"); label != "world" {
		t.Errorf("label hello is %q", label)
	}
	taints := kubectl(t, "get", "node", "second", "-o", "jsonpath={range .spec.taints[*]}{.key}={.value}:{.effect} {end}")
	if !strings.Contains(taints, "key1=value1:NoExecute") {
		t.Errorf("taints: %s", taints)
	}
}

func TestServerRoles(t *testing.T) {
	roles := kubectl(t, "get", "node", "first", "--no-headers")
	if fields := strings.Fields(roles); len(fields) < 3 || !strings.HasPrefix(fields[2], "control-plane,etcd") {
		t.Errorf("the server's roles: %s", roles)
	}
	if fields := strings.Fields(kubectl(t, "get", "node", "second", "--no-headers")); fields[2] != "<none>" {
		t.Errorf("the agent's roles: %v", fields)
	}
}

// kubelet is a kubelet's configuration in force.
func kubelet(t *testing.T, name string) string {
	t.Helper()
	return kubectl(t, "get", "--raw", "/api/v1/nodes/"+name+"/proxy/configz")
}
