import { randomInt } from "node:crypto";

/** What Hetzner knows of one project. */
export interface Project {
  lastId: number;
  actions: Action[];
  sshKeys: SshKey[];
  firewalls: Firewall[];
  servers: Server[];
  /** The most servers this project may have: https://docs.hetzner.com/cloud/general/faq#limits */
  serverLimit: number;
  /** `TYPE@LOCATION` that is sold out. */
  soldOut: string[];
}

export const EMPTY_PROJECT: Project = {
  // Ids are counted over all projects: another sandbox's are other ones.
  lastId: randomInt(1_000_000, 100_000_000),
  actions: [],
  sshKeys: [],
  firewalls: [],
  servers: [],
  serverLimit: 10,
  soldOut: [],
};

export type Labels = Record<string, string>;

export interface Action {
  id: number;
  command: string;
  started: number;
  /** Milliseconds since 1970: running until then. */
  until: number;
  resources: { id: number; type: string }[];
}

export interface SshKey {
  id: number;
  name: string;
  public_key: string;
  labels: Labels;
  created: string;
}

export interface FirewallRule {
  direction: "in" | "out";
  protocol: "tcp" | "udp" | "icmp" | "esp" | "gre";
  port: string | null;
  source_ips: string[];
  destination_ips: string[];
  description: string | null;
}

export interface Firewall {
  id: number;
  name: string;
  labels: Labels;
  created: string;
  rules: FirewallRule[];
}

export interface Server {
  id: number;
  name: string;
  labels: Labels;
  created: string;
  type: string;
  location: string;
  image: string;
  protection: { delete: boolean; rebuild: boolean };
  /** Ids of the firewalls that apply. */
  firewalls: number[];
  /** Ids of its two primary addresses. */
  addressIds: [number, number];
  /** The sandbox's host. */
  host: string;
  ipv4: string;
  ipv6: string;
  /** Switched on by the vendor; a host may have ended by itself. */
  on: boolean;
  startedAt: number;
}

/** What Hetzner bills: https://docs.hetzner.cloud/#pricing */
export function billed({ servers }: Project): Record<string, number> {
  return { servers: servers.length, primaryIpv4: servers.length };
}
