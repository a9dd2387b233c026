// Package contract holds K3s's documentation against a K3s binary: every test is a row of the table in ../README.md.
//
// It needs nothing but that binary (K3S_BINARY), Linux and root: nodes are namespaces that the test makes and that end
// with it. They have no way out, and leave the machine's network, kernel settings and files as they are.
package contract

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The cluster, which all tests share, and a third node for what must not disturb it.
var (
	binary  string
	server  *node
	agent   *node
	visitor *node

	controlPlane *k3s
	member       *k3s
)

const (
	serverAddress  = "198.18.240.1"
	agentAddress   = "198.18.240.2"
	visitorAddress = "198.18.240.3"
	serverPublic   = "198.51.100.1"
	agentPublic    = "198.51.100.2"
	visitorPublic  = "198.51.100.3"

	serverURL = "https://" + serverAddress + ":6443"
	dataDir   = "/var/lib/rancher/k3s"
	password  = "boop"
)

// A node dies with the thread that started it: that has to be the one that lives as long as the test.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "contract:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if binary, err = binaryToTest(); err != nil {
		return 1, err
	}
	if err := roomToWatch(); err != nil {
		return 1, err
	}
	sweep()
	folder, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	for name, into := range map[string]**node{"server": &server, "agent": &agent, "visitor": &visitor} {
		made, err := startNode(folder, name)
		if made != nil {
			defer made.stop()
		}
		if err != nil {
			return 1, err
		}
		*into = made
	}
	if err := plug(); err != nil {
		return 1, err
	}
	for _, name := range []string{"k3s", "elsewhere", "refused", "third", "nothing", "restored"} {
		if err := visitor.shareData("/var/lib/rancher/" + name); err != nil {
			return 1, err
		}
	}
	if err := startCluster(); err != nil {
		if controlPlane != nil {
			err = fmt.Errorf("%w\nthe server said:\n%s", err, tail(controlPlane.said()))
		}
		return 1, err
	}
	code = m.Run()
	member.stop()
	controlPlane.stop()
	return code, nil
}

func binaryToTest() (string, error) {
	given := os.Getenv("K3S_BINARY")
	if given == "" {
		return "", fmt.Errorf("K3S_BINARY is not set: give the path of the k3s program to test (the stand-in's is what `sandbox/k3s/build GO OUTPUT` writes)")
	}
	if os.Geteuid() != 0 {
		return "", fmt.Errorf("the nodes need root")
	}
	return filepath.Abs(given)
}

// roomToWatch fails early where other clusters on this machine have used up what all of root's processes share:
// containerd then comes up without its CRI, and the kubelet ends with an error about that.
func roomToWatch() error {
	const needed = 50
	for range needed {
		instance, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != nil {
			return fmt.Errorf("less than %d inotify instances are free (fs.inotify.max_user_instances): is another cluster running? %w", needed, err)
		}
		defer unix.Close(instance)
	}
	return nil
}

// plug wires the nodes: wire0 is the network between them, pub0 another one, where the default route leads to nobody.
func plug() error {
	for _, line := range []struct {
		at   *node
		args string
	}{
		{server, "link add wire0 type bridge"},
		{server, "link add pub0 type bridge"},
		{server, "link add wire1 type veth peer name wire0 netns AGENT"},
		{server, "link add wire2 type veth peer name wire0 netns VISITOR"},
		{server, "link add pub1 type veth peer name pub0 netns AGENT"},
		{server, "link add pub2 type veth peer name pub0 netns VISITOR"},
		{server, "link set wire1 master wire0 up"},
		{server, "link set wire2 master wire0 up"},
		{server, "link set pub1 master pub0 up"},
		{server, "link set pub2 master pub0 up"},
		{server, "addr add " + serverAddress + "/24 dev wire0"},
		{agent, "addr add " + agentAddress + "/24 dev wire0"},
		{visitor, "addr add " + visitorAddress + "/24 dev wire0"},
		{server, "addr add " + serverPublic + "/24 dev pub0"},
		{agent, "addr add " + agentPublic + "/24 dev pub0"},
		{visitor, "addr add " + visitorPublic + "/24 dev pub0"},
	} {
		args := strings.NewReplacer("AGENT", fmt.Sprint(agent.pid), "VISITOR", fmt.Sprint(visitor.pid)).Replace(line.args)
		// Only the network namespace is entered: ip reads process numbers, and the node counts its own.
		enter := []string{fmt.Sprintf("--net=/proc/%d/ns/net", line.at.pid), "ip"}
		if out, err := exec.Command("nsenter", append(enter, strings.Fields(args)...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
	}
	for _, n := range []*node{server, agent, visitor} {
		for _, args := range []string{"link set wire0 up", "link set pub0 up", "route add default via 198.51.100.250"} {
			if _, err := n.run(append([]string{"ip"}, strings.Fields(args)...)...); err != nil {
				return err
			}
		}
	}
	return nil
}
