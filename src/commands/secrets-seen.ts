import { createHash } from "node:crypto";
import type { Recipient } from "../secrets/rules.ts";
import { isSopsPath, parseSops } from "../secrets/sops-file.ts";
import { valuesOf } from "../secrets/values.ts";
import { everPresent, versionsOf } from "../tools/git/git.ts";
import { decrypt, type Sops } from "../tools/sops/sops.ts";

/** A value that a removed recipient could read. */
export interface Seen {
  by: string;
  file: string;
  key: string;
  /** The newest place it could be read in: a commit, or the files as they lay before the rotation. */
  at: string;
  /** Whether it is still what was seen; unknown where that version can't be opened any more. */
  now: "same" | "changed" | "gone" | "unknown";
}

interface Text {
  path: string;
  text: string;
}

/** Everything in the repository and its history that was ever encrypted to one of these, beside what it is now. */
export async function seenBy(
  sops: Sops,
  removed: readonly Recipient[],
  current: readonly Text[],
): Promise<Seen[]> {
  if (removed.length === 0) return [];
  const now = new Map(
    await inTurns(current, async ({ path, text }) => {
      return [path, (await open(sops, path, text)) ?? new Map<string, string>()] as const;
    }),
  );
  const seen = new Map<string, Seen>();
  for (const found of (await inTurns(await versions(sops, current), valuesSeen)).flat()) note(seen, found);
  return [...seen.values()];

  async function valuesSeen({ path, text, at }: Place): Promise<Seen[]> {
    const file = parseSops(text);
    const by = removed.filter(({ key }) => file?.recipients.some((recipient) => recipient.key === key));
    if (file === undefined || by.length === 0) return [];
    const values = await open(sops, path, text);
    const keys = values?.keys() ?? file.encrypted.map((leaf) => leaf.path.at(-1) ?? "");
    return [...keys].flatMap((key) =>
      by.map(({ name }) => {
        const state = compare(values?.get(key), now.get(path)?.get(key));
        return { by: name, file: path, key, at, now: state };
      }),
    );
  }
}

interface Place extends Text {
  at: string;
}

/** The files as they are, then each version that git has of them and of those that are gone, the newest first. */
async function versions({ root }: Sops, current: readonly Text[]): Promise<Place[]> {
  const past = (await everPresent(root, "*.sops.*")).filter(isSopsPath);
  const paths = [...new Set([...current.map(({ path }) => path), ...past])];
  const inGit = await inTurns(paths, async (path) =>
    (await versionsOf(root, path, true)).map(({ text, commit, time }) => {
      const day = new Date(time * 1000).toISOString().slice(0, 10);
      return { path, text, at: `${commit} ${day}` };
    }),
  );
  return [...current.map((file) => ({ ...file, at: "working tree" })), ...inGit.flat()];
}

/** A few at a time: each is a process. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += 8) {
    results.push(...(await Promise.all(items.slice(start, start + 8).map(work))));
  }
  return results;
}

/** One line per value: that of the version which says most. */
function note(seen: Map<string, Seen>, found: Seen): void {
  const id = JSON.stringify([found.by, found.file, found.key]);
  const rank = ["same", "unknown", "changed", "gone"];
  const before = seen.get(id);
  if (before === undefined || rank.indexOf(found.now) < rank.indexOf(before.now)) seen.set(id, found);
}

function compare(then: string | undefined, now: string | undefined): Seen["now"] {
  if (now === undefined) return "gone";
  if (then === undefined) return "unknown";
  return then === now ? "same" : "changed";
}

/** Values by hash: what is compared need not be kept. */
async function open(sops: Sops, path: string, text: string): Promise<Map<string, string> | undefined> {
  try {
    const values = valuesOf(await decrypt(sops, path, text));
    return new Map([...values].map(([key, value]) => [key, hash(value)]));
  } catch {
    return undefined;
  }
}

function hash(value: string): string {
  return createHash("sha256").update(value).digest("hex");
}
