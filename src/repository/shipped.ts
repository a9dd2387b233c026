import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { FileTree, RenderedFile } from "../render/file-tree.ts";

/** The product's own root: where its shipped folders stand. */
export const PRODUCT_ROOT = join(import.meta.dirname, "../..");

/** Files of the product copied into a cluster repository as they are. */
const SHIPPED = [
  ".envrc",
  "ansible.cfg",
  "ansible/requirements.txt",
  "ansible/playbooks/**/*",
  "ansible/roles/**/*",
  "schemas/cluster.schema.json",
  "scripts/join-host",
  "scripts/vault-password-client",
];

/**
 * `stacks`: the OpenTofu stacks to ship, with the modules they are made of. `kubernetes`: the patterns below `kubernetes/`,
 * of which upstream's files and what is rendered are no part.
 */
export function readShipped(stacks: readonly string[], kubernetes: readonly string[]): FileTree {
  const tofu = stacks.flatMap((stack) => [
    "tofu/README.md",
    `${stackFolder(stack)}/*.tf`,
    `tofu/modules/${stack}-*/*.{tf,md}`,
    "tofu/modules/cloud-init/*.{tf,md}",
  ]);
  const tree = new Map<string, RenderedFile>();
  for (const path of globSync(
    [...SHIPPED, ...tofu, ...kubernetes.map((pattern) => `kubernetes/${pattern}`)],
    { cwd: PRODUCT_ROOT },
  ).sort()) {
    // What Python leaves beside a program it has run.
    if (path.includes("__pycache__")) continue;
    const stat = statSync(join(PRODUCT_ROOT, path));
    if (!stat.isFile()) continue;
    tree.set(path, {
      text: readFileSync(join(PRODUCT_ROOT, path), "utf8"),
      mode: (stat.mode & 0o100) === 0 ? 0o644 : 0o755,
    });
  }
  return tree;
}

/** What is rendered into a stack: the only thing in it that differs between clusters. */
export function tfvarsOf(stack: string): string {
  return `${stackFolder(stack)}/cluster.auto.tfvars.json`;
}

/**
 * The stacks of a repository whose files stay although `cluster.yaml` does not use them: without them OpenTofu could
 * no longer remove what they made. One that still names a server stays; and while any server is `leaving` all do,
 * since the rendered data has already forgotten it.
 */
export function stacksToKeep(root: string, stacks: readonly string[], leaving: boolean): string[] {
  return stacks.filter((stack) => {
    if (!existsSync(join(root, stackFolder(stack), "main.tf"))) return false;
    return leaving || namesServer(join(root, tfvarsOf(stack)));
  });
}

function namesServer(tfvars: string): boolean {
  if (!existsSync(tfvars)) return false;
  const { servers = {} } = JSON.parse(readFileSync(tfvars, "utf8")) as { servers?: Record<string, unknown> };
  return Object.keys(servers).length > 0;
}

function stackFolder(stack: string): string {
  return `tofu/stacks/${stack}`;
}
