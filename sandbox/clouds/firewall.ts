import { run } from "../command.ts";
import { hostPlace } from "../network/create.ts";
import { LINK_DEVICE } from "../network/links.ts";
import { interfaceIpv4, ipv6, namespace, type Plan } from "../network/plan.ts";

/** What a vendor's firewall lets in. */
export interface InboundRule {
  protocol: "tcp" | "udp" | "icmp";
  /** A port or a range such as 8000-8080; undefined: all. */
  port?: string | undefined;
  /** Networks, IPv4 and IPv6. */
  from: readonly string[];
}

/** The vendors' firewalls as one table, replaced at once: answers come in, and what a rule names. */
export async function writeFirewall(
  plan: Plan,
  inbound: ReadonlyMap<string, readonly InboundRule[]>,
): Promise<void> {
  const places = await Promise.all(
    [...inbound].map(async ([host, rules]) => ({ rules, place: await hostPlace(plan, host) })),
  );
  const jumps: string[] = [];
  const chains: string[] = [];
  for (const { rules, place } of places) {
    if (place === undefined) continue;
    const chain = `${place.network}_${place.number}`;
    jumps.push(
      `ip daddr ${interfaceIpv4(plan, place.network, place.number)} jump ${chain}`,
      `ip6 daddr ${ipv6(plan, place.network, place.number)} jump ${chain}`,
    );
    chains.push(`chain ${chain} {\n${rules.flatMap(toNft).join("\n")}\ndrop\n}`);
  }
  // A packet that comes back from the link has been looked at already, and is not tracked.
  const table = `table inet vendors {
${chains.join("\n")}
chain forward {
  type filter hook forward priority filter + 1;
  iifname "${LINK_DEVICE}" accept
  ct state established,related accept
  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, packet-too-big } accept
  ${jumps.join("\n  ")}
}
}`;
  await run(["ip", "netns", "exec", namespace(plan, "outer"), "nft", "-f", "-"], {
    stdin: `table inet vendors {}\ndelete table inet vendors\n${table}\n`,
  });
}

function toNft({ protocol, port, from }: InboundRule): string[] {
  return from.map((network) => {
    const v6 = network.includes(":");
    const source = network.endsWith("/0") ? "" : `${v6 ? "ip6" : "ip"} saddr ${network} `;
    const family = `meta nfproto ${v6 ? "ipv6" : "ipv4"} `;
    const what =
      protocol === "icmp"
        ? `meta l4proto ${v6 ? "ipv6-icmp" : "icmp"}`
        : port === undefined
          ? `meta l4proto ${protocol}`
          : `${protocol} dport ${port}`;
    return `${family}${source}${what} accept`;
  });
}
