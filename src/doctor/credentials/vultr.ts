import { z } from "zod";
import { ask } from "../../tools/http/ask.ts";
import { API } from "../../tools/vultr/client.ts";
import type { Verdict } from "./finding.ts";

const Account = z.object({ account: z.object({ acls: z.array(z.string()).default([]) }) });

/** https://docs.vultr.com/support/platform/users/what-permissions-can-be-granted-to-users */
const NEEDED = ["subscriptions_view", "subscriptions", "provisioning", "firewall"];
/** What one permission brings with it. */
const IMPLIED: Readonly<Record<string, readonly string[]>> = {
  manage_users: NEEDED,
  provisioning: ["subscriptions", "subscriptions_view"],
  subscriptions: ["subscriptions_view"],
};

/** The account tells what the key's user may; whether a key is let in from here is seen by being let in. */
export async function checkVultr(key: string): Promise<Verdict> {
  const { status, body } = await ask(`${API}/account`, {
    method: "GET",
    headers: { authorization: `Bearer ${key}` },
  });
  if (status === 401 && /unauthorized ip/i.test(body)) {
    const fix = "let this machine's address in at https://my.vultr.com/settings/#settingsapi, Access Control";
    return { state: "failed", message: `the key is not good from this address: ${body}`, fix };
  }
  if (status === 401)
    return { state: "failed", message: "Vultr does not know the key, or it is no longer good" };
  const parsed = status === 200 ? Account.safeParse(JSON.parse(body)) : undefined;
  if (parsed?.success !== true)
    return {
      state: "unknown",
      message: status === 0 ? `Vultr can't be asked: ${body}` : `Vultr answered ${status}`,
    };
  const { acls } = parsed.data.account;
  const lacking = NEEDED.filter(
    (acl) => !acls.some((one) => one === acl || IMPLIED[one]?.includes(acl) === true),
  );
  return lacking.length === 0
    ? {
        state: "ok",
        message:
          "makes and destroys servers and firewalls; how many the account may have, Vultr does not tell",
      }
    : { state: "failed", message: `the key's user lacks ${lacking.join(", ")}` };
}
