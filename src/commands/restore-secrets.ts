import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { UserError } from "../output/errors.ts";
import { isSopsPath } from "../secrets/sops-file.ts";
import { readLock } from "../tools/downloads/lock.ts";
import { indexed } from "../tools/git/git.ts";
import { ensureSops } from "../tools/sops/install.ts";
import { decrypt } from "../tools/sops/sops.ts";
import type { Manifest } from "../tools/velero/namespaces.ts";

const SecretSchema = z.looseObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Secret"),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
const ApplicationSchema = z.object({ spec: z.object({ destination: z.object({ namespace: z.string() }) }) });

/**
 * The Secrets of some namespaces as git has them, opened: Velero saves none, Argo CD is held, and the kubelet does not start a
 * pod that mounts one, not even as far as Velero's own container in it. Argo CD applies all of them again afterwards.
 */
export async function secretsOfGit(root: string, namespaces: readonly string[]): Promise<Manifest[]> {
  const files = (await indexed(root)).filter((path) => path.startsWith("kubernetes/") && isSopsPath(path));
  const wanted = files.filter((path) => {
    const namespace = namespaceOf(root, path);
    return namespace !== undefined && namespaces.includes(namespace);
  });
  if (wanted.length === 0) return [];
  const sops = { root, program: await ensureSops(readLock(root)) };
  return Promise.all(
    wanted.map(async (path) => {
      const plain = await decrypt(sops, path, readFileSync(join(root, path), "utf8"));
      const secret = SecretSchema.safeParse(plain);
      // Its text may repeat what the file says.
      if (!secret.success) throw new UserError({ what: `${path} holds no Secret that kubectl would take` });
      return { ...secret.data, metadata: { ...secret.data.metadata, namespace: namespaceOf(root, path) } };
    }),
  );
}

/** Where it would go: what SOPS encrypts is its values alone. Undefined: it is no Secret, or nobody says. */
function namespaceOf(root: string, path: string): string | undefined {
  const file = join(root, path);
  const secret = existsSync(file) ? SecretSchema.safeParse(yamlOf(file)) : undefined;
  if (secret?.success !== true) return undefined;
  if (secret.data.metadata.namespace !== undefined) return secret.data.metadata.namespace;
  const beside = join(root, dirname(path), "application.yaml");
  const application = existsSync(beside) ? ApplicationSchema.safeParse(yamlOf(beside)) : undefined;
  return application?.data?.spec.destination.namespace;
}

function yamlOf(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8")) as unknown;
  } catch {
    return undefined;
  }
}
