import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { run } from "../command.ts";
import { ensureArtifacts, ensureGitops } from "./artifacts.ts";

/** The release files, and the stand-in of KSOPS, under the real kustomize and SOPS: node sandbox/artifacts/manifests.check.ts */
const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const log = (line: string) => void process.stdout.write(`${line}\n`);
const artifacts = { ...(await ensureArtifacts(log)), ...(await ensureGitops(log)) };
const folder = mkdtempSync(join(tmpdir(), "infra-k3s-manifests-check-"));

/** How many objects of each kind kustomize reads out of a file. */
async function kinds(manifest: string): Promise<Record<string, number>> {
  const at = mkdtempSync(join(folder, "one-"));
  copyFileSync(manifest, join(at, "manifest.yaml"));
  writeFileSync(join(at, "kustomization.yaml"), "resources: [manifest.yaml]\n");
  const counts: Record<string, number> = {};
  const text = await run([artifacts.kustomize, "build", at]);
  for (const [, kind = ""] of text.matchAll(/^kind: (\w+)$/gm)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

try {
  const { argocd, gatewayApi, certManager, velero } = artifacts.manifests;
  const argo = await kinds(argocd);
  assert.deepEqual([argo["CustomResourceDefinition"], argo["Deployment"], argo["StatefulSet"]], [3, 6, 1]);
  assert.deepEqual(await kinds(gatewayApi), { CustomResourceDefinition: 6 });
  assert.deepEqual(await kinds(certManager), {
    Namespace: 1, CustomResourceDefinition: 6, ServiceAccount: 3, Role: 4, ClusterRole: 13, RoleBinding: 4,
    ClusterRoleBinding: 10, Service: 3, Deployment: 3, MutatingWebhookConfiguration: 1, ValidatingWebhookConfiguration: 1,
  }); // prettier-ignore
  for (const file of globSync("v*/bases/*.yaml", { cwd: velero }))
    assert.deepEqual(await kinds(join(velero, file)), { CustomResourceDefinition: 1 }, file);
  log("release files: kustomize reads all of them");

  const app = join(folder, "app");
  const bin = join(folder, "bin");
  mkdirSync(app);
  mkdirSync(bin);
  const plain = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: greeting\nstringData:\n    word: hello\n";
  const file = join(app, "greeting.sops.yaml");
  writeFileSync(file, plain);
  await run([
    artifacts.sops,
    "encrypt",
    "--in-place",
    "--age",
    recipient,
    "--encrypted-regex",
    "^stringData$",
    file,
  ]);
  const sealed = readFileSync(file, "utf8");
  assert.doesNotMatch(sealed, /hello/);
  writeFileSync(join(app, "kustomization.yaml"), "namespace: somewhere\ngenerators: [secrets.yaml]\n");
  writeFileSync(
    join(app, "secrets.yaml"),
    `apiVersion: viaduct.ai/v1
kind: ksops
metadata:
  name: secrets
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: ksops
files:
  - ./greeting.sops.yaml
`,
  );
  await run([artifacts.ksops, "install", bin]);
  const key = join(folder, "keys.txt");
  writeFileSync(key, `${identity}\n`);
  chmodSync(key, 0o600);
  const build = (keys: string) =>
    run([artifacts.kustomize, "build", "--enable-alpha-plugins", "--enable-exec", app], {
      env: { PATH: `${bin}:${dirname(artifacts.kustomize)}`, SOPS_AGE_KEY_FILE: keys, HOME: folder },
    });
  const built = await build(key);
  assert.match(built, /namespace: somewhere/);
  assert.match(built, /word: hello/);
  assert.doesNotMatch(built, /sops:|ENC\[/);
  await assert.rejects(build("/nonexistent"), /trouble decrypting file: Error getting data key/);
  log("ksops: kustomize builds a sealed secret with the key, and nothing without it");
} finally {
  rmSync(folder, { recursive: true });
}
