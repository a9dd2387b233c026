import { createHash } from "node:crypto";

/** A snapshot of etcd as it lies in the bucket. */
export interface Snapshot {
  name: string;
  /** When it was taken, RFC 3339. */
  at: string;
  ageSeconds: number;
  bytes: number;
  /** The node that took it; null: nobody says. */
  node: string | null;
  /** K3s's release then; null: nobody says. */
  k3s: string | null;
  /** Of the server token that it opens with: `tokenId`; null: nobody says. */
  tokenId: string | null;
}

/** What K3s names those that it takes by the clock; the retention counts these alone. */
export const SCHEDULED = "etcd-snapshot";
/** Beside the snapshots, and below their names: what K3s was told to put with them. */
export const METADATA = ".metadata";

/** K3s ends a name with the second; a file of another name is as old as the object. */
export function takenAt(name: string, modified: string): Date {
  const [, seconds] = /-(\d{9,11})(?:\.zip)?$/.exec(name) ?? [];
  return seconds === undefined ? new Date(modified) : new Date(Number(seconds) * 1000);
}

/**
 * What K3s calls a token without telling it, in a snapshot's object: the first twelve digits of the password's SHA-256.
 * https://github.com/k3s-io/k3s/blob/v1.34.1+k3s1/pkg/util/token.go
 */
export function tokenId(token: string): string {
  return createHash("sha256").update(passwordOf(token.trim())).digest("hex").slice(0, 12);
}

/** Of `K10HASH::server:PASSWORD` or the password alone: https://docs.k3s.io/cli/token#token-format */
function passwordOf(token: string): string {
  return /^K10(?:[0-9a-f]{64}::)?[^:]+:(.+)$/.exec(token)?.[1] ?? token;
}

/** Whether somebody may call a snapshot so, on the command line or towards K3s. */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9]([A-Za-z0-9._-]{0,200}[A-Za-z0-9])?$/.test(text);
}

/** Newest first; of the same second, by name. */
export function newestFirst<T extends Pick<Snapshot, "name" | "at">>(snapshots: readonly T[]): T[] {
  return snapshots.toSorted((a, b) => b.at.localeCompare(a.at) || b.name.localeCompare(a.name));
}
