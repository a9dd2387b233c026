import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../tools/process/process.ts";
import { withData } from "../tools/ssh/python.ts";
import { InventoryReader } from "./format.ts";
import { EntrySchema, type Entry, type Volume } from "./inventory.ts";

const PROGRAM = readFileSync(join(import.meta.dirname, "files.py"), "utf8");

interface How {
  /** What it is started by. */
  within?: readonly string[];
  /** Python that is run once, when the first file was opened and is about to be read. */
  meanwhile?: string;
}

/** What the program that runs on a node says of folders here. */
export async function look(
  paths: readonly string[],
  { within = [], meanwhile = "pass" }: How = {},
): Promise<Volume[]> {
  const reader = new InventoryReader();
  const volumes = paths.map((path) => ({ name: "shop/data", node: "w1", path }));
  const { stderr, exitCode } = await run({
    argv: [...within, "python3", "-"] as unknown as [string, ...string[]],
    stdin: withData(meddling(meanwhile) + PROGRAM, { volumes }),
    linesOnly: true,
    onLine: (line) => reader.take(line),
  });
  if (exitCode !== 0 || !reader.isWhole()) throw new Error(`it broke off: ${stderr}`);
  return reader.volumes;
}

/** Each file's reading begins with a new hash: before the first of them comes what is to happen meanwhile. */
function meddling(meanwhile: string): string {
  return `
import hashlib, os
sha256, waiting = hashlib.sha256, [1]
def meddle():
    if waiting:
        waiting.clear()
        ${meanwhile}
    return sha256()
hashlib.sha256 = meddle
`;
}

export async function lookAt(path: string, how: How = {}): Promise<Volume> {
  const [volume] = await look([path], how);
  if (volume === undefined) throw new Error("it told of no volume");
  return volume;
}

export function entry(path: string, of: Partial<Entry> = {}): Entry {
  const defaults = {
    type: "file",
    mode: "0644",
    uid: 0,
    gid: 0,
    mtime: "1",
    size: 1,
    sha256: "a".repeat(64),
  };
  return EntrySchema.parse({ path, ...defaults, ...of });
}

export function folder(path: string, of: Partial<Entry> = {}): Entry {
  return entry(path, { type: "directory", mode: "0755", size: 0, sha256: "", ...of });
}
