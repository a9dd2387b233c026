import { z } from "zod";

/** What look.py prints of the cluster. */
export const ClusterFactsSchema = z.object({
  /** Definitions of Gateway API and Traefik, with who says to have brought them. */
  crds: z.array(z.object({ name: z.string(), version: z.string(), channel: z.string(), helm: z.string() })),
  /** Charts that K3s installs by itself. */
  helmCharts: z.array(z.string()),
  /** The arguments of Traefik and cert-manager; null: there is none. */
  traefik: z.array(z.string()).nullable(),
  certManager: z.array(z.string()).nullable(),
  gateways: z.array(
    z.object({
      namespace: z.string(),
      name: z.string(),
      /** Annotations by which cert-manager would make certificates of its own. */
      shim: z.array(z.string()),
      listeners: z.array(z.object({ name: z.string(), port: z.number(), secrets: z.array(z.string()) })),
    }),
  ),
  certificates: z.array(z.object({ namespace: z.string(), name: z.string(), secret: z.string() })),
  buildOptions: z.string(),
  /** How KSOPS comes into the repo-server; null: there is no repo-server. */
  ksops: z.object({ install: z.array(z.string()), keyFile: z.string() }).nullable(),
  /** WORKLOAD/CONTAINER that get the age key. */
  ageUsers: z.array(z.string()),
  /** sha256 of each key in the Secret `sops-age`; null: there is none. */
  ageKeys: z.array(z.string()).nullable(),
  /** Secrets that hold SOPS's ciphertext. */
  ciphertext: z.array(z.object({ namespace: z.string(), name: z.string(), key: z.string() })),
  projects: z.array(
    z.object({ name: z.string(), sourceRepos: z.array(z.string()), destinations: z.array(z.string()) }),
  ),
  /** What differs from git although the same commit was applied. */
  differing: z.array(z.object({ app: z.string(), kind: z.string(), name: z.string() })),
});

export type ClusterFacts = z.output<typeof ClusterFactsSchema>;

/** What the repository says the cluster should be. */
export interface Wanted {
  repository: string;
  /** The locked version of Gateway API, without a `v`; empty where the lock has none. */
  gatewayApi: string;
  /** With a tunnel nothing listens on the nodes. */
  tunnel: boolean;
  /** sha256 → public key, of each private age key at hand; empty: none is. */
  ageKeys: Readonly<Record<string, string>>;
  /** The public keys that `.sops.yaml` names. */
  recipients: readonly string[];
}
