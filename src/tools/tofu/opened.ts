import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StackName } from "../../config/model.ts";
import { PASSED_ON } from "./environment.ts";

/** What `tofu init` reads, and what it leaves: its backend, modules, lock file and providers. */
const FILES = [
  "tofu/modules/**/*.tf",
  "tofu/stacks/NAME/*.{tf,tfvars.json,hcl}",
  "tofu/stacks/NAME/.terraform.lock.hcl",
  "tofu/stacks/NAME/.terraform/terraform.tfstate",
  "tofu/stacks/NAME/.terraform/modules/modules.json",
  "tofu/stacks/NAME/.terraform/providers/*/*/*/*/*",
];

/**
 * Whether a stack was opened as it is now: a second `tofu init` of the same takes a second and finds nothing to do. What
 * a person has removed or changed of it, or opened otherwise, makes another of it.
 */
export function isOpened(stack: OpenedStack): boolean {
  try {
    return readFileSync(noteOf(stack), "utf8") === fingerprint(stack);
  } catch {
    return false;
  }
}

export function noteOpened(stack: OpenedStack): void {
  mkdirSync(dirname(noteOf(stack)), { recursive: true, mode: 0o700 });
  writeFileSync(noteOf(stack), fingerprint(stack));
}

interface OpenedStack {
  tofu: string;
  root: string;
  name: StackName;
}

const noteOf = ({ root, name }: OpenedStack) => join(root, ".infra-k3s/opened", name);

function fingerprint({ tofu, root, name }: OpenedStack): string {
  const hash = createHash("sha256").update(tofu);
  for (const variable of PASSED_ON) hash.update(`\0${process.env[variable] ?? ""}`);
  for (const file of globSync(
    FILES.map((pattern) => pattern.replace("NAME", name)),
    { cwd: root },
  ).sort()) {
    hash.update(`\0${file}\0`);
    const path = join(root, file);
    if (statSync(path).isFile()) hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}
