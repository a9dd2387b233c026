import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hostname } from "../../src/tools/registry/image.ts";
import type { ClusterModel } from "../../src/config/model.ts";
import { type DrillImport, LAYOUT } from "../../src/drill/import.ts";
import { UserError } from "../../src/output/errors.ts";
import { fileOf } from "../../src/tools/s3/copy.ts";
import { run } from "../command.ts";
import { namespace, type Plan } from "../network/plan.ts";
import { placeCommand } from "../network/places.ts";
import { stateFolder } from "../paths.ts";
import { prepare } from "../prepare.ts";
import { startProviders } from "../providers/start.ts";
import { fillDebian } from "../services/debian.ts";
import { registryCommand } from "../services/registry.ts";
import { startLink, startRegistry, startServices } from "../services/start.ts";
import { ensureTrust } from "../services/trust.ts";
import { claim, ensureOperatorKey, operatorKey } from "../up.ts";
import { seedAccount } from "./account.ts";
import { requirePlace, serveRepository, tailorKit } from "./repository.ts";
import { openState } from "./tofu-state.ts";

export interface DrillPlace {
  plan: Plan;
  stateDir: string;
  /** The recovery kit as it is in this place. */
  kit: string;
}

export interface Credentials {
  kit: string;
  /** A file with the drill's key. */
  identity: string;
}

/** Refuses a cluster of which a sandbox can't hold what a restore makes. */
export function requireDrillable({ nodes, mesh, gitops }: ClusterModel): void {
  const brought = nodes.filter(({ provider }) => provider === "existing").map(({ name }) => name);
  const foreign = nodes.filter(({ arch }) => arch !== "amd64").map(({ name }) => name);
  const reasons = [
    ...(brought.length === 0 ? [] : [`${brought.join(", ")}: hosts that you bring yourself, at addresses that a sandbox has not`]),
    ...(foreign.length === 0 ? [] : [`${foreign.join(", ")}: not amd64, as the sandbox's hosts are`]),
    ...(mesh.tag === "tag:k3s" ? [] : [`the mesh's tag is ${mesh.tag}, and the sandbox's tailnet knows tag:k3s`]),
  ];
  if (gitops !== null) requirePlace(gitops.repository);
  if (reasons.length === 0) return;
  throw new UserError({ what: "this cluster can't be drilled in a sandbox yet", why: reasons.join("\n"), fix: "restore it by hand to try its backups: docs/backup.md" });
} // prettier-ignore

/**
 * An internet with nothing in it but what was imported: the vendors' accounts with no server left, R2, the git host and the
 * registries. What is restored in it finds all that it had, and no way out.
 */
export async function raise(
  name: string,
  folder: string,
  imported: DrillImport,
  model: ClusterModel,
  credentials: Credentials,
  step: (line: string) => void,
): Promise<DrillPlace> {
  if (model.cloudflare === null) throw new Error("a cluster without Cloudflare has no backups");
  const { artifacts, rootfs } = await prepare({ gitops: false }, step);
  const stateDir = stateFolder(name);
  const registries = [...new Set(imported.images.map(hostname))];
  const gitHost = requirePlace(imported.repository).host;
  const plan = await claim(name, stateDir, model.nodes.length, step, { gitHost, registries });
  await ensureTrust(plan, stateDir);
  if (!existsSync(join(stateDir, "mirror")))
    await run(["cp", "--archive", "--link", join(folder, LAYOUT.downloads), join(stateDir, "mirror")]);
  await fillDebian(stateDir, rootfs);
  await startLink(plan, stateDir, step);
  await ensureOperatorKey(stateDir);
  const { repository, branch } = imported;
  const clusterYaml = await serveRepository(stateDir, join(folder, LAYOUT.repository), { repository, branch }, operatorKey(stateDir)); // prettier-ignore
  const kit = join(stateDir, "operator/recovery-kit.age");
  const entries = await tailorKit(credentials.kit, credentials.identity, clusterYaml, kit);
  const entry = (wanted: string) => {
    const value = entries.get(wanted);
    if (value !== undefined) return value;
    throw new UserError({ what: `the recovery kit has no ${wanted}`, fix: "infra-k3s recovery-kit export" });
  };
  const objects = join(folder, LAYOUT.objects);
  const state = readFileSync(fileOf(objects, imported.stateBucket, "cloudflare.tfstate"), "utf8");
  seedAccount(stateDir, model.cloudflare, {
    state: openState(state, entry("TF_VAR_state_passphrase")),
    stateKey: { id: entry("TF_VAR_state_access_key_id"), secret: entry("TF_VAR_state_secret_access_key") },
  });
  await startServices(plan, stateDir, artifacts);
  await startProviders(plan, stateDir, step);
  await startRegistry(plan, stateDir, await registryCommand(plan, stateDir, rootfs, join(folder, LAYOUT.images))); // prettier-ignore
  const fill = join(import.meta.dirname, "fill.ts");
  const node = [process.execPath, ...process.execArgv, fill, stateDir, objects];
  await run([...outer(plan), ...node, imported.backupBucket, imported.stateBucket]);
  return { plan, stateDir, kit };
}

const outer = (plan: Plan): [string, ...string[]] => [
  "nsenter",
  `--net=/run/netns/${namespace(plan, "outer")}`,
];

/** That nothing of this place reaches the real internet: no route leads out of its outer namespace. */
export async function requireClosed({ plan, stateDir }: Pick<DrillPlace, "plan" | "stateDir">): Promise<string> {
  const routes = await Promise.all(["-4", "-6"].map((family) => run([...outer(plan), "ip", family, "route", "show", "default"])));
  const out = routes.join("").trim();
  if (out !== "") throw new Error(`the sandbox has a way out: ${out}`);
  // A look that could find nothing wherever it looks would prove nothing.
  const own = await run([...placeCommand(plan, "operator", stateDir), "ip", "route", "show", "default"]);
  if (own.trim() === "") throw new Error("the operator's place has no route at all: the look for a way out is of no use");
  return "no route leads out of it";
} // prettier-ignore
