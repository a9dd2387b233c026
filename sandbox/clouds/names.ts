import { AWS_NAMES } from "./aws/names.ts";

/** Names of the vendors' APIs that the sandbox answers for. */
export const CLOUD_NAMES = ["api.hetzner.cloud", ...AWS_NAMES.map(({ name }) => name)];
