import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CLUSTER_FILE, chooseRepository } from "../repository/locate.ts";
import { PRODUCT_ROOT } from "../repository/shipped.ts";

/** What a shell proposes for a word: it only looks, and where there is nothing to find it says nothing. */
export type Proposal = (partial: string) => string[] | Promise<string[]>;

/** Of these words, those that go on as the partial one does. */
export const proposals =
  (...words: readonly string[]): Proposal =>
  (partial) =>
    words.filter((word) => word.startsWith(partial));

/** The nodes that `cluster.yaml` has, also where it has faults. */
export const proposeNodes: Proposal = (partial) => proposals(...nodes())(partial);

function nodes(): string[] {
  try {
    const root = chooseRepository(process.env["INFRA_K3S_CLUSTER"], process.cwd());
    const raw: unknown = parse(readFileSync(join(root, CLUSTER_FILE), "utf8"), { logLevel: "silent" });
    const { nodes: list } = raw as { nodes: { name: unknown }[] };
    return list.map(({ name }) => name).filter((name) => typeof name === "string");
  } catch {
    return [];
  }
}

/** As `src/stages/index.ts` has them, which takes long to load: completion.test.ts compares. */
export const STAGES = ["servers", "dns", "base", "mesh", "k3s", "verify", "gitops"] as const;
export const proposeStages: Proposal = proposals(...STAGES);

export const proposeExamples: Proposal = (partial) =>
  proposals(...readdirSync(join(PRODUCT_ROOT, "examples")))(partial);
