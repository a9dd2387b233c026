import { CLOUD_NAMES, r2Name } from "../clouds/names.ts";
import { type Plan, services } from "../network/plan.ts";

/** Let's Encrypt's two directories, and where the Pebble that answers as each listens on the outer namespace's loopback. */
export const PEBBLES = {
  "acme-v02.api.letsencrypt.org": { name: "pebble-production", port: 14_000, management: 15_000 },
  "acme-staging-v02.api.letsencrypt.org": { name: "pebble-staging", port: 14_001, management: 15_001 },
} as const;

export const DEBIAN_HOST = "debian.sandbox.internal";
export const GIT_HOST = "git.sandbox.internal";
/** Hosts whose files the front serves from the mirror, and Tailscale's API. */
export const FRONT_NAMES = [
  ...CLOUD_NAMES,
  "github.com",
  "raw.githubusercontent.com",
  "pkgs.tailscale.com",
  "dl.k8s.io",
  "api.tailscale.com",
  ...Object.keys(PEBBLES),
  DEBIAN_HOST,
];
/** Hosts that headscale answers for. */
export const CONTROL_NAMES = ["controlplane.tailscale.com", "login.tailscale.com"];

/** Registries that images are named by; docker.io is asked under its registry's own name. */
export const REGISTRY_NAMES = [
  "registry-1.docker.io",
  "ghcr.io",
  "quay.io",
  "registry.k8s.io",
  // ArgoCD takes its Redis from there.
  "public.ecr.aws",
];

export const registryNames = ({ registries = [] }: Plan) => [...new Set([...REGISTRY_NAMES, ...registries])];

/** The tailnet that headscale serves; tag:k3s is its OAuth client's own. */
export const TAILNET = { name: "sandbox.ts.net", tagOwners: { "tag:k3s": [] } } as const;

/** Every name of the sandbox's internet and its address; a name not here does not exist. */
export function zone(plan: Plan, accountId: string): ReadonlyMap<string, string> {
  const { front, headscale, registry, r2, git } = services(plan);
  return new Map([
    ...FRONT_NAMES.map((name) => [name, front] as const),
    ...CONTROL_NAMES.map((name) => [name, headscale] as const),
    ...registryNames(plan).map((name) => [name, registry] as const),
    [r2Name(accountId), r2],
    [GIT_HOST, git],
    // One that serves more than git is answered for by the front, which serves git as well.
    ...(plan.gitHost === undefined || FRONT_NAMES.includes(plan.gitHost) ? [] : [[plan.gitHost, git] as const]),
  ]); // prettier-ignore
}
