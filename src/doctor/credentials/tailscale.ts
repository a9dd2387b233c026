import { UserError } from "../../output/errors.ts";
import { grantedScopes } from "../../tools/tailscale/tailscale.ts";
import type { Secrets } from "../../tools/secrets/envrc.ts";
import type { Verdict } from "./finding.ts";

const NEEDED = ["auth_keys", "devices:core"];

/** An OAuth client tells its scopes with the token it gets: https://tailscale.com/kb/1215/oauth-clients */
export async function checkTailscale(secrets: Secrets): Promise<Verdict> {
  try {
    const scopes = await grantedScopes(secrets);
    const lacking = NEEDED.filter((scope) => !scopes.includes(scope) && !scopes.includes("all"));
    if (scopes.length === 0)
      return { state: "unknown", message: "Tailscale does not tell what the client may" };
    return lacking.length === 0
      ? {
          state: "ok",
          message:
            "mints join keys and removes devices; whether it owns the tag is seen when the first key is minted",
        }
      : { state: "failed", message: `the OAuth client lacks the scopes ${lacking.join(", ")}` };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const state = /does not accept/.test(error.fault.what) ? "failed" : "unknown";
    return { state, message: `${error.fault.what}: ${error.fault.why ?? ""}` };
  }
}
