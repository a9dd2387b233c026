import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const artifact = z.strictObject({
  version: z.string(),
  /** Per platform (`amd64`, `arm64`): where it came from and what its bytes were. */
  files: z.record(z.string(), z.strictObject({ url: z.url(), sha256 })),
});

/** Manifests as upstream releases them; the version as `versions.json` has it, without a `v`. */
const manifest = z.strictObject({ version: z.string(), url: z.url(), sha256 });

/** `versions.lock.json`: what was received from upstream, once; afterwards nothing that differs is run. */
export const LockSchema = z.strictObject({
  k3s: artifact,
  kubectl: artifact,
  tailscale: artifact,
  /** Absent from a lock that is older than the clouds. */
  tofu: artifact.optional(),
  /** Absent from a lock that is older than the encrypted Secrets. */
  sops: artifact.optional(),
  /** What the cluster runs by GitOps. Absent from a lock of a cluster without. */
  manifests: z
    .strictObject({ argocd: manifest, gatewayApi: manifest, certManager: manifest, velero: manifest })
    .partial()
    .optional(),
  /** Image as the manifests name it → `sha256:…` of what its tag meant when it was locked. */
  images: z.record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/)).optional(),
  /** Cloudflare's own networks: https://www.cloudflare.com/ips/ */
  cloudflareRanges: z.strictObject({ ipv4: z.array(z.cidrv4()), ipv6: z.array(z.cidrv6()) }).optional(),
});

export type Lock = z.output<typeof LockSchema>;
export type LockedArtifact = z.output<typeof artifact>;
/** Programs, one file per platform. */
export type LockedName = "k3s" | "kubectl" | "tailscale" | "tofu" | "sops";
export type LockedManifests = NonNullable<Lock["manifests"]>;
export type ManifestName = keyof LockedManifests;
