import { AWS_NAMES } from "./aws/names.ts";

/** Names of the vendors' APIs that the sandbox answers for. */
export const CLOUD_NAMES = [
  "api.hetzner.cloud",
  "api.vultr.com",
  "api.cloudflare.com",
  ...AWS_NAMES.map(({ name }) => name),
];

export const r2Name = (accountId: string): string => `${accountId}.r2.cloudflarestorage.com`;
