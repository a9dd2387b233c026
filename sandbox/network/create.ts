import { existsSync } from "node:fs";
import { run } from "../command.ts";
import { LINK_DEVICE, LINKED } from "./links.ts";
import {
  edgeIpv6,
  GATEWAY,
  headscaleIpv6,
  interfaceIpv4,
  ipv4,
  ipv6,
  namespace,
  type Network,
  NETWORKS,
  type Place,
  type Plan,
  PUBLIC_RESOLVERS,
  services,
} from "./plan.ts";

/** The outer namespace with its bridges and service addresses, and the operator's and a client's place. */
export async function createNetwork(plan: Plan): Promise<void> {
  const outer = namespace(plan, "outer");
  await run(["ip", "netns", "add", outer]);
  const { headscale } = services(plan);
  await batch(outer, [
    "link set lo up",
    ...NETWORKS.flatMap((network) => [
      // Without one of its own a bridge takes a port's, and with that host goes what its neighbours know of their gateway.
      `link add ${network} address 02:00:00:00:01:${hex(NETWORKS.indexOf(network))} type bridge`,
      `link set ${network} up`,
      `addr add ${interfaceIpv4(plan, network, GATEWAY)}/24 dev ${network}`,
      `addr add ${ipv6(plan, network, GATEWAY)}/48 dev ${network} nodad`,
    ]),
    ...[...Object.values(services(plan)), ...PUBLIC_RESOLVERS].map(
      (address) => `addr add ${address}/32 dev services`,
    ),
    `addr add ${headscaleIpv6(plan)}/128 dev services nodad`,
    `addr add ${edgeIpv6(plan)}/128 dev services nodad`,
    // The way of the services' answers before they are translated back; STUN, which listens on no address of its own, gets one here.
    ...NETWORKS.filter((network) => interfaceIpv4(plan, network, 0) !== ipv4(plan, network, 0)).map(
      (network) => `route add ${ipv4(plan, network, 0)}/24 dev ${network} src ${headscale}`,
    ),
    `tuntap add dev ${LINK_DEVICE} mode tun`,
    `link set ${LINK_DEVICE} up txqueuelen 10000`,
  ]);
  // What leaves a network takes the way over the link program, which puts it back here; then it is routed as usual.
  // The services' own addresses are local here, and what is local would never leave: it is asked for after their rules.
  const served = {
    "-4": [`${ipv4(plan, "services", 0)}/24`, ...PUBLIC_RESOLVERS],
    "-6": [`${ipv6(plan, "services", 0)}/48`],
  };
  for (const [family, addresses] of Object.entries(served)) {
    await batch(
      outer,
      [
        `route add default dev ${LINK_DEVICE} table ${LINK_TABLE}`,
        "rule add pref 20 lookup local",
        "rule del pref 0",
        ...LINKED.flatMap((network) => [
          ...addresses.map((to) => `rule add pref 10 iif ${network} to ${to} lookup ${LINK_TABLE}`),
          `rule add pref 30 iif ${network} lookup ${LINK_TABLE}`,
        ]),
      ],
      family,
    );
  }
  // Only inside: these are the outer namespace's own settings.
  await run([
    "ip", "netns", "exec", outer, "sysctl", "-qw",
    "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.conf.all.rp_filter=0", `net.ipv4.conf.${LINK_DEVICE}.rp_filter=0`, "net.ipv4.conf.all.send_redirects=0",
    // A packet whose socket is found before its route is known would not go over the link.
    "net.ipv4.ip_early_demux=0",
  ]); // prettier-ignore
  await run(["ip", "netns", "exec", outer, "nft", "-f", "-"], { stdin: nat(plan) });
  await attach(plan, "operator", "operator", 10);
  await attach(plan, "internet", "internet", 10);
}

const hex = (number: number) => number.toString(16).padStart(2, "0");

const LINK_TABLE = 100;

/**
 * EC2's 1:1 public addresses, and a home router: out under an address of its own, nothing in that was not asked for.
 * EC2's private addresses are reached under the public ones only.
 * A packet that comes back from the link has been translated already: conntrack must not meet it twice.
 */
function nat(plan: Plan): string {
  const ec2 = `${interfaceIpv4(plan, "aws", 0)}/24`;
  return `
table inet link {
  chain prerouting { type filter hook prerouting priority raw; iifname "${LINK_DEVICE}" notrack; }
  chain forward {
    type filter hook forward priority filter;
    iifname != { aws, ${LINK_DEVICE} } ip daddr ${ec2} ct direction original ct original ip daddr ${ec2} drop
    iifname != { existing, ${LINK_DEVICE} } ip daddr { ${interfaceIpv4(plan, "existing", 0)}/24, ${ipv4(plan, "existing", 0)}/24 } ct state new drop
    iifname != { existing, ${LINK_DEVICE} } ip6 daddr ${ipv6(plan, "existing", 0)}/48 ct state new drop
  }
}
table ip sandbox {
  map private { type ipv4_addr : ipv4_addr; }
  map public { type ipv4_addr : ipv4_addr; }
  chain prerouting { type nat hook prerouting priority -100; dnat to ip daddr map @private; }
  chain output { type nat hook output priority -100; dnat to ip daddr map @private; }
  chain input { type nat hook input priority 100; snat to ip saddr map @public; }
  chain postrouting { type nat hook postrouting priority 100; oifname != { aws, existing } snat to ip saddr map @public; }
}
`;
}

