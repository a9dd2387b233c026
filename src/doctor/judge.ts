import { parsePing } from "../stages/verify/parse.ts";
import type { Facts, Look, Miss } from "./facts.ts";
import type { Finding } from "./finding.ts";

/** VXLAN over IPv4: https://www.rfc-editor.org/rfc/rfc7348#section-5, 50 bytes in front of the inner frame's payload. */
const VXLAN = 50;
/** Room that is left when the kubelet begins to evict pods: 5 % with K3s (k3s-io/k3s#7578); told before. */
const LEAST_LEFT = 0.1;
/** Seconds. etcd warns of a difference of one between members; certificates are valid from the moment they are made. */
const MOST_APART = 1;
const DAY = 86_400;
/** K3s renews its certificates at its start from 120 days before their end: https://github.com/k3s-io/k3s/issues/12171 */
const CERTIFICATE_DAYS = 30;
const KEY_DAYS = 14;

/** What is wrong, and how to mend it; pure. `now` is in seconds. */
export function judge(looks: readonly Look[], misses: readonly Miss[], now: number): Finding[] {
  return [
    ...misses.map(({ name, why, fix }) => error("reach", name, `can't be looked at: ${why}`, fix)),
    ...clocks(looks),
    ...looks.flatMap(({ name, facts }) =>
      [units, mesh, mtu, dns, disk, expiry].flatMap((check) => check(name, facts, now)),
    ),
  ];
}

/** Units that fail for a reason outside the host. */
const FIXES: Readonly<Record<string, string>> = {
  "infra-k3s-report.service":
    "the URL in .envrc.local (INFRA_K3S_REPORT_URL) has to answer; then infra-k3s up. The timer tries again by itself",
};

function units(host: string, { units: all }: Facts): Finding[] {
  return all.flatMap(({ name, active, sub, enabled, words }) => {
    const ours = /^(tailscaled|k3s|k3s-agent|infra-k3s-firewall)\.service$|^infra-k3s-report\.timer$/.test(
      name,
    );
    const fix = ours ? "infra-k3s up" : (FIXES[name] ?? `mend or reset it: systemctl reset-failed ${name}`);
    if (active !== "active") {
      const said = words === "" ? "" : `; its last words:\n${words}`;
      return [error("units", host, `${name} is ${active} (${sub})${said}`, fix)];
    }
    if (ours && enabled !== "enabled")
      return [error("units", host, `${name} would not start at the next boot`, fix)];
    return [];
  });
}

function mesh(host: string, { backend, pairs }: Facts): Finding[] {
  if (backend !== "Running") {
    return [error("mesh", host, `Tailscale is ${backend || "not running"}, not Running`, "infra-k3s up")];
  }
  return pairs.flatMap(({ to, known, online, ping }) => {
    if (!known) return [error("mesh", host, `its tailnet does not have ${to}`, `infra-k3s up --limit ${to}`)];
    const { path } = parsePing(ping);
    if (path === "none") {
      const state = online ? "although it is online" : "it is offline";
      return [
        error(
          "mesh",
          host,
          `does not reach ${to} through the mesh, ${state}: ${ping}`,
          `look at tailscaled on both: infra-k3s ssh ${to} sudo journalctl -u tailscaled -n 50`,
        ),
      ];
    }
    if (path === "relay") {
      const fix = "let UDP 41641 in at the firewalls of both providers";
      return [
        {
          ...error("mesh", host, `reaches ${to} through a relay only: slower, and shared`, fix),
          severity: "warning" as const,
        },
      ];
    }
    return [];
  });
}

function mtu(host: string, { mtu: { tailscale0, "flannel.1": tunnel }, pairs }: Facts): Finding[] {
  // flannel takes a link that is there as it is, whatever its MTU; it makes one anew when there is none.
  const anew = `infra-k3s ssh ${host} 'sudo ip link delete flannel.1; sudo systemctl restart "k3s*.service"'`;
  if (tailscale0 === null) return [error("mtu", host, "there is no tailscale0", "infra-k3s up")];
  if (tunnel === null)
    return [error("mtu", host, "there is no flannel.1, so pods here reach no other node", "infra-k3s up")];
  const found: Finding[] = [];
  if (tunnel !== tailscale0 - VXLAN) {
    const message = `flannel.1 has MTU ${tunnel}; over tailscale0 (${tailscale0}) it has to be ${tailscale0 - VXLAN}`;
    found.push(error("mtu", host, message, anew));
  }
  for (const { to, known, overlay, fits } of pairs) {
    if (known && overlay === "") {
      found.push(
        error("mtu", host, `flannel knows no way to the pods of ${to}`, `infra-k3s up --limit ${to}`),
      );
    } else if (fits === false) {
      const message = `a packet of ${tunnel} bytes to the pods of ${to} (${overlay}) does not come back whole`;
      found.push(
        error(
          "mtu",
          host,
          message,
          `compare the MTUs of tailscale0 and flannel.1 on ${host} and ${to}, and the firewall between them`,
        ),
      );
    }
  }
  return found;
}

