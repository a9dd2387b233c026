import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const artifact = z.strictObject({
  version: z.string(),
  /** Per platform (`amd64`, `arm64`): where it came from and what its bytes were. */
  files: z.record(z.string(), z.strictObject({ url: z.url(), sha256 })),
});

/** `versions.lock.json`: what was received from upstream, once; afterwards nothing that differs is run. */
export const LockSchema = z.strictObject({
  k3s: artifact,
  kubectl: artifact,
  tailscale: artifact,
  /** Absent from a lock that is older than the clouds. */
  tofu: artifact.optional(),
  /** Absent from a lock that is older than the encrypted Secrets. */
  sops: artifact.optional(),
});

export type Lock = z.output<typeof LockSchema>;
export type LockedArtifact = z.output<typeof artifact>;
export type LockedName = keyof Lock;