/** Makes a place of its own and joins it to a network as host number `host`; nothing to do when it is there. */
export async function attach(plan: Plan, place: Place, network: Network, host: number): Promise<void> {
  const inside = namespace(plan, place);
  if (existsSync(`/run/netns/${inside}`)) {
    if ((await globalAddresses(inside)) !== "") return;
    // Whoever made it has ended half-way.
    await run(["ip", "netns", "delete", inside]);
  }
  await run(["ip", "netns", "add", inside]);
  const port = `${network}-${host}`;
  await batch(namespace(plan, "outer"), [
    `link add ${port} type veth peer name eth0 netns ${inside}`,
    `link set ${port} master ${network} up`,
  ]);
  await batch(inside, [
    "link set lo up",
    "link set eth0 up",
    `addr add ${interfaceIpv4(plan, network, host)}/24 dev eth0`,
    `addr add ${ipv6(plan, network, host)}/48 dev eth0 nodad`,
    `route add default via ${interfaceIpv4(plan, network, GATEWAY)}`,
    `route add default via ${ipv6(plan, network, GATEWAY)}`,
  ]);
  await translate(plan, network, host);
}

async function translate(plan: Plan, network: Network, host: number): Promise<void> {
  const [open, hidden] = [ipv4(plan, network, host), interfaceIpv4(plan, network, host)];
  if (open === hidden) return;
  const out = `add element ip sandbox public { ${hidden} : ${open} }\n`;
  const into = network === "aws" ? `add element ip sandbox private { ${open} : ${hidden} }\n` : "";
  await run(["ip", "netns", "exec", namespace(plan, "outer"), "nft", "-f", "-"], { stdin: out + into });
}

/** Maps an address of EC2's onto a host, in the place of its own; undefined: its own again. */
export async function translateTo(plan: Plan, host: string, open: string | undefined): Promise<void> {
  const place = await hostPlace(plan, host);
  if (place?.network !== "aws") return;
  const outer = namespace(plan, "outer");
  const [own, hidden] = [ipv4, interfaceIpv4].map((address) => address(plan, "aws", place.number));
  const maps = await run(["ip", "netns", "exec", outer, "nft", "list", "map", "ip", "sandbox", "private"]);
  const before = [...maps.matchAll(/([0-9.]+) : ([0-9.]+)/g)].find(([, , to]) => to === hidden)?.[1];
  if (before === undefined) return;
  const change = `delete element ip sandbox private { ${before} : ${hidden} }
delete element ip sandbox public { ${hidden} : ${before} }
add element ip sandbox private { ${open ?? own} : ${hidden} }
add element ip sandbox public { ${hidden} : ${open ?? own} }
`;
  await run(["ip", "netns", "exec", outer, "nft", "-f", "-"], { stdin: change });
}

async function batch(inside: string, lines: string[], ...options: string[]): Promise<void> {
  await run(["ip", ...options, "-n", inside, "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
}

/** Takes a place away, and with it its port. */
export async function detach(plan: Plan, host: string): Promise<void> {
  const place = await hostPlace(plan, host);
  if (place === undefined) return;
  const [open, hidden] = [ipv4, interfaceIpv4].map((address) => address(plan, place.network, place.number));
  // The kernel takes a namespace's interfaces away some time later, and the next host may have the same port.
  await batch(namespace(plan, "outer"), [`link delete ${place.network}-${place.number}`]);
  await run(["ip", "netns", "delete", namespace(plan, `host-${host}`)]);
  if (open === hidden) return;
  const out = `delete element ip sandbox public { ${hidden} : ${open} }\n`;
  const into = place.network === "aws" ? `delete element ip sandbox private { ${open} : ${hidden} }\n` : "";
  await run(["ip", "netns", "exec", namespace(plan, "outer"), "nft", "-f", "-"], { stdin: out + into });
}

/** Where a host stands, as its interface says; undefined where there is none. */
export async function hostPlace(
  plan: Plan,
  name: string,
): Promise<{ network: Network; number: number } | undefined> {
  const inside = namespace(plan, `host-${name}`);
  if (!existsSync(`/run/netns/${inside}`)) return undefined;
  const [, third = "", number = ""] =
    / 2001:db8:([0-9a-f]+):([0-9a-f]+)::1\/48/.exec(await globalAddresses(inside)) ?? [];
  const network = NETWORKS[parseInt(third, 16) - 16 * plan.index];
  return network === undefined ? undefined : { network, number: parseInt(number, 16) };
}

/** The IPv6 addresses by which a place is known; "" where it has none yet. */
function globalAddresses(inside: string): Promise<string> {
  return run(["ip", "-n", inside, "-6", "-o", "addr", "show", "scope", "global"]);
}
