import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCluster, loadServers } from "../../src/config/load.ts";
import { type Lock, LockSchema } from "../../src/config/lock.ts";
import { type ClusterModel, kubernetesOf, type Servers, stacksOf } from "../../src/config/model.ts";
import type { FileTree } from "../../src/render/file-tree.ts";
import { render } from "../../src/render/render.ts";
import { readShipped } from "../../src/repository/shipped.ts";

const HERE = import.meta.dirname;
const EXAMPLES = join(HERE, "../../examples");

export const topologies = readdirSync(EXAMPLES).sort();

export interface Topology {
  model: ClusterModel;
  servers: Servers;
  lock: Lock;
  /** What differs between clusters. */
  rendered: FileTree;
  /** What is copied as it is, but for images that are pinned. */
  shipped: FileTree;
}

/** An example as a cluster repository; `lock`: instead of its own, whose hashes are of nothing. */
export function topology(example: string, lock = lockOf(example)): Topology {
  const cluster = loadCluster(readFileSync(join(EXAMPLES, example, "cluster.yaml"), "utf8"), "cluster.yaml");
  const servers = loadServers(readFileSync(join(HERE, example, "servers.json"), "utf8"), "servers.json");
  if (!cluster.ok || !servers.ok) throw new Error("the golden inputs are valid");
  const model = cluster.value;
  const own = readShipped(stacksOf(model), kubernetesOf(model));
  const whole = render(model, servers.value, lock, own);
  const rendered = new Map([...whole].filter(([path]) => !own.has(path)));
  const shipped = new Map([...whole].filter(([path]) => own.has(path)));
  return { model, servers: servers.value, lock, rendered, shipped };
}

function lockOf(example: string): Lock {
  return LockSchema.parse(JSON.parse(readFileSync(join(HERE, example, "versions.lock.json"), "utf8")));
}
