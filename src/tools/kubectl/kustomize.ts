import { join } from "node:path";
import type { Lock } from "../../config/lock.ts";
import { runOrFail } from "../process/process.ts";
import { ensureKubectl } from "./kubectl.ts";

/** The manifests of a kustomization of the repository, as YAML; by the Kustomize that is in the locked kubectl, without plugins. */
export async function kustomize(lock: Lock, root: string, folder: string): Promise<string> {
  const kubectl = await ensureKubectl(lock);
  return runOrFail({ argv: [kubectl, "kustomize", join(root, folder)] }, `${folder} can't be built`);
}
