import { globSync, readFileSync, statSync } from "node:fs";
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
  "kubernetes/infrastructure/**/*",
  "scripts/join-host",
  "scripts/vault-password-client",
];

export function readShipped(): FileTree {
  const tree = new Map<string, RenderedFile>();
  for (const path of globSync(SHIPPED, { cwd: PRODUCT_ROOT }).sort()) {
    const stat = statSync(join(PRODUCT_ROOT, path));
    if (!stat.isFile()) continue;
    tree.set(path, {
      text: readFileSync(join(PRODUCT_ROOT, path), "utf8"),
      mode: (stat.mode & 0o100) === 0 ? 0o644 : 0o755,
    });
  }
  return tree;
}
