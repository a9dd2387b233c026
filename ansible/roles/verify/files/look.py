"""Prints the faults of this host as a JSON list, each with its cause and a fix. Reads only.

Standard input: {name, unit, tag, hostname, version, ssh_user, service_cidr, node, api_fault, undeclared}; node is the API's Node
object, {} without one; undeclared are the names of the API's other nodes that the inventory does not have.
"""

import ipaddress
import json
import re
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

MESH = ipaddress.ip_network("100.64.0.0/10")
CONFIG = "/etc/rancher/k3s/config.yaml"
SERVER_CA = "/var/lib/rancher/k3s/agent/server-ca.crt"
FIREWALL = "/etc/infra-k3s-firewall.nft"
TABLE = "nft --stateless list table inet infra_k3s"
# What `sshd -T` has to say, whatever else is written where: only a key gets in.
SSHD = {
    "passwordauthentication": {"no"},
    "kbdinteractiveauthentication": {"no"},
    "permitemptypasswords": {"no"},
    "hostbasedauthentication": {"no"},
    "gssapiauthentication": {"no"},
    "pubkeyauthentication": {"yes"},
    "authenticationmethods": {"publickey"},
    "x11forwarding": {"no"},
    "permittunnel": {"no"},
}
# The API, and etcd's client and peer ports: https://docs.k3s.io/installation/requirements#inbound-rules-for-k3s-nodes
PRIVATE_PORTS = {6443: "the API", 2379: "etcd", 2380: "etcd"}


