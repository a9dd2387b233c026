import { ask } from "../../tools/http/ask.ts";
import { API } from "../../tools/hetzner/client.ts";
import type { Verdict } from "./finding.ts";

/** A token reads, or reads and writes, and does not tell which: a request that can't succeed does, and makes nothing. */
export async function checkHetzner(token: string): Promise<Verdict> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const { status, body } = await ask(`${API}/servers`, { method: "POST", headers, body: "{}" });
  if (status === 400 || status === 422) return { state: "ok", message: "reads and writes in its project" };
  if (status === 401)
    return { state: "failed", message: "Hetzner does not know the token, or it is no longer good" };
  if (status === 403)
    return { state: "failed", message: "the token may only read: it lacks the permission Read & Write" };
  return {
    state: "unknown",
    message: status === 0 ? `Hetzner can't be asked: ${body}` : `Hetzner answered ${status}`,
  };
}
