import { existsSync } from "node:fs";
import { ensureAnsible } from "../src/tools/ansible/install.ts";
import {
  type Artifacts,
  ensureArtifacts,
  ensureGitops,
  type GitopsArtifacts,
  stillToCome,
} from "./artifacts/artifacts.ts";
import { ensureRootfs, rootfsFolder } from "./hosts/rootfs.ts";
import { ensureImages } from "./images/images.ts";
import { ensureReady, NEEDS } from "./lifecycle/preflight.ts";

export type Step = (line: string) => void;

export interface Prepared {
  artifacts: Artifacts;
  gitops: GitopsArtifacts | undefined;
  /** The hosts' common system. */
  rootfs: string;
  /** The registry's storage. */
  images: string;
}

/** Lines with the seconds since now before them. */
export function steps(write: (text: string) => void): Step {
  const start = Date.now();
  return (line) => write(`[${String(Math.round((Date.now() - start) / 1000)).padStart(4)} s] ${line}\n`);
}

/** Makes, in the user's cache, all that a sandbox is made of; `gitops`: also what only a cluster has that follows a repository. */
export async function prepare({ gitops: follows }: { gitops: boolean }, step: Step): Promise<Prepared> {
  await ensureReady(step);
  const parts = stillToCome({ gitops: follows }).map(
    ({ name, minutes }) => `${name} ${minutes} min unless prebuilt`,
  );
  if (!existsSync(rootfsFolder())) parts.push("Debian for the hosts 2 min");
  step(
    `this machine will do (${NEEDS}); to come: ${parts.length > 0 ? parts.join(", ") : "nothing that is not in the user's cache"}`,
  );
  if (!existsSync(rootfsFolder()))
    step("hosts' system: debootstrap of Debian 12 (about 2 min), beside the programs");
  const [programs, rootfs] = await Promise.all([
    ensurePrograms(follows, step),
    ensureRootfs(),
    ensureAnsible(step),
  ]);
  return {
    ...programs,
    rootfs,
    images: await ensureImages(programs.artifacts, programs.gitops, rootfs, step),
  };
}

async function ensurePrograms(follows: boolean, step: Step): Promise<Pick<Prepared, "artifacts" | "gitops">> {
  step("programs: K3s, tailscale, headscale and what runs in pods");
  const artifacts = await ensureArtifacts(step);
  return { artifacts, gitops: follows ? await ensureGitops(step) : undefined };
}