function dns(host: string, { tailnet, resolver, podResolvers, unknownNames, clusterDns }: Facts): Finding[] {
  const ofTailnet = ({ nameservers, search }: Facts["resolver"]): boolean =>
    nameservers.includes("100.100.100.100") ||
    search.some((domain) => domain.endsWith(".ts.net") || (tailnet !== "" && domain === tailnet));
  const found: Finding[] = [];
  if (ofTailnet(resolver)) {
    const message = `${resolver.path} has the tailnet's resolver or search domain, and pods inherit it`;
    found.push(
      error(
        "dns",
        host,
        message,
        "take it out there; infra-k3s up keeps Tailscale from writing it (accept-dns=false)",
      ),
    );
  }
  const pods = podResolvers.filter(ofTailnet).length;
  if (pods > 0) {
    const message = `${pods} pods have the tailnet's resolver or search domain in their resolv.conf`;
    found.push(
      error(
        "dns",
        host,
        message,
        "mend the host's /etc/resolv.conf, then delete these pods so that they are made anew",
      ),
    );
  }
  for (const name of unknownNames) {
    found.push(
      error(
        "dns",
        host,
        `can't resolve ${name}`,
        `check the nameservers in ${resolver.path}: ${resolver.nameservers.join(", ")}`,
      ),
    );
  }
  if (!clusterDns) {
    const fix =
      "look at CoreDNS: infra-k3s kubectl --namespace kube-system get pods --selector k8s-app=kube-dns -o wide";
    found.push(
      error("dns", host, "the cluster's DNS does not answer for kubernetes.default.svc.cluster.local", fix),
    );
  }
  return found;
}

/** A clock is known to lie between two bounds: what it said at the end came before our answer, at the start after our question. */
function clocks(looks: readonly Look[]): Finding[] {
  const bounds = looks.map(({ name, facts, asked, answered }) => ({
    name,
    least: facts.ended - answered,
    most: facts.began - asked,
  }));
  const apart = bounds.flatMap(({ name, least, most }) => {
    const off = Math.max(least, -most);
    if (off <= MOST_APART) return [];
    const message = `its clock is at least ${off.toFixed(1)} s ${least > 0 ? "ahead of" : "behind"} the operator's`;
    return [error("clock", name, message, `${keepTime(name)}; or the operator's own clock is wrong`)];
  });
  const between = bounds.flatMap((a, index) =>
    bounds.slice(index + 1).flatMap((b) => {
      const off = Math.max(a.least - b.most, b.least - a.most);
      if (off <= MOST_APART) return [];
      return [
        error(
          "clock",
          a.name,
          `its clock and that of ${b.name} are at least ${off.toFixed(1)} s apart`,
          keepTime(a.name),
        ),
      ];
    }),
  );
  const loose = looks
    .filter(({ facts }) => !facts.container && !facts.synchronized)
    .map(({ name }) => error("clock", name, "its clock is not kept by NTP", keepTime(name)));
  return [...apart, ...between, ...loose];
}

function disk(host: string, { disks }: Facts): Finding[] {
  return disks
    .filter(({ device }, index) => disks.findIndex((other) => other.device === device) === index)
    .flatMap(({ path, bytes, size, inodes, inodesTotal }) => {
      const fix = `infra-k3s ssh ${host} sudo du --one-file-system --human-readable --max-depth=2 ${path}`;
      const found: Finding[] = [];
      if (size > 0 && bytes < size * LEAST_LEFT) {
        found.push(error("disk", host, `${path} has ${percent(bytes, size)} of its space left`, fix));
      }
      // Some file systems have no fixed number of inodes.
      if (inodesTotal > 0 && inodes < inodesTotal * LEAST_LEFT) {
        found.push(
          error(
            "disk",
            host,
            `${path} has ${percent(inodes, inodesTotal)} of its inodes left`,
            `${fix} --inodes`,
          ),
        );
      }
      return found;
    });
}

function expiry(host: string, { keyExpiry, certificates }: Facts, now: number): Finding[] {
  const found: Finding[] = [];
  const days = (time: string): number => Math.floor((Date.parse(time) / 1000 - now) / DAY);
  if (keyExpiry !== "" && days(keyExpiry) < KEY_DAYS) {
    const fix =
      "a tagged device's key does not expire: remove the device in Tailscale's console, then infra-k3s up";
    found.push(error("expiry", host, `its key in the tailnet ${inDays(days(keyExpiry))}`, fix));
  }
  // Server and agent have the same certificate authorities, and many certificates of one age: one finding for each kind.
  const ending = certificates.filter(({ notAfter }) => days(notAfter) < CERTIFICATE_DAYS);
  const authorities = ending.filter(({ path }) => path.endsWith("ca.crt"));
  const others = ending.filter((one) => !authorities.includes(one));
  const unit = certificates.some(({ path }) => path.includes("/server/")) ? "k3s" : "k3s-agent";
  for (const [several, fix] of [
    [authorities, "https://docs.k3s.io/cli/certificate#rotating-custom-ca-certificates"],
    [others, `K3s renews them when it starts: infra-k3s ssh ${host} sudo systemctl restart ${unit}`],
  ] as const) {
    const [first] = several.toSorted((a, b) => Date.parse(a.notAfter) - Date.parse(b.notAfter));
    if (first === undefined) continue;
    const more = several.length > 1 ? ` (${several.length - 1} more end soon)` : "";
    found.push(error("expiry", host, `${first.path} ${inDays(days(first.notAfter))}${more}`, fix));
  }
  return found;
}

function error(check: Finding["check"], host: string, message: string, fix: string): Finding {
  return { check, severity: "error", host, message, fix };
}

function keepTime(name: string): string {
  return `infra-k3s ssh ${name} timedatectl timesync-status, and let UDP 123 out`;
}

function percent(part: number, all: number): string {
  return `${Math.floor((100 * part) / all)} %`;
}

function inDays(left: number): string {
  return left < 0 ? "has expired" : `expires in ${left} days`;
}
