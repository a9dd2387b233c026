import { type Cloud, CLOUDS, interfaceIpv4, ipv4, ipv6, type Network, type Plan } from "./plan.ts";

/** Where a link ends: a network or a server. */
export interface End {
  name: string;
  prefixes: readonly string[];
}

/** What was asked of a link after the sandbox was made; the last that names a direction counts. */
export interface LinkChange {
  from: End;
  to: End;
  delayMs: number;
  /** Percent of the packets. */
  loss: number;
  down: boolean;
  udpDown: boolean;
}

/** The file that the link program follows: sandbox/network/link. It reads `rules`; the rest is for people. */
export interface Links {
  rules: readonly (Omit<LinkChange, "from" | "to"> & { from: readonly string[]; to: readonly string[] })[];
  changes: readonly LinkChange[];
}

export const LINK_DEVICE = "wan";
/** Networks whose packets go over the link program when they leave. */
export const LINKED = [...CLOUDS, "operator", "internet"] as const;
/** What can be named as an end. The services' own packets don't go over the link program: what they answer to is cut. */
export const ENDS = [...LINKED, "services"] as const;

/** Milliseconds there and back between clouds, about as between Frankfurt, Falkenstein and a home. */
const ROUND_TRIPS: readonly [Cloud, Cloud, number][] = [
  ["hetzner", "vultr", 12],
  ["hetzner", "aws", 25],
  ["vultr", "aws", 18],
  ["hetzner", "existing", 30],
  ["vultr", "existing", 30],
  ["aws", "existing", 36],
];

const CLEAR = { delayMs: 0, loss: 0, down: false, udpDown: false };
const EVERYWHERE: End = { name: "everywhere", prefixes: ["0.0.0.0/0", "::/0"] };

/** EC2's public and private addresses are of the same place. */
export function networkEnd(plan: Plan, network: Network): End {
  const v4 = new Set(
    [ipv4(plan, network, 0), interfaceIpv4(plan, network, 0)].map((address) => `${address}/24`),
  );
  return { name: network, prefixes: [...v4, `${ipv6(plan, network, 0)}/48`] };
}

export function hostEnd(plan: Plan, name: string, network: Network, number: number): End {
  const v4 = new Set([ipv4(plan, network, number), interfaceIpv4(plan, network, number)]);
  return {
    name,
    prefixes: [...[...v4].map((address) => `${address}/32`), `${ipv6(plan, network, number)}/128`],
  };
}

/** The default distances. */
export function defaultLinks(plan: Plan): readonly LinkChange[] {
  return ROUND_TRIPS.flatMap(([a, b, roundTrip]) =>
    both({ ...CLEAR, from: networkEnd(plan, a), to: networkEnd(plan, b), delayMs: roundTrip / 2 }),
  );
}

export function both(change: LinkChange): LinkChange[] {
  return [change, { ...change, from: change.to, to: change.from }];
}

/** What holds in a direction by now, to be changed further. */
export function currentLink(plan: Plan, changes: readonly LinkChange[], from: End, to: End): LinkChange {
  const fits = (outer: End, inner: End) =>
    outer.name === inner.name ||
    outer.prefixes.some((prefix) => inner.prefixes.some((one) => covers(prefix, one)));
  const last = [...defaultLinks(plan), ...changes].findLast(
    (change) => fits(change.from, from) && fits(change.to, to),
  );
  return { ...CLEAR, ...last, from, to };
}

function covers(outer: string, inner: string): boolean {
  const [network = "", bits] = outer.split("/");
  if (bits === "24") return inner.startsWith(network.replace(/0$/, ""));
  return bits === "48" && inner.startsWith(network.replace(/:0$/, ""));
}

export function toLinks(plan: Plan, changes: readonly LinkChange[]): Links {
  const all = [{ ...CLEAR, from: EVERYWHERE, to: EVERYWHERE }, ...defaultLinks(plan), ...changes];
  return {
    rules: all.map(({ from, to, ...rest }) => ({ from: from.prefixes, to: to.prefixes, ...rest })),
    changes,
  };
}
