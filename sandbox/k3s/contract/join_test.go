package contract

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestServerTokenFile(t *testing.T) {
	token := strings.TrimSpace(server.read(t, dataDir+"/server/token"))
	sum := sha256.Sum256([]byte(server.read(t, dataDir+"/server/tls/server-ca.crt")))
	if want := fmt.Sprintf("K10%x::server:%s", sum, password); token != want {
		t.Errorf("token %s, want %s", token, want)
	}
}

func TestAgentTokenFile(t *testing.T) {
	target, err := os.Readlink(server.path(dataDir + "/server/agent-token"))
	if err != nil || !strings.HasSuffix(target, "token") || strings.HasSuffix(target, "agent-token") {
		t.Errorf("agent-token is a link to %q: %v", target, err)
	}
}

func TestTokenGenerate(t *testing.T) {
	said, code := visitor.once(nil, "token", "generate")
	if code != 0 || !regexp.MustCompile(`^[a-z0-9]{6}\.[a-z0-9]{16}\n$`).MatchString(said) {
		t.Errorf("exit code %d: %q", code, said)
	}
}

func TestCACerts(t *testing.T) {
	status, body, _ := visitor.get(t, serverURL+"/cacerts")
	if want := server.read(t, dataDir+"/server/tls/server-ca.crt"); status != 200 || body != want {
		t.Errorf("status %d: %s", status, body)
	}
}

// The agent's token is the one that the server wrote: see main_test.go.
func TestAgentJoinsWithTheSecureToken(t *testing.T) {
	if token := agent.read(t, "/etc/rancher/k3s/join-token"); !strings.HasPrefix(token, "K10") {
		t.Fatalf("that token is not in secure format: %s", token)
	}
	if ready := kubectl(t, "get", "node", "second", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`); ready != "True" {
		t.Errorf("Ready is %s", ready)
	}
}

// refused starts an agent on the third node that must not get in.
func refused(t *testing.T, token, name string, says *regexp.Regexp) {
	t.Helper()
	k, err := visitor.start(nil, "agent", "--server", serverURL, "--token", token, "--node-name", name, "--data-dir", "/var/lib/rancher/refused")
	if err != nil {
		t.Fatal(err)
	}
	defer k.stop()
	k.until(t, says.String(), says.MatchString)
}

func TestWrongCAHashIsRefused(t *testing.T) {
	refused(t, "K10"+strings.Repeat("0", 64)+"::server:"+password, "stranger", regexp.MustCompile("CA hash does not match"))
	if err := exists(visitor, "/var/lib/rancher/refused/agent/client-kubelet.crt"); err == nil {
		t.Error("it got a certificate")
	}
}

func TestWrongPasswordIsRefused(t *testing.T) {
	refused(t, "wrong", "stranger", regexp.MustCompile(`(?i)401 Unauthorized|not authorized`))
	if names := kubectl(t, "get", "secrets", "-n", "kube-system", "-o", "name"); strings.Contains(names, "stranger.") {
		t.Errorf("it was registered: %s", names)
	}
}

func TestNodePasswordIsStored(t *testing.T) {
	if text := strings.TrimSpace(agent.read(t, "/etc/rancher/node/password")); len(text) < 16 {
		t.Errorf("%d characters in the node's file", len(text))
	}
	kubectl(t, "get", "secret", "-n", "kube-system", "second.node-password.k3s")
}

func TestNodePasswordIsChecked(t *testing.T) {
	refused(t, password, "second", regexp.MustCompile(`(?i)node password rejected`))
}

// A third node joins with a short token given by environment, leaves, and comes back as another machine.
func TestShortTokenByEnvironment(t *testing.T) {
	joinBriefly(t)
}

func TestDeletedNodeMayJoinAgain(t *testing.T) {
	joinBriefly(t)
	if err := os.RemoveAll(visitor.path("/etc/rancher/node")); err != nil {
		t.Fatal(err)
	}
	refused(t, password, "third", regexp.MustCompile(`(?i)node password rejected`))
	kubectl(t, "delete", "node", "third")
	eventually(t, func() error {
		if names := kubectl(t, "get", "secrets", "-n", "kube-system", "-o", "name"); strings.Contains(names, "third.node-password") {
			return errors.New("the deleted node's password is still there")
		}
		return nil
	})
	joinBriefly(t)
}

func joinBriefly(t *testing.T) {
	t.Helper()
	config := "node-ip: 198.18.240.3\nflannel-iface: wire0\nkubelet-arg: [fail-cgroupv1=false]\nkube-proxy-arg: [conntrack-max-per-core=0, conntrack-min=0]\n"
	if err := visitor.write("/etc/rancher/third.yaml", config); err != nil {
		t.Fatal(err)
	}
	k, err := visitor.start([]string{"K3S_URL=" + serverURL, "K3S_TOKEN=" + password, "K3S_NODE_NAME=third", "K3S_CONFIG_FILE=/etc/rancher/third.yaml"},
		"agent", "--data-dir", "/var/lib/rancher/third")
	if err != nil {
		t.Fatal(err)
	}
	defer k.stop()
	if err := k.waitReady(time.Minute); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "get", "node", "third")
	kubectl(t, "get", "secret", "-n", "kube-system", "third.node-password.k3s")
}
