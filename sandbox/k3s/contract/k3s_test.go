package contract

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// k3s is a running server or agent.
type k3s struct {
	node    *node
	command *exec.Cmd
	log     string
	ready   chan struct{}
	ended   chan struct{}
	err     error // once ended
}

// start runs `k3s ARGS` in the node, as a service manager would: with a socket to report to.
func (n *node) start(env []string, args ...string) (*k3s, error) {
	file, err := os.CreateTemp(n.folder, args[0]+"-*.log")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	socket := strings.TrimSuffix(file.Name(), ".log") + ".sock"
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	k := &k3s{node: n, log: file.Name(), ready: make(chan struct{}), ended: make(chan struct{})}
	k.command = n.command(context.Background(), append(env, "NOTIFY_SOCKET="+socket), append([]string{binary}, args...)...)
	k.command.Stdout, k.command.Stderr = file, file
	if err := k.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		message := make([]byte, 4096)
		for {
			length, err := manager.Read(message)
			if err != nil {
				return
			}
			if strings.Contains(string(message[:length]), "READY=1") {
				close(k.ready)
				return
			}
		}
	}()
	go func() {
		k.err = k.command.Wait()
		manager.Close()
		close(k.ended)
	}()
	return k, nil
}

// said is everything that it has logged.
func (k *k3s) said() string {
	text, _ := os.ReadFile(k.log)
	return string(text)
}

// waitReady waits for what Type=notify waits for.
func (k *k3s) waitReady(limit time.Duration) error {
	select {
	case <-k.ready:
		return nil
	case <-k.ended:
		return fmt.Errorf("%s: k3s ended: %w%s\n%s", k.node.name, k.err, k.node.starved(), tail(k.said()))
	case <-time.After(limit):
		return fmt.Errorf("%s: k3s was not ready after %s\n%s", k.node.name, limit, tail(k.said()))
	}
}

// starved tells when containerd did not get what all clusters on this machine share; k3s itself only sees that the CRI
// is missing.
func (n *node) starved() string {
	logs, _ := filepath.Glob(n.path("/var/lib/rancher/*/agent/containerd/containerd.log"))
	for _, name := range logs {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), "too many open files") {
			return ": fs.inotify.max_user_instances is used up; is another cluster running?"
		}
	}
	return ""
}

// stop asks it to end, and insists after a while. What it leaves running in the node (containers' shims, containerd)
// ends as well: the next start has to find an empty node.
func (k *k3s) stop() {
	if pid, err := childOf(k.command.Process.Pid); err == nil {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	select {
	case <-k.ended:
	case <-time.After(15 * time.Second):
		if pid, err := childOf(k.command.Process.Pid); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-k.ended
	}
}

// until waits until the log matches.
func (k *k3s) until(t *testing.T, what string, matches func(said string) bool) {
	t.Helper()
	err := within(40*time.Second, func() error {
		if matches(k.said()) {
			return nil
		}
		return errors.New(what)
	})
	if err != nil {
		t.Fatalf("%v: not seen in:\n%s", err, tail(k.said()))
	}
}

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}

// shareData makes a data folder whose programs are unpacked beside it, once for all of them: they are large.
func (n *node) shareData(dir string) error {
	if err := os.MkdirAll(n.path(dir), 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(n.path("/var/lib/rancher/data"), 0o755); err != nil {
		return err
	}
	if err := os.Symlink("../data", n.path(dir+"/data")); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}

// once runs `k3s ARGS` in the node to its end.
func (n *node) once(env []string, args ...string) (said string, code int) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := n.command(ctx, env, append([]string{binary}, args...)...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		return err.Error(), -1
	}
	return string(out), 0
}

// kubectl asks the server with the administrator's rights.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return server.must(t, append([]string{binary, "kubectl"}, args...)...)
}

// eventually fails the test when something does not come true in half a minute.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	if err := within(30*time.Second, try); err != nil {
		t.Fatal(err)
	}
}

func exists(n *node, name string) error {
	_, err := os.Stat(n.path(name))
	return err
}
