import { createHash, randomBytes } from "node:crypto";

/** What AWS knows of one account. */
export interface Account {
  id: string;
  /** Quota of vCPUs of running standard instances, in each region: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html#ec2-on-demand-instances-limits */
  vcpuLimit: number;
  /** `TYPE@REGION` or `TYPE@ZONE` of which there is none left now. */
  soldOut: string[];
  regions: Record<string, Region>;
}

export const EMPTY_ACCOUNT: Account = { id: "123456789012", vcpuLimit: 32, soldOut: [], regions: {} };

export type Tags = Record<string, string>;

export interface Region {
  keys: KeyPair[];
  groups: Group[];
  instances: Instance[];
  volumes: Volume[];
  addresses: Address[];
  /** Of everything, by its id. */
  tags: Record<string, Tags>;
}

export interface KeyPair {
  id: string;
  name: string;
  publicKey: string;
  created: number;
}

export interface Rule {
  id: string;
  egress: boolean;
  /** tcp, udp, icmp, icmpv6 or -1 for all. */
  protocol: string;
  from: number;
  to: number;
  ipv4?: string | undefined;
  ipv6?: string | undefined;
  /** Another group whose members are meant. */
  group?: string | undefined;
  description?: string | undefined;
}

export interface Group {
  id: string;
  name: string;
  description: string;
  rules: Rule[];
}

export interface Instance {
  id: string;
  reservation: string;
  /** Makes a call that is repeated the same one. */
  clientToken: string | undefined;
  /** Of what was asked with the token. */
  request: string;
  image: string;
  type: string;
  zone: string;
  keyName: string | undefined;
  /** Of that key, then. */
  publicKey: string | undefined;
  /** base64 */
  userData: string;
  groups: string[];
  interfaceId: string;
  rootVolume: string;
  attributes: {
    disableApiTermination: boolean;
    disableApiStop: boolean;
    sourceDestCheck: boolean;
    ebsOptimized: boolean;
    monitoring: boolean;
    shutdownBehavior: "stop" | "terminate";
    credits: "standard" | "unlimited";
  };
  metadata: Metadata;
  launched: number;
  /** Switched on by the vendor; a host may have ended by itself. */
  on: boolean;
  /** When it was last switched on or off. */
  since: number;
  terminated: number | undefined;
  /** The sandbox's host; empty while it is made. */
  host: string;
  ipv4: string;
  privateIpv4: string;
}

export interface Metadata {
  tokens: "optional" | "required";
  endpoint: "enabled" | "disabled";
  hops: number;
  tags: "enabled" | "disabled";
}

export interface Volume {
  id: string;
  zone: string;
  size: number;
  type: string;
  iops: number;
  throughput: number;
  encrypted: boolean;
  created: number;
  deleteOnTermination: boolean;
  instance: string | undefined;
}

export interface Address {
  id: string;
  ipv4: string;
  association: string | undefined;
  instance: string | undefined;
}

export const newId = (kind: string): string => `${kind}-${randomBytes(9).toString("hex").slice(0, 17)}`;
/** Of what is there from the start. */
export const fixedId = (kind: string, of: string): string =>
  `${kind}-${createHash("sha256").update(of).digest("hex").slice(0, 17)}`;

/** A region as an account finds it: nothing, but the default group of its default VPC. */
export function regionOf(account: Account, name: string): Region {
  account.regions[name] ??= {
    keys: [],
    groups: [defaultGroup(name)],
    instances: [],
    volumes: [],
    addresses: [],
    tags: {},
  };
  return account.regions[name];
}

export const everywhereOut = (): Rule => ({
  id: newId("sgr"),
  egress: true,
  protocol: "-1",
  from: -1,
  to: -1,
  ipv4: "0.0.0.0/0",
});

function defaultGroup(region: string): Group {
  const id = fixedId("sg", region);
  const all = { protocol: "-1", from: -1, to: -1 };
  return {
    id,
    name: "default",
    description: "default VPC security group",
    rules: [
      { ...all, id: fixedId("sgr", `${region} in`), egress: false, group: id },
      { ...all, id: fixedId("sgr", `${region} out`), egress: true, ipv4: "0.0.0.0/0" },
    ],
  };
}

/** What AWS bills: running instances, disks, and every public IPv4 address: https://aws.amazon.com/vpc/pricing/ */
export function billed({ regions }: Account): Record<string, number> {
  const all = Object.values(regions);
  const instances = all.flatMap((region) => region.instances).filter((one) => one.terminated === undefined);
  const running = instances.filter(({ on }) => on).length;
  const elastic = all.flatMap(({ addresses }) => addresses);
  const covered = new Set(elastic.map(({ instance }) => instance));
  return {
    instances: instances.length,
    running,
    volumes: all.flatMap(({ volumes }) => volumes).length,
    publicIpv4: elastic.length + instances.filter(({ on, id }) => on && !covered.has(id)).length,
  };
}
