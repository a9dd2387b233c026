package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// boot makes the process a node's first one: boot NAME FOLDER CGROUP. It has namespaces of its own for everything, a
// copy-on-write /etc, /var and /opt, and no network but what the test plugs in. The machine's kernel settings can't be
// changed from inside: /proc/sys is read-only except for net, which belongs to the network namespace, and kubelet is
// shown the values it insists on.
const boot = `set -eu
if [ "${4-}" != inside ]; then
  awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts >"$2/cgroups"
  while read -r mounted; do
    mkdir -p "$mounted/$3"
    if [ -e "$mounted/cpuset.cpus" ] && [ ! -e "$mounted/cgroup.controllers" ]; then
      for group in "${3%/*}" "$3"; do
        for file in cpuset.cpus cpuset.mems; do cat "$mounted/$file" >"$mounted/$group/$file"; done
      done
    fi
    echo $$ >"$mounted/$3/cgroup.procs"
  done <"$2/cgroups"
  exec setpriv --bounding-set=-sys_time --inh-caps=-all \
    unshare --mount --uts --ipc --net --cgroup --pid --fork --kill-child=KILL sh -c "$BOOT" boot "$1" "$2" "$3" inside
fi
while read -r mounted; do mount --bind "$mounted/$3" "$mounted"; done <"$2/cgroups"
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,ro /proc/sys
show() {
  echo "$2" >"$FOLDER/$(echo "$1" | tr / .)"
  mount --bind "$FOLDER/$(echo "$1" | tr / .)" "/proc/sys/$1"
}
FOLDER=$2
show kernel/panic 10
show kernel/panic_on_oops 1
show vm/overcommit_memory 1
show vm/panic_on_oom 0
show kernel/keys/root_maxkeys 1000000
show kernel/keys/root_maxbytes 25000000
for top in etc var opt; do
  mkdir -p "$2/$top" "$2/$top.work"
  mount -t overlay overlay -o "lowerdir=/$top,upperdir=$2/$top,workdir=$2/$top.work" "/$top"
done
mount -t tmpfs tmpfs /run
mkdir -p "$2/rancher" /var/lib/rancher /etc/rancher/k3s
mount --bind "$2/rancher" /var/lib/rancher
mount --make-rshared /
hostname "$1"
echo "127.0.0.1 localhost $1" >/etc/hosts
echo "nameserver 198.51.100.250" >/etc/resolv.conf
ip link set lo up
touch "$2/up"
while :; do sleep 3600; done
`

// node is a machine to K3s: a set of namespaces.
type node struct {
	name   string
	folder string
	cgroup string
	boot   *exec.Cmd
	pid    int // of its first process, as this machine counts
}

const prefix = "k3s-contract-"

func startNode(folder, name string) (*node, error) {
	n := &node{name: name, folder: filepath.Join(folder, name), cgroup: prefix + strconv.Itoa(os.Getpid()) + "/" + name}
	if err := os.MkdirAll(n.folder, 0o755); err != nil {
		return nil, err
	}
	n.boot = exec.Command("sh", "-c", boot, "boot", name, n.folder, n.cgroup)
	n.boot.Env = append(os.Environ(), "BOOT="+boot)
	n.boot.Stderr = os.Stderr
	// The test's death is the node's: unshare passes it on to the first process, and that to all others.
	n.boot.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := n.boot.Start(); err != nil {
		return nil, err
	}
	err := within(20*time.Second, func() error {
		if _, err := os.Stat(filepath.Join(n.folder, "up")); err != nil {
			return err
		}
		var err error
		n.pid, err = childOf(n.boot.Process.Pid)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("node %s does not come up: %w", name, err)
	}
	return n, nil
}

// stop ends all of the node's processes and removes its control groups.
func (n *node) stop() {
	_ = n.boot.Process.Kill()
	_ = n.boot.Wait()
	mounted, _ := os.ReadFile(filepath.Join(n.folder, "cgroups"))
	for _, controller := range strings.Fields(string(mounted)) {
		_ = within(10*time.Second, func() error { return removeGroup(filepath.Join(controller, n.cgroup)) })
		_ = os.Remove(filepath.Dir(filepath.Join(controller, n.cgroup)))
	}
}

// sweep removes what a run left behind that was killed: folders and control groups named after it. Its processes and
// mounts have ended with it.
func sweep() {
	controllers, _ := filepath.Glob("/sys/fs/cgroup/*/" + prefix + "*")
	unified, _ := filepath.Glob("/sys/fs/cgroup/" + prefix + "*")
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, path := range slices.Concat(controllers, unified, folders) {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), prefix), "-")
		if _, err := os.Stat("/proc/" + pid); err == nil {
			continue
		}
		if slices.Contains(folders, path) {
			_ = os.RemoveAll(path)
		} else {
			_ = removeGroup(path)
		}
	}
}

// removeGroup removes a control group and the ones below it; it fails as long as a process is in there.
func removeGroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeGroup(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return os.Remove(dir)
}

// path is a file of the node, as this machine sees it.
func (n *node) path(name string) string { return fmt.Sprintf("/proc/%d/root%s", n.pid, name) }

func (n *node) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(n.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// write writes a file of the node. It goes by way of another name, so that nobody reads half of it.
func (n *node) write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(n.path(name)), 0o755); err != nil {
		return err
	}
	next := filepath.Join(filepath.Dir(n.path(name)), "."+filepath.Base(name)+".next")
	if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(next, n.path(name))
}

// command runs in the node: in its namespaces and control groups.
func (n *node) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	enter := `while read -r mounted; do echo $$ >"$mounted/$CGROUP/cgroup.procs"; done <"$FOLDER/cgroups"
exec nsenter --target="$FIRST" --mount --uts --ipc --net --cgroup --pid --wdns=/ setpriv --bounding-set=-sys_time --inh-caps=-all env -u CGROUP -u FOLDER -u FIRST "$@"`
	command := exec.CommandContext(ctx, "sh", append([]string{"-c", enter, "enter"}, args...)...)
	command.Env = append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
		"CGROUP=" + n.cgroup, "FOLDER=" + n.folder, "FIRST=" + strconv.Itoa(n.pid),
	}, env...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return command
}

// run returns what a command prints; the error holds the rest.
func (n *node) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out, complaint bytes.Buffer
	command := n.command(ctx, nil, args...)
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %s: %w: %s", n.name, strings.Join(args, " "), err, complaint.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func (n *node) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := n.run(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// childOf is the first child of a process.
func childOf(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", pid))
	if err != nil {
		return 0, err
	}
	children := strings.Fields(string(text))
	if len(children) == 0 {
		return 0, errors.New("no child yet")
	}
	return strconv.Atoi(children[0])
}

// within tries again until it works or the time is over.
func within(limit time.Duration, try func() error) error {
	end := time.Now().Add(limit)
	for {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}
