package contract

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The server's files are the example of docs.k3s.io/installation/configuration#multiple-config-files.
func TestConfigFilesAreMerged(t *testing.T) {
	labels := kubectl(t, "get", "node", "first", "-o", "jsonpath={.metadata.labels}")
	for _, want := range []string{`"other":"what"`, `"foo":"three"`} {
		if !strings.Contains(labels, want) {
			t.Errorf("no label %s in %s: the last file's value counts", want, labels)
		}
	}
	if strings.Contains(labels, `"bar":`) {
		t.Errorf("label bar of the first file is still in %s", labels)
	}
	taints := kubectl(t, "get", "node", "first", "-o", "jsonpath={range .spec.taints[*]}{.key}={.value}:{.effect} {end}")
	for _, want := range []string{"alice=bob:NoExecute", "charlie=delta:NoSchedule"} {
		if !strings.Contains(taints, want) {
			t.Errorf("no taint %s in %s: + appends", want, taints)
		}
	}
	if mode := modeOf(t, server, "/etc/rancher/k3s/k3s.yaml"); mode != 0o777 {
		t.Errorf("write-kubeconfig-mode is %o, want the last file's", mode)
	}
}

// elsewhere is a server that is started with arguments, files of other names and environment; it runs until its API
// answers.
var elsewhere = sync.OnceValue(func() error {
	for name, text := range map[string]string{
		"/etc/rancher/k3s/config.yaml": "https-listen-port: 9443\n",
		"/etc/rancher/other.yaml": `cluster-init: true
token: file
node-ip: 198.18.240.3
kubelet-arg: [fail-cgroupv1=false]
write-kubeconfig-mode: "0600"
tls-san:
  - first.example
  - second.example
`,
		"/etc/rancher/other.yaml.d/port.yaml": "https-listen-port: 7443\n",
	} {
		if err := visitor.write(name, text); err != nil {
			return err
		}
	}
	defer os.Remove(visitor.path("/etc/rancher/k3s/config.yaml"))
	k, err := visitor.start([]string{"K3S_KUBECONFIG_OUTPUT=/etc/rancher/out.yaml"}, "server", "--config", "/etc/rancher/other.yaml",
		"--data-dir", "/var/lib/rancher/elsewhere", "--write-kubeconfig-mode", "0644", "--tls-san=argument.example",
		"--log=/var/log/k3s.log")
	if err != nil {
		return err
	}
	defer k.stop()
	if err := k.waitReady(time.Minute); err != nil {
		return err
	}
	return listenElsewhere()
})

// What only a running server shows.
var elsewhereNames, elsewherePorts []string

func listenElsewhere() error {
	connection, err := visitor.dialTLS("127.0.0.1:7443")
	if err != nil {
		return fmt.Errorf("nothing answers at the port of the drop-in: %w", err)
	}
	defer connection.Close()
	elsewhereNames = connection.ConnectionState().PeerCertificates[0].DNSNames
	if other, err := visitor.dial("tcp", "127.0.0.1:9443"); err == nil {
		other.Close()
		elsewherePorts = append(elsewherePorts, "9443")
	}
	return nil
}

func needElsewhere(t *testing.T) {
	t.Helper()
	if err := elsewhere(); err != nil {
		t.Fatal(err)
	}
}

func TestConfigPathBringsItsDropIns(t *testing.T) {
	needElsewhere(t)
	if len(elsewherePorts) > 0 {
		t.Errorf("the file at the default path was read as well: port %v", elsewherePorts)
	}
}

func TestArgumentsTakePrecedence(t *testing.T) {
	needElsewhere(t)
	if mode := modeOf(t, visitor, "/etc/rancher/out.yaml"); mode != 0o644 {
		t.Errorf("mode %o, want the argument's 644", mode)
	}
}

func TestArgumentsOverwriteLists(t *testing.T) {
	needElsewhere(t)
	if !slices.Contains(elsewhereNames, "argument.example") || slices.Contains(elsewhereNames, "first.example") {
		t.Errorf("the certificate is for %v, want argument.example and none of the file's", elsewhereNames)
	}
}

func TestKubeconfigOutput(t *testing.T) {
	needElsewhere(t)
	if text := visitor.read(t, "/etc/rancher/out.yaml"); !strings.Contains(text, "kind: Config") {
		t.Error("no kubeconfig at K3S_KUBECONFIG_OUTPUT")
	}
}

func TestDataDir(t *testing.T) {
	needElsewhere(t)
	if err := exists(visitor, "/var/lib/rancher/elsewhere/server/token"); err != nil {
		t.Error(err)
	}
}

func TestLogFile(t *testing.T) {
	needElsewhere(t)
	if text := visitor.read(t, "/var/log/k3s.log"); !strings.Contains(text, "Starting k3s") {
		t.Errorf("the log starts with %.200q", text)
	}
}

func TestVersion(t *testing.T) {
	said, code := visitor.once(nil, "--version")
	lines := strings.Split(said, "\n")
	fields := strings.Fields(lines[0])
	if code != 0 || len(lines) < 2 || len(fields) != 4 || !strings.HasPrefix(lines[0], "k3s version v") || !strings.Contains(fields[2], "+k3s") {
		t.Errorf("exit code %d: %q", code, said)
	}
	if !strings.HasPrefix(lines[1], "go version go") {
		t.Errorf("second line: %q", said)
	}
}

func TestAgentNeedsAToken(t *testing.T) {
	said, code := visitor.once(nil, "agent", "--server", serverURL, "--data-dir", "/var/lib/rancher/none")
	if code == 0 || !strings.Contains(said, "token is required") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

func modeOf(t *testing.T, n *node, name string) os.FileMode {
	t.Helper()
	info, err := os.Stat(n.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
