import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../output/errors.ts";
import { run } from "../process/process.ts";

const DEADLINE_MS = 300_000;

/** The ed25519 key that a new server shows, once it has booted: `ssh-ed25519 AAAA…`. */
export async function scanHostKey(name: string, address: string): Promise<string> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const { stdout, stderr } = await run({
      argv: ["ssh-keyscan", "-T", "5", "-t", "ed25519", address],
      timeout: 20_000,
    });
    const [, key] = /^\S+ (ssh-ed25519 [A-Za-z0-9+/=]+)/m.exec(stdout) ?? [];
    if (key !== undefined) return key;
    if (Date.now() > deadline) {
      throw new UserError({
        what: `${name} was created, but does not answer at ${address}, port 22, after ${DEADLINE_MS / 60_000} min`,
        why: stderr.trim() || "ssh-keyscan got no key",
        fix: "look at the server's console at its provider; run this again when it has booted",
      });
    }
    await sleep(1000);
  }
}
