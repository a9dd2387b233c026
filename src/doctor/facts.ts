import { z } from "zod";

const ResolverSchema = z.object({
  path: z.string(),
  nameservers: z.array(z.string()),
  search: z.array(z.string()),
});

/** What look.py prints of one host. */
export const FactsSchema = z.object({
  /** When it began and ended there, in seconds of that host's clock. */
  began: z.number(),
  ended: z.number(),
  backend: z.string(),
  /** When the host's key in the tailnet expires; empty: never. */
  keyExpiry: z.string(),
  /** The tailnet's search domain. */
  tailnet: z.string(),
  mtu: z.object({ tailscale0: z.number().nullable(), "flannel.1": z.number().nullable() }),
  pairs: z.array(
    z.object({
      to: z.string(),
      known: z.boolean(),
      online: z.boolean(),
      /** The last answer that `tailscale ping` had, else its last line. */
      ping: z.string(),
      /** The other node's address in the pods' overlay; empty: flannel has no way there. */
      overlay: z.string(),
      /** Whether a packet of the overlay's full size comes back from there; null: not tried. */
      fits: z.boolean().nullable(),
    }),
  ),
  resolver: ResolverSchema,
  podResolvers: z.array(ResolverSchema),
  unknownNames: z.array(z.string()),
  clusterDns: z.boolean(),
  /** In a container the clock is the machine's. */
  container: z.boolean(),
  synchronized: z.boolean(),
  disks: z.array(
    z.object({
      path: z.string(),
      device: z.number(),
      bytes: z.number(),
      size: z.number(),
      inodes: z.number(),
      inodesTotal: z.number(),
    }),
  ),
  certificates: z.array(z.object({ path: z.string(), notAfter: z.string() })),
  units: z.array(
    z.object({
      name: z.string(),
      active: z.string(),
      sub: z.string(),
      enabled: z.string(),
      words: z.string(),
    }),
  ),
});

export type Facts = z.output<typeof FactsSchema>;

/** One host as it was looked at; `asked` and `answered` are the operator's clock around the look, in seconds. */
export interface Look {
  name: string;
  facts: Facts;
  asked: number;
  answered: number;
}

/** A host that could not be looked at. */
export interface Miss {
  name: string;
  why: string;
  fix: string;
}
