import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { run } from "../process/process.ts";

/** The public part of a private key, or of what ssh takes where none is named; undefined where there is none. */
export async function publicKey(privateKey: string | undefined): Promise<string | undefined> {
  const own = ["id_ed25519", "id_ecdsa"].map((name) => join(homedir(), ".ssh", name));
  for (const file of privateKey === undefined ? own : [privateKey]) {
    if (existsSync(`${file}.pub`)) return readFileSync(`${file}.pub`, "utf8").trim();
    if (!existsSync(file)) continue;
    // Without a passphrase to ask for.
    const { exitCode, stdout } = await run({ argv: ["ssh-keygen", "-y", "-P", "", "-f", file] });
    if (exitCode === 0) return stdout.trim();
  }
  return undefined;
}
