import { UserError } from "../../output/errors.ts";
import { run } from "../process/process.ts";

/** A git host's key and what a person compares it by. */
export interface HostKey {
  /** `ssh-ed25519 AAAA…`. */
  key: string;
  /** As git hosts publish it: `SHA256:…`. */
  fingerprint: string;
}

/** Every key the host shows, by type; whether they are its own is for a person to say. */
export async function scanHostKeys(host: string, port: number): Promise<HostKey[]> {
  const argv = ["ssh-keyscan", "-T", "10", "-p", String(port), "-t", "ed25519,ecdsa,rsa", host] as const;
  const { stdout, stderr } = await run({ argv, timeout: 60_000 });
  const keys = readKeys(stdout);
  if (keys.length > 0)
    return Promise.all(keys.map(async (key) => ({ key, fingerprint: await fingerprint(key) })));
  const said = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  throw new UserError({
    what: `${host} shows no SSH host key on port ${port}`,
    why: said.join("\n") || "ssh-keyscan got none",
    fix: "check the repository's URL and the network",
  });
}

/** The keys of what `ssh-keyscan` or a `known_hosts` file says, sorted, each once. */
export function readKeys(text: string): string[] {
  const found = text
    .split("\n")
    .flatMap((line) => /^[^#\s]\S* (\S+ [A-Za-z0-9+/=]+)\s*$/.exec(line)?.[1] ?? []);
  return [...new Set(found)].sort();
}

async function fingerprint(key: string): Promise<string> {
  const { stdout } = await run({ argv: ["ssh-keygen", "-l", "-f", "-"], stdin: `${key}\n` });
  return stdout.split(" ")[1] ?? "";
}
