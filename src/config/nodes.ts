import { parse } from "yaml";
import { z } from "zod";
import type { DataPath } from "./diagnostic.ts";
import { replaceScalar } from "./edit.ts";
import { CLOUDS } from "./model.ts";
import { label } from "./shape.ts";

/** What the servers of a pool have in common with any other. */
const region = z
  .string()
  .min(1)
  .describe("The provider's own name of the region; every cloud's node needs one.")
  .meta({ examples: ["fsn1", "fra", "eu-central-1"] });
const size = z
  .string()
  .min(1)
  .describe("The provider's own name of the server type; every cloud's node needs one.")
  .meta({ examples: ["cx33", "vc2-2c-4gb", "t3.medium"] });
const arch = z
  .enum(["amd64", "arm64"])
  .default("amd64")
  .describe("Processor architecture: it decides which programs the node is given.");
const ingress = z.boolean().default(false).describe("Lets HTTP and HTTPS in from the internet on this node.");

export const NodeSchema = z.strictObject({
  name: label(30)
    .describe("The node's name in Kubernetes; unique in the cluster.")
    .meta({ examples: ["hetzner-1"] }),
  role: z
    .enum(["master", "worker"])
    .describe(
      "What the node is for. master: control plane and etcd, one per cluster. worker: workloads only.",
    ),
  provider: z
    .enum(["hetzner", "vultr", "aws", "existing"])
    .describe("Where the server stands. existing: a host you bring."),
  region: region.optional(),
  size: size.optional(),
  address: z
    .string()
    .min(1)
    .optional()
    .describe("Address of an existing host; left out where nothing from outside reaches it.")
    .meta({ examples: ["203.0.113.7"] }),
  arch,
  ingress,
});

/** `-99` is the longest ending, and a node's name has 30 characters. */
const MOST = 99;

export const PoolSchema = z.strictObject({
  name: label(27)
    .describe("What the nodes' names begin with: NAME-1, NAME-2 and so on.")
    .meta({ examples: ["web"] }),
  role: z
    .enum(["worker"])
    .default("worker")
    .describe("Always worker: the master is an entry of `nodes`, by itself."),
  provider: z.enum(CLOUDS).describe("Where the servers stand; hosts you bring are entries of `nodes`."),
  region: region.describe("The provider's own name of the region."),
  size: size.describe("The provider's own name of the server type."),
  arch: arch.describe("Processor architecture: it decides which programs the nodes are given."),
  ingress: ingress.describe("Lets HTTP and HTTPS in from the internet on each of the nodes."),
  count: z
    .int()
    .min(0)
    .max(MOST)
    .describe("How many nodes; 0 keeps the entry for later.")
    .meta({ examples: [2] }),
});

export type RawNode = z.output<typeof NodeSchema>;
export type RawPool = z.output<typeof PoolSchema>;

interface Declared {
  nodes: readonly RawNode[];
  pools: readonly RawPool[];
}

/** Every node, those of pools written out: past this nobody knows of pools. */
export function nodesOf({ nodes, pools }: Declared): RawNode[] {
  const members = pools.flatMap(({ count, ...pool }) =>
    numbersOf(count).map((number) => ({ ...pool, name: memberName(pool.name, number) })),
  );
  return [...nodes, ...members];
}

/** Every node's name, and the place in the file that it comes from; reads nothing else, which may be at fault. */
export function namesOf({ nodes, pools }: Declared): { name: string; at: DataPath }[] {
  return [
    ...nodes.map(({ name }, index) => ({ name, at: ["nodes", index] })),
    ...pools.flatMap(({ name, count }, index) =>
      numbersOf(count).map((number) => ({ name: memberName(name, number), at: ["pools", index] })),
    ),
  ];
}

function numbersOf(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** What the nth node of a pool is called, from 1. */
export function memberName(pool: string, number: number): string {
  return `${pool}-${number}`;
}

/** The entries as they are written: a pool is one, whatever its count. */
export function entriesOf({ nodes, pools }: Declared): { entry: RawNode | RawPool; at: DataPath }[] {
  return [
    ...nodes.map((entry, index) => ({ entry, at: ["nodes", index] })),
    ...pools.map((entry, index) => ({ entry, at: ["pools", index] })),
  ];
}

/** The entry that the node of this name is the `number`th of, or would be, of a file as it is written. */
export interface PoolMember {
  index: number;
  pool: RawPool;
  number: number;
}

/** The pool whose count decides whether the node is there; undefined where its name is no pool's. */
export function poolMember(text: string, name: string): PoolMember | undefined {
  const { pools = [] } = (parse(text) ?? {}) as { pools?: unknown[] };
  const [, stem, digits] = /^(.+)-([1-9]\d*)$/.exec(name) ?? [];
  const index = pools.findIndex((pool) => (pool as { name?: unknown } | null)?.name === stem);
  const read = PoolSchema.safeParse(pools[index]);
  return read.success ? { index, pool: read.data, number: Number(digits) } : undefined;
}

/** The text with the pool at that count; every other byte stays. */
export function withCount(text: string, { index }: PoolMember, count: number): string {
  return replaceScalar(text, ["pools", index, "count"], String(count));
}
