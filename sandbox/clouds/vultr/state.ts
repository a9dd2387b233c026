/** What Vultr knows of one account. */
export interface Account {
  sshKeys: SshKey[];
  firewalls: FirewallGroup[];
  instances: Instance[];
  /** The most instances the account may have; Vultr's console tells it, its API does not. */
  instanceLimit: number;
  /** `PLAN@REGION` that is sold out. */
  soldOut: string[];
}

export const EMPTY_ACCOUNT: Account = {
  sshKeys: [],
  firewalls: [],
  instances: [],
  instanceLimit: 10,
  soldOut: [],
};

export interface SshKey {
  id: string;
  name: string;
  ssh_key: string;
  date_created: string;
}

export interface FirewallRule {
  id: number;
  ip_type: "v4" | "v6";
  protocol: "icmp" | "tcp" | "udp" | "gre" | "esp" | "ah";
  subnet: string;
  subnet_size: number;
  /** One, or a range such as 8000:8080; empty for what has none. */
  port: string;
  notes: string;
}

export interface FirewallGroup {
  id: string;
  description: string;
  date_created: string;
  date_modified: string;
  rules: FirewallRule[];
  /** Ids of rules are not given out again. */
  lastRule: number;
}

export interface Instance {
  id: string;
  label: string;
  hostname: string;
  region: string;
  plan: string;
  os_id: number;
  tags: string[];
  /** Empty: no firewall. */
  firewall_group_id: string;
  enable_ipv6: boolean;
  /** In base64, as it came. */
  user_data: string;
  user_scheme: string;
  date_created: string;
  /** Undefined while the sandbox's host is being made. */
  machine?: { host: string; ipv4: string; ipv6: string };
  startedAt: number;
}

/** What Vultr bills: an instance also while it is switched off. */
export function billed({ instances }: Account): Record<string, number> {
  return { instances: instances.length };
}

/** As Vultr writes a time. */
export const timestamp = (): string => new Date().toISOString().replace(/\.\d+Z$/, "+00:00");
