import { eventually } from "./harness.ts";
import { k } from "./gitops-place.ts";

const CERTIFICATE = "certificate wildcard -n gateway";
const status = (patch: object) =>
  k(`patch ${CERTIFICATE} --subresource=status --type=merge -p '${JSON.stringify({ status: patch })}'`);

interface Certificate {
  status: {
    revision?: number;
    lastFailureTime?: string;
    conditions?: { type: string; status: string; reason: string }[];
  };
}

async function certificate(): Promise<Certificate["status"]> {
  return (JSON.parse(await k(`get ${CERTIFICATE} -o json`)) as Certificate).status;
}

export async function revision(): Promise<number> {
  return (await certificate()).revision ?? 0;
}

/** What `cmctl renew` does: https://cert-manager.io/docs/reference/cmctl/#renew */
export async function renew(): Promise<void> {
  const { conditions = [] } = await certificate();
  const issuing = {
    type: "Issuing",
    status: "True",
    reason: "ManuallyTriggered",
    message: "Certificate re-issuance manually triggered",
    lastTransitionTime: new Date().toISOString().replace(/\.\d+/, ""),
  };
  await status({ conditions: [...conditions.filter(({ type }) => type !== "Issuing"), issuing] });
}

/** Waits until a certificate newer than `before` is there; what has failed meanwhile is tried again at once, as docs/seeing.md says. */
export async function settle(before: number, seconds = 420): Promise<void> {
  await eventually(
    "a new certificate",
    async () => {
      const seen = await certificate();
      if (seen.revision === before && seen.lastFailureTime !== undefined) {
        await status({ lastFailureTime: null, failedIssuanceAttempts: null });
        await renew();
      }
      return seen;
    },
    (seen) => (seen.revision ?? 0) > before && !(seen.conditions ?? []).some(({ type, status: is }) => type === "Issuing" && is === "True"), // prettier-ignore
    seconds,
  );
}
