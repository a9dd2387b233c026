import type { InboundRule } from "./firewall.ts";
import type { MachineRequest, Machines } from "./machines.ts";
import { freeName } from "./machines.ts";

/** Machines that are nothing but a list. */
export class FakeMachines implements Machines {
  readonly hosts = new Map<
    string,
    MachineRequest & {
      on: boolean;
      inbound: readonly InboundRule[] | undefined;
      publicIpv4?: string | undefined;
      hops?: number;
    }
  >();

  async create(request: MachineRequest) {
    const host = freeName(request.name, [...this.hosts.keys()]);
    this.hosts.set(host, { ...request, on: true, inbound: undefined });
    const number = 9 + this.hosts.size;
    return {
      host,
      ipv4: `198.18.1.${number}`,
      privateIpv4: `172.31.0.${number}`,
      ipv6: `2001:db8:1:${number.toString(16)}::1`,
    };
  }
  isRunning = (host: string) => this.hosts.get(host)?.on ?? false;
  powerOn = async (host: string) => this.#set(host, { on: true });
  powerOff = async (host: string) => this.#set(host, { on: false });
  delete = async (host: string) => void this.hosts.delete(host);
  setInbound = async (host: string, inbound: readonly InboundRule[] | undefined) =>
    this.#set(host, { inbound });

  spareIpv4 = (_provider: string, index: number) => `198.18.1.${251 + index}`;
  setPublicIpv4 = async (host: string, publicIpv4: string | undefined) => this.#set(host, { publicIpv4 });
  setMetadataHops = async (host: string, hops: number) => this.#set(host, { hops });

  #set(
    host: string,
    change: Partial<{
      on: boolean;
      inbound: readonly InboundRule[] | undefined;
      publicIpv4: string | undefined;
      hops: number;
    }>,
  ): void {
    const known = this.hosts.get(host);
    if (known !== undefined) Object.assign(known, change);
  }
}
