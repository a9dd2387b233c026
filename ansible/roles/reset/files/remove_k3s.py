"""remove_k3s.py check|apply: one line for everything that is (or would be) removed; nothing when nothing is left.

After k3s-killall.sh and k3s-uninstall.sh: https://github.com/k3s-io/k3s/blob/main/install.sh
"""

import glob
import os
import shutil
import signal
import subprocess
import sys
import time

APPLY = sys.argv[1] == "apply"
UNITS = ("infra-k3s-flannel.service", "k3s-agent.service", "k3s.service")
# Every process of a unit or a pod is in one of these control groups, also with KillMode=process.
CONTROL_GROUPS = ("/kubepods", *(f"/{unit}" for unit in UNITS))
MOUNTS = ("/run/k3s/", "/var/lib/kubelet/", "/var/lib/rancher/k3s/", "/run/netns/cni-")
LINKS = ("cni0", "flannel.1", "flannel-v6.1")
FOLDERS = (
    "/etc/rancher/k3s",
    "/etc/rancher/node",
    "/run/k3s",
    "/run/flannel",
    "/var/lib/kubelet",
    "/var/lib/cni",
    "/var/lib/rancher/k3s",
    "/var/log/containers",
    "/var/log/pods",
)


def run(*argv, stdin=None):
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False).stdout


def remove(what, action):
    print(what)
    if APPLY:
        action()


def stop(unit):
    run("systemctl", "disable", "--now", unit)
    os.unlink(f"/etc/systemd/system/{unit}")
    run("systemctl", "daemon-reload")
    run("systemctl", "reset-failed", unit)


def processes():
    for path in glob.glob("/proc/[0-9]*/cgroup"):
        try:
            with open(path, encoding="utf-8") as file:
                groups = file.read()
        except OSError:
            continue
        if any(name in groups for name in CONTROL_GROUPS):
            yield int(path.split("/")[2])


def kill_all():
    # Shims start and end processes meanwhile; a few rounds get them all.
    for _ in range(50):
        left = list(processes())
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.1)
    sys.exit(f"these processes of K3s do not end: {left}")


def mounts():
    with open("/proc/self/mounts", encoding="utf-8") as file:
        paths = [line.split()[1].replace("\\040", " ") for line in file]
    return sorted((path for path in paths if path.startswith(MOUNTS)), reverse=True)


def unmount(path):
    if subprocess.run(["umount", path], capture_output=True, check=False).returncode != 0:
        subprocess.run(["umount", "--lazy", path], check=True)


def links():
    present = os.listdir("/sys/class/net")
    ports = os.listdir("/sys/class/net/cni0/brif") if "cni0" in present else []
    return [*ports, *(name for name in LINKS if name in present)]


def ours(rule):
    return "KUBE-" in rule or "CNI-" in rule or "flannel" in rule.lower()


def clean_rules(program):
    """The rules of kube-proxy, CNI and flannel; everybody else's stay."""
    if shutil.which(program) is None:
        return
    rules = run(f"{program}-save").splitlines(keepends=True)
    if any(map(ours, rules)):
        kept = "".join(rule for rule in rules if not ours(rule))
        remove(f"{program} rules", lambda: run(f"{program}-restore", stdin=kept))


def tables():
    """nftables of Kubernetes' own names: kube-proxy in that mode, and kube-router."""
    if shutil.which("nft") is None:
        return []
    found = (line.split()[1:] for line in run("nft", "list", "tables").splitlines())
    return [table for table in found if table[1].startswith("kube-")]


def delete_folder(path):
    """A folder that is a mount itself (a disk of its own) is emptied and stays."""
    if os.path.ismount(path):
        for entry in os.scandir(path):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
    else:
        shutil.rmtree(path)


def programs():
    if os.path.lexists("/usr/local/bin/k3s"):
        yield "/usr/local/bin/k3s"
    for path in ("/usr/local/bin/kubectl", "/usr/local/bin/crictl", "/usr/local/bin/ctr"):
        if os.path.islink(path) and os.path.basename(os.readlink(path)) == "k3s":
            yield path


def main():
    for unit in UNITS:
        if os.path.exists(f"/etc/systemd/system/{unit}"):
            remove(unit, lambda unit=unit: stop(unit))
    if list(processes()):
        remove("processes of K3s and its pods", kill_all)
    for path in mounts():
        remove(f"mount {path}", lambda path=path: unmount(path))
    for path in glob.glob("/run/netns/cni-*"):
        remove(path, lambda path=path: run("ip", "netns", "delete", os.path.basename(path)))
    for name in links():
        remove(f"link {name}", lambda name=name: run("ip", "link", "delete", name))
    clean_rules("iptables")
    clean_rules("ip6tables")
    for table in tables():
        remove(f"nftables table {' '.join(table)}", lambda table=table: run("nft", "delete", "table", *table))
    for path in FOLDERS:
        if os.path.isdir(path) and (os.listdir(path) or not os.path.ismount(path)):
            remove(path, lambda path=path: delete_folder(path))
    for path in list(programs()):
        remove(path, lambda path=path: os.unlink(path))


main()
