import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { identityToRecipient } from "age-encryption";
import { EXIT, UserError } from "../../output/errors.ts";
import { writeAtomically } from "../../repository/write.ts";
import type { Bucket } from "../s3/s3.ts";
import type { AgeKey } from "./age.ts";

/** What a drill is done with, and nothing else: 0600, never in git. One file, so that it is one secret where drills run. */
export const DRILL_KEY_FILE = ".drill-key.local";

export interface DrillKey extends AgeKey {
  /** Of R2: reads the backups and OpenTofu's state, writes nothing. */
  bucket: Bucket["key"];
}

/** The file's text: age and SOPS pass over what is no key of theirs. */
export function drillKeyText({ identity, recipient, bucket }: DrillKey): string {
  return [
    "# The drill's own: it opens the recovery kit and the inventories, and reads the backups. Never in git.",
    `# public key: ${recipient}`,
    identity,
    `# R2: ${bucket.accessKeyId} ${bucket.secretAccessKey}`,
    "",
  ].join("\n");
}

/** Undefined where a line of it is missing. */
export async function parseDrillKey(text: string): Promise<DrillKey | undefined> {
  const [identity] = /^AGE-SECRET-KEY-1[0-9A-Z]+$/m.exec(text) ?? [];
  const [, accessKeyId, secretAccessKey] = /^# R2: (\S+) (\S+)$/m.exec(text) ?? [];
  if (identity === undefined || accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  try {
    const recipient = await identityToRecipient(identity);
    return { identity, recipient, bucket: { accessKeyId, secretAccessKey } };
  } catch {
    // Its last characters are a checksum.
    return undefined;
  }
}

/** The drill's key in a file; undefined where there is no such file. */
export async function readDrillKey(path: string): Promise<DrillKey | undefined> {
  if (!existsSync(path)) return undefined;
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  const key = await parseDrillKey(readFileSync(path, "utf8").replaceAll("\r\n", "\n"));
  if (key !== undefined) return key;
  throw new UserError(
    {
      what: `${path} is no whole key of a drill`,
      why: "it has a line that begins with AGE-SECRET-KEY-1, and one that begins with # R2:",
      fix: "take it anew from where it was made, or make another: infra-k3s drill init --renew",
    },
    EXIT.usage,
  );
}

export function writeDrillKey(path: string, key: DrillKey): void {
  writeAtomically(path, drillKeyText(key), 0o600);
}
