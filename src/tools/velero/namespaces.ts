import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { mustPython } from "../ssh/python.ts";
import type { SshTarget } from "../ssh/ssh.ts";

const PROGRAM = readFileSync(join(import.meta.dirname, "namespaces.py"), "utf8");
const LookSchema = z.object({
  location: z.string(),
  why: z.string(),
  password: z.string().nullable(),
  restore: z.string().nullable(),
  things: z.record(z.string(), z.array(z.string())),
});

/** What of the cluster a restore depends on. */
export type NamespacesLook = z.output<typeof LookSchema>;

/** A manifest as kubectl takes it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string | undefined; labels?: unknown; annotations?: unknown };
}

/** The namespaces of one restore: `id` is what its Secrets are kept aside under. */
export interface RestoredNamespaces {
  id: string;
  namespaces: readonly string[];
}

/** Changes nothing: Velero's location, the repository's password (never to be shown), the Restore's phase, what is in the way. */
export async function lookAtNamespaces(
  master: SshTarget,
  about: RestoredNamespaces,
  restore: string,
): Promise<NamespacesLook> {
  return LookSchema.parse(await ask(master, "the cluster can't be asked", { do: "look", ...about, restore }));
}

/** Keeps their Secrets aside, deletes them, and ends when they are gone. */
export async function clearNamespaces(
  master: SshTarget,
  about: RestoredNamespaces,
): Promise<{ kept: number; deleted: number }> {
  const done = await ask(master, "the namespaces can't be deleted", { do: "clear", ...about });
  return z.object({ kept: z.int(), deleted: z.int() }).parse(done);
}

/** Makes them, with the Secrets kept aside and, of those that are not among them, these. Returns how many Secrets. */
export async function fillNamespaces(
  master: SshTarget,
  about: RestoredNamespaces,
  manifests: readonly Manifest[],
  secrets: readonly Manifest[],
): Promise<number> {
  const done = await ask(master, "the namespaces can't be made", {
    do: "fill",
    ...about,
    manifests,
    secrets,
  });
  return z.object({ secrets: z.int() }).parse(done).secrets;
}

/** Those pods and workloads that are not ready after so many seconds, and why. */
export async function waitForPods(
  master: SshTarget,
  about: RestoredNamespaces,
  seconds: number,
): Promise<{ name: string; why: string }[]> {
  const done = await ask(master, "the pods can't be looked at", { do: "wait", ...about, seconds });
  return z.object({ late: z.array(z.object({ name: z.string(), why: z.string() })) }).parse(done).late;
}

/** The Secrets that were kept aside are not needed any more. */
export async function forgetSecrets(master: SshTarget, about: RestoredNamespaces): Promise<void> {
  await ask(master, "the Secrets kept aside can't be removed", { do: "forget", ...about });
}

async function ask(master: SshTarget, what: string, data: object): Promise<unknown> {
  const options = { timeout: 900_000, what, fix: "infra-k3s status; then run this again" };
  return JSON.parse(await mustPython(master, PROGRAM, data, options)) as unknown;
}
