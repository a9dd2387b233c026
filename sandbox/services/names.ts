import { CLOUD_NAMES, r2Name } from "../clouds/names.ts";
import { type Plan, services } from "../network/plan.ts";

export const DEBIAN_HOST = "debian.sandbox.internal";
/** Hosts whose files the front serves from the mirror, and Tailscale's API. */
export const FRONT_NAMES = [
  ...CLOUD_NAMES,
  "github.com",
  "pkgs.tailscale.com",
  "dl.k8s.io",
  "api.tailscale.com",
  DEBIAN_HOST,
];
/** Hosts that headscale answers for. */
export const CONTROL_NAMES = ["controlplane.tailscale.com", "login.tailscale.com"];

/** Registries that images are named by; docker.io is asked under its registry's own name. */
export const REGISTRY_NAMES = ["registry-1.docker.io", "ghcr.io", "quay.io", "registry.k8s.io"];

/** The tailnet that headscale serves; tag:k3s is its OAuth client's own. */
export const TAILNET = { name: "sandbox.ts.net", tagOwners: { "tag:k3s": [] } } as const;

/** Every name of the sandbox's internet and its address; a name not here does not exist. */
export function zone(plan: Plan, accountId: string): ReadonlyMap<string, string> {
  const { front, headscale, registry, r2 } = services(plan);
  return new Map([
    ...FRONT_NAMES.map((name) => [name, front] as const),
    ...CONTROL_NAMES.map((name) => [name, headscale] as const),
    ...REGISTRY_NAMES.map((name) => [name, registry] as const),
    [r2Name(accountId), r2],
  ]);
}