def output(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()


def setting(name):
    """A plain value of K3s's configuration."""
    try:
        with open(CONFIG, encoding="utf-8") as file:
            found = re.search(rf"^{name}: *\"?([^\"\n]*)", file.read(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else ""


def private(address):
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip in MESH


def services(want):
    for unit in ("tailscaled.service", want["unit"], "infra-k3s-flannel.service"):
        state = output("systemctl", "is-active", unit)
        if state != "active":
            yield f"{unit} is {state or 'not installed'}; see: journalctl -u {unit}; fix: infra-k3s up"
        elif output("systemctl", "is-enabled", unit) != "enabled":
            yield f"{unit} would not start at the next boot; fix: infra-k3s up"


def mesh(want):
    try:
        status = json.loads(output("tailscale", "status", "--json", "--peers=false"))
        prefs = json.loads(output("tailscale", "debug", "prefs"))
    except ValueError:
        yield "tailscaled does not answer; fix: infra-k3s up"
        return
    own = status.get("Self") or {}
    if status.get("BackendState") != "Running":
        yield f"Tailscale is {status.get('BackendState')}, not Running; fix: infra-k3s up"
    if want["tag"] not in (own.get("Tags") or []):
        yield (
            f"the device does not carry {want['tag']}, so its key will expire; "
            "fix: remove the device in Tailscale's admin console, then infra-k3s up"
        )
    if own.get("Expired"):
        yield "the device's key has expired; fix: remove the device in Tailscale's admin console, then infra-k3s up"
    if prefs.get("CorpDNS"):
        yield "Tailscale rewrites this host's DNS (accept-dns), and pods would inherit it; fix: infra-k3s up"
    if prefs.get("Hostname") != want["hostname"]:
        yield f"the device is named {prefs.get('Hostname')}, not {want['hostname']}; fix: infra-k3s up"
    addresses = status.get("TailscaleIPs") or []
    if setting("node-ip") not in addresses:
        yield (
            f"K3s is configured for {setting('node-ip') or 'no address'}, "
            f"but the mesh gave {', '.join(addresses) or 'none'}; fix: infra-k3s up"
        )


def firewall():
    """The loaded table against the file, both in the kernel's words: the file is loaded into an empty network namespace."""
    wanted = output("unshare", "--net", "sh", "-c", f"nft -f {FIREWALL} && {TABLE}")
    if not wanted:
        yield f"the firewall {FIREWALL} can't be loaded; see: nft --check --file {FIREWALL}; fix: infra-k3s up"
    elif output(*TABLE.split()) != wanted:
        yield f"the loaded firewall is not what {FIREWALL} says; fix: infra-k3s up"
    if output("systemctl", "is-enabled", "infra-k3s-firewall.service") != "enabled":
        yield "the firewall would not be loaded at the next boot; fix: infra-k3s up"


def sshd(want):
    """What sshd makes of all its files for the user that Ansible is."""
    said = output("/usr/sbin/sshd", "-T", "-C", f"user={want['ssh_user']},host=localhost,addr=127.0.0.1")
    settings = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    root = {"no"} if want["ssh_user"] != "root" else {"without-password", "prohibit-password"}
    for name, allowed in {**SSHD, "permitrootlogin": root}.items():
        if settings.get(name) not in allowed:
            yield (
                f"sshd has {name} {settings.get(name, 'not set')}, not {' or '.join(sorted(allowed))}; "
                "fix: remove it from what sshd reads first in /etc/ssh/sshd_config.d, then infra-k3s up"
            )


def listeners():
    """Only the mesh and this host itself may reach the API and etcd."""
    for line in output("ss", "--no-header", "--listening", "--tcp", "--numeric").splitlines():
        address, _, port = line.split()[3].rpartition(":")
        address = address.strip("[]").split("%")[0]
        if port.isdigit() and int(port) in PRIVATE_PORTS and not private(address):
            yield f"{PRIVATE_PORTS[int(port)]} listens on {address}:{port}, outside the mesh; fix: infra-k3s up"


def mtu(name):
    try:
        with open(f"/sys/class/net/{name}/mtu", encoding="utf-8") as file:
            return int(file.read())
    except OSError:
        return 0


def flannel(want):
    """VXLAN takes 50 bytes of what the mesh carries; a larger packet would be lost on the way, quietly."""
    own, carrier = mtu("flannel.1"), mtu("tailscale0")
    if not own:
        yield f"flannel.1 is gone, and with it the way to other nodes' pods; fix: systemctl restart {want['unit']}"
    elif own > carrier - 50:
        yield f"flannel.1 has an MTU of {own}, tailscale0 of {carrier}, which leaves {carrier - 50}; fix: systemctl restart {want['unit']}"


def api(want):
    """The ways to the API, with a certificate of the cluster's CA: a node's through the mesh, a pod's through its Service."""
    first = next(ipaddress.ip_network(want["service_cidr"]).hosts())
    for url in (setting("server") or f"https://{setting('bind-address')}:6443", f"https://{first}:443"):
        yield from api_at(url, want)


def api_at(url, want):
    try:
        trust = ssl.create_default_context(cafile=SERVER_CA)
        # The cluster's CA certificates carry what Kubernetes asks for, not all that RFC 5280 does.
        trust.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        urllib.request.urlopen(f"{url}/readyz", timeout=10, context=trust).close()
    except urllib.error.HTTPError as error:
        # Refusing a stranger is an answer.
        if error.code not in (401, 403):
            yield f"the API at {url} is not ready: it answers {error.code}; see: journalctl -u k3s on the master"
    except (OSError, socket.timeout) as error:
        yield f"the API at {url} can't be reached from here: {error}; see: tailscale ping, journalctl -u {want['unit']}"


def node(want):
    if want["api_fault"]:
        yield f"the API could not be asked for the node: {want['api_fault'].strip()}"
        return
    found = want["node"].get("status")
    if found is None:
        yield f"the cluster has no node {want['name']}; see: journalctl -u {want['unit']}"
        return
    ready = next((c for c in found.get("conditions", []) if c["type"] == "Ready"), {})
    if ready.get("status") != "True":
        yield f"the node is not Ready: {ready.get('message', 'it has not reported')}; see: journalctl -u {want['unit']}"
    version = found["nodeInfo"]["kubeletVersion"]
    if version.split("+")[0] != want["version"].split("+")[0]:
        yield f"the node runs {version}, not {want['version']}; fix: infra-k3s up"
    for address in found.get("addresses", []):
        if address["type"] == "InternalIP" and ipaddress.ip_address(address["address"]) not in MESH:
            yield f"the node's InternalIP {address['address']} is not in the mesh ({MESH}); fix: infra-k3s up"
    if not any(address["type"] == "InternalIP" for address in found.get("addresses", [])):
        yield "the node has no InternalIP"


def main():
    want = json.load(sys.stdin)
    faults = [
        *services(want),
        *mesh(want),
        *firewall(),
        *sshd(want),
        *flannel(want),
        *listeners(),
        *api(want),
        *node(want),
        *(
            f"{name} is a node of the cluster, but is not declared in cluster.yaml; "
            f"fix: infra-k3s node remove {name}, or declare it again"
            for name in want["undeclared"]
        ),
    ]
    json.dump([f"{want['name']}: {fault}" for fault in faults], sys.stdout)


main()
