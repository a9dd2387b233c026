import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Plan, services } from "../network/plan.ts";
import { unpackedPackages } from "./debian.ts";
import { REGISTRY_NAMES } from "./names.ts";
import { issue } from "./trust.ts";

/**
 * The command that runs Debian's docker-registry for the sandbox: a real registry that answers by every upstream's name,
 * with the same repositories under each. It only reads.
 */
export async function registryCommand(
  plan: Plan,
  stateDir: string,
  rootfs: string,
  images: string,
): Promise<string[]> {
  const folder = join(stateDir, "registry");
  mkdirSync(folder, { recursive: true });
  const { key, cert } = await issue(stateDir, "registry", REGISTRY_NAMES);
  const config = {
    version: 0.1,
    log: { level: "info" },
    storage: { filesystem: { rootdirectory: images }, maintenance: { readonly: { enabled: true } } },
    http: { addr: `${services(plan).registry}:443`, tls: { certificate: cert, key } },
  };
  const path = join(folder, "config.yaml");
  writeFileSync(path, JSON.stringify(config));
  const root = await unpackedPackages(rootfs, ["docker-registry"]);
  return [join(root, "usr/bin/docker-registry"), "serve", path];
}
