import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bootServer, createMachine, isRunning, stopServer } from "../hosts/server.ts";
import { removeCgroups } from "../lifecycle/down.ts";
import { detach, hostPlace, translateTo } from "../network/create.ts";
import { type Cloud, interfaceIpv4, ipv4, ipv6, type Plan, prefix } from "../network/plan.ts";
import { limitHops } from "./aws/metadata-server.ts";
import { type InboundRule, writeFirewall } from "./firewall.ts";
import { Store } from "./store.ts";

export interface MachineRequest {
  name: string;
  provider: Cloud;
  /** What cloud-init reads at the first boot; empty: nothing. */
  userData: string;
  /** Keys that the vendor puts into its metadata. */
  authorizedKeys: readonly string[];
}

export interface Machine {
  /** The sandbox's name of the host: the server's, or with a number where that is taken. */
  host: string;
  /** As the internet sees it. */
  ipv4: string;
  /** The address the interface carries: EC2's private one. */
  privateIpv4: string;
  ipv6: string;
}

/** What a simulated vendor makes servers of. */
export interface Machines {
  /** Makes the host and switches it on. */
  create(request: MachineRequest): Promise<Machine>;
  isRunning(host: string): boolean;
  /** Resolves when the host has begun to boot. */
  powerOn(host: string): Promise<void>;
  powerOff(host: string): Promise<void>;
  /** Nothing is left of it. */
  delete(host: string): Promise<void>;
  /** What may come in from the internet; undefined: everything. */
  setInbound(host: string, rules: readonly InboundRule[] | undefined): Promise<void>;
  /** One of the addresses that no host has from the start; `index` is 0 to 3. */
  spareIpv4(provider: Cloud, index: number): string;
  /** The address the internet sees a host under; undefined: its own again. */
  setPublicIpv4(host: string, ipv4: string | undefined): Promise<void>;
  /** How many hops what EC2's metadata answers may go. */
  setMetadataHops(host: string, hops: number): Promise<void>;
}

/** Machines that are hosts of the sandbox. */
export function hostMachines(plan: Plan, stateDir: string): Machines {
  // On the disk: whoever comes after this process still has every rule.
  const inbound = new Store<Record<string, readonly InboundRule[]>>(
    join(stateDir, "clouds/inbound.json"),
    {},
  );
  const hops = new Map<string, number>();
  // One after another: names and numbers are taken by being there.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
  const setRules = (host: string, rules: readonly InboundRule[] | undefined) =>
    inTurn(() => {
      inbound.change((known) => {
        if (rules === undefined) delete known[host];
        else known[host] = rules;
      });
      return writeFirewall(plan, new Map(Object.entries(inbound.read())));
    });

  return {
    async create(request) {
      const { host, number } = await inTurn(() => claim(plan, stateDir, request));
      bootServer(plan, stateDir, host);
      const at = [plan, request.provider, number] as const;
      return { host, ipv4: ipv4(...at), privateIpv4: interfaceIpv4(...at), ipv6: ipv6(...at) };
    },
    isRunning: (host) => isRunning(plan, host),
    powerOn: async (host) => bootServer(plan, stateDir, host),
    powerOff: (host) => stopServer(plan, host),
    async delete(host) {
      await stopServer(plan, host);
      await setRules(host, undefined);
      await translateTo(plan, host, undefined);
      await inTurn(() => detach(plan, host));
      await removeCgroups(`${prefix(plan)}/${host}`);
      rmSync(join(stateDir, "hosts", host), { recursive: true, force: true });
    },
    async setInbound(host, rules) {
      const place = await hostPlace(plan, host);
      if (place === undefined) return;
      await setRules(host, rules);
    },
    spareIpv4: (provider, index) => ipv4(plan, provider, 251 + index),
    setPublicIpv4: (host, address) => translateTo(plan, host, address),
    async setMetadataHops(host, limit) {
      const place = await hostPlace(plan, host);
      if (place === undefined) return;
      hops.set(interfaceIpv4(plan, place.network, place.number), limit);
      await limitHops(plan, hops);
    },
  };
}

/** Furnishes a host under a free name and number; it is not booted yet. */
async function claim(
  plan: Plan,
  stateDir: string,
  request: MachineRequest,
): Promise<{ host: string; number: number }> {
  const folder = join(stateDir, "hosts");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const host = freeName(request.name, names);
  const places = await Promise.all(names.map((name) => hostPlace(plan, name)));
  const taken = new Set(places.flatMap((place) => (place === undefined ? [] : [place.number])));
  const number = [...Array(240).keys()].map((i) => i + 10).find((one) => !taken.has(one));
  if (number === undefined) throw new Error("240 hosts are there");
  await createMachine(plan, stateDir, { ...request, name: host, hostname: request.name, number });
  return { host, number };
}

export function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  let number = 2;
  while (taken.includes(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}
