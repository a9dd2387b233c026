/** Names of the vendors' APIs that the sandbox answers for. */
export const CLOUD_NAMES = ["api.hetzner.cloud"];
