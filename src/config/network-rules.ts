import ipaddr from "ipaddr.js";
import { namesOf } from "./nodes.ts";
import type { RuleFault } from "./rule.ts";
import { DEFAULT_SERVICES, type RawCluster } from "./schema.ts";

/** Networks that a pod or Service would be unreachable in, or make unreachable. */
const TAKEN: Readonly<Record<string, string>> = {
  "100.64.0.0/10": "the addresses of the tailnet",
  "127.0.0.0/8": "each host's own addresses",
  "169.254.0.0/16": "link-local addresses, with the clouds' metadata service",
  "224.0.0.0/3": "multicast and reserved addresses",
  "0.0.0.0/8": "reserved addresses",
};

type NetworkField = "podCidr" | "serviceCidr";

export function disjointNetworks({ network, nodes }: RawCluster): RuleFault[] {
  const faults: RuleFault[] = [];
  const clash = (field: NetworkField, other: string, owner: string): void => {
    if (!overlap(network[field], other)) return;
    faults.push({
      at: ["network", field],
      where: "value",
      code: "overlapping-networks",
      message: `${field} ${network[field]} overlaps ${other}, ${owner}`,
      why: "an address would lead to two places, and one of them could not be reached",
      suggestion: "choose a private network that nothing else uses, e.g. 10.42.0.0/16",
    });
  };
  for (const field of ["podCidr", "serviceCidr"] as const) {
    for (const [other, owner] of Object.entries(TAKEN)) clash(field, other, owner);
    for (const { name, address = "" } of nodes) {
      if (ipaddr.IPv4.isValidFourPartDecimal(address))
        clash(field, `${address}/32`, `the address of ${name}`);
    }
  }
  // What nobody wrote can't be pointed at.
  if (network.serviceCidr === DEFAULT_SERVICES)
    clash("podCidr", DEFAULT_SERVICES, "the network of the Services"); // prettier-ignore
  else clash("serviceCidr", network.podCidr, "the network of the pods");
  return faults;
}

function overlap(a: string, b: string): boolean {
  const [addressA, prefixA] = ipaddr.IPv4.parseCIDR(a);
  const [addressB, prefixB] = ipaddr.IPv4.parseCIDR(b);
  const prefix = Math.min(prefixA, prefixB);
  return addressA.match(addressB, prefix);
}

function prefixOf(cidr: string): number {
  return Number(cidr.split("/")[1]);
}

/** K3s gives each node a /24; Kubernetes takes at most 2^20 Services, and the cluster's DNS has the tenth address. */
export function networksOfSize(cluster: RawCluster): RuleFault[] {
  const { network } = cluster;
  const { length } = namesOf(cluster);
  const faults: RuleFault[] = [];
  const pods = prefixOf(network.podCidr);
  const room = pods > 24 ? 0 : 2 ** (24 - pods);
  if (room < length) {
    faults.push({
      at: ["network", "podCidr"],
      where: "value",
      code: "network-too-small",
      message: `${network.podCidr} has room for ${room === 1 ? "1 node" : `${room} nodes`}, and there are ${length}`,
      why: "each node takes a /24 of it for its pods, and the network can't be changed later",
      suggestion: "choose a wider one, e.g. 10.42.0.0/16, which has room for 256",
    });
  }
  const services = prefixOf(network.serviceCidr);
  if (services < 12 || services > 28) {
    faults.push({
      at: ["network", "serviceCidr"],
      where: "value",
      code: services < 12 ? "network-too-wide" : "network-too-small",
      message: `the network of the Services can't be a /${services}`,
      why: services < 12 ? "Kubernetes takes at most a /12" : "the cluster's DNS has the tenth address of it",
      suggestion: "choose one from /12 to /28, e.g. 10.43.0.0/16",
    });
  }
  return faults;
}
