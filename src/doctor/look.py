"""Prints facts about this host as JSON, for judge.ts to judge. Reads only, in one round trip.

Standard input's first line: {unit, peers: {NAME: MESH NAME}, cluster_dns, names}; names are what the host's resolver must know.
"""

import concurrent.futures
import glob
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time

BEGAN = time.time()
K3S = "/var/lib/rancher/k3s"
# A pod's resolver settings, as containerd keeps them of each sandbox.
POD_RESOLVERS = [
    f"{root}/io.containerd.grpc.v1.cri/sandboxes/*/resolv.conf" for root in ("/run/k3s/containerd", f"{K3S}/agent/containerd")
]
# On the master, where a URL to report to is set.
REPORT = "infra-k3s-report.timer"
FOLDERS = ("/", "/tmp", "/var/log", "/var/lib/kubelet", "/var/lib/rancher")


def output(*argv, seconds=20):
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def parsed(*argv):
    try:
        return json.loads(output(*argv))
    except ValueError:
        return {}


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def mtu(link):
    text = read(f"/sys/class/net/{link}/mtu").strip()
    return int(text) if text else None


def overlay(mesh_ip):
    """The address of a node's pods' overlay: what flannel routes to through the tunnel to its address in the mesh."""
    for route in output("ip", "route", "show", "dev", "flannel.1").splitlines():
        via = re.search(r" via (\S+)", route)
        near = re.search(r"lladdr (\S+)", output("ip", "neighbour", "show", via.group(1), "dev", "flannel.1")) if via else None
        if near and re.search(rf"^{near.group(1)} .*dst {re.escape(mesh_ip)} ", output("bridge", "fdb", "show", "dev", "flannel.1") + " ", re.MULTILINE):
            return via.group(1)
    return ""


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def fits(address, size, seconds=2):
    """Whether an IPv4 packet of this size comes back from there whole: an echo that may not be fragmented."""
    payload = bytes(size - 28 + (size % 2))
    identifier = os.getpid() & 0xFFFF
    header = struct.pack("!BBHHH", 8, 0, 0, identifier, size & 0xFFFF)
    packet = struct.pack("!BBHHH", 8, 0, checksum(header + payload), identifier, size & 0xFFFF) + payload
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO: ip(7)
        raw.connect((address, 0))
        for _ in range(3):
            try:
                raw.send(packet)
                end = time.monotonic() + seconds
                while (left := end - time.monotonic()) > 0:
                    raw.settimeout(left)
                    answer = raw.recv(65535)[20:]
                    if answer[0] == 0 and answer[4:8] == packet[4:8] and len(answer) == len(packet):
                        return True
            except OSError:
                pass
    return False


def pair(name, peer, tunnel_mtu):
    """How this host reaches another: through the mesh, and through the pods' overlay at its full size."""
    ip = next((address for address in peer.get("TailscaleIPs") or [] if ":" not in address), "")
    if not ip:
        return {"to": name, "known": False, "online": False, "ping": "", "overlay": "", "fits": None}
    # Over a relay its last words are "direct connection not established": the last answer counts.
    said = output("tailscale", "ping", "--c", "5", "--timeout", "3s", ip).splitlines()
    ping = [line for line in said if line.startswith("pong")] or said
    there = overlay(ip)
    return {
        "to": name,
        "known": True,
        "online": bool(peer.get("Online")),
        "ping": ping[-1] if ping else "",
        "overlay": there,
        "fits": fits(there, tunnel_mtu) if there and tunnel_mtu else None,
    }


def resolves(name):
    try:
        socket.getaddrinfo(name, 443)
        return True
    except OSError:
        return False


def question(server, name):
    """Whether a DNS server knows a name: RFC 1035, section 4."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    packet = struct.pack("!HHHHHH", 4711, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!HH", 1, 1)
    for _ in range(3):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(2)
            try:
                sock.sendto(packet, (server, 53))
                answer = sock.recv(4096)
                return answer[:2] == packet[:2] and answer[3] & 15 == 0 and struct.unpack("!H", answer[6:8])[0] > 0
            except OSError:
                continue
    return False


def resolver(path):
    lines = [line.split() for line in read(path).splitlines()]
    return {
        "path": path,
        "nameservers": [word for line in lines if line[:1] == ["nameserver"] for word in line[1:2]],
        "search": [word for line in lines if line[:1] in (["search"], ["domain"]) for word in line[1:]],
    }


def disk(path):
    stat = os.statvfs(path)
    return {
        "path": path,
        "device": os.stat(path).st_dev,
        "bytes": stat.f_bavail * stat.f_frsize,
        "size": stat.f_blocks * stat.f_frsize,
        "inodes": stat.f_ffree,
        "inodesTotal": stat.f_files,
    }


def certificate(path):
    end = output("openssl", "x509", "-noout", "-enddate", "-in", path).partition("notAfter=")[2]
    return {"path": path, "notAfter": end}


def unit(name):
    shown = dict(
        line.partition("=")[::2]
        for line in output("systemctl", "show", "--property=LoadState,ActiveState,SubState,UnitFileState", name).splitlines()
    )
    broken = shown.get("ActiveState") != "active"
    return {
        "name": name,
        "active": shown.get("ActiveState", ""),
        "sub": shown.get("SubState", ""),
        "enabled": shown.get("UnitFileState", ""),
        "words": output("journalctl", "--unit", name, "--lines=5", "--no-pager", "--output=cat") if broken else "",
    }


def main():
    want = json.loads(sys.stdin.readline())
    status = parsed("tailscale", "status", "--json")
    peers = {peer.get("HostName"): peer for peer in (status.get("Peer") or {}).values()}
    own = status.get("Self") or {}
    tunnel = mtu("flannel.1")
    certificates = glob.glob(f"{K3S}/agent/*.crt") + glob.glob(f"{K3S}/server/tls/**/*.crt", recursive=True)
    units = ["tailscaled.service", want["unit"], "infra-k3s-firewall.service"]
    if os.path.exists(f"/etc/systemd/system/{REPORT}"):
        units.append(REPORT)
    failed = [line.split()[0] for line in output("systemctl", "--failed", "--plain", "--no-legend").splitlines()]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        pairs = [pool.submit(pair, name, peers.get(mesh) or {}, tunnel) for name, mesh in want["peers"].items()]
        known = {name: pool.submit(resolves, name) for name in want["names"]}
        cluster = pool.submit(question, want["cluster_dns"], "kubernetes.default.svc.cluster.local")
        ends = list(pool.map(certificate, sorted(certificates)))
        facts = {
            "began": BEGAN,
            "backend": status.get("BackendState", ""),
            "keyExpiry": own.get("KeyExpiry") or "",
            "tailnet": status.get("MagicDNSSuffix") or "",
            "mtu": {"tailscale0": mtu("tailscale0"), "flannel.1": tunnel},
            "pairs": [future.result() for future in pairs],
            "resolver": resolver("/etc/resolv.conf"),
            "podResolvers": [resolver(path) for pattern in POD_RESOLVERS for path in glob.glob(pattern)],
            "unknownNames": [name for name, future in known.items() if not future.result()],
            "clusterDns": cluster.result(),
            "container": output("systemd-detect-virt", "--container") not in ("", "none"),
            "synchronized": output("timedatectl", "show", "--property=NTPSynchronized", "--value") == "yes",
            "disks": [disk(path) for path in FOLDERS if os.path.isdir(path)],
            "certificates": ends,
            "units": [unit(name) for name in dict.fromkeys(units + failed)],
        }
    facts["ended"] = time.time()
    json.dump(facts, sys.stdout)


main()
