import { EXIT, UserError } from "./errors.ts";

/** What the system refuses, and what a person can do about it. */
const KNOWN: Readonly<Record<string, { why: string; fix: string }>> = {
  EROFS: {
    why: "it lies on a file system that is mounted read-only",
    fix: "mount it for writing, or work in a copy of the folder elsewhere",
  },
  EACCES: {
    why: "this user may not do that there",
    fix: "give the folder to this user, or run infra-k3s as the user it belongs to",
  },
  EPERM: {
    why: "this user may not do that there",
    fix: "give the folder to this user, or run infra-k3s as the user it belongs to",
  },
  ENOSPC: {
    why: "no space is left there",
    fix: "make room and run this again: what was written half is written anew",
  },
  EDQUOT: {
    why: "this user's share of the disk is used up",
    fix: "make room and run this again: what was written half is written anew",
  },
  EMFILE: { why: "too many files are open", fix: "raise the limit: ulimit -n 4096" },
};

/** A failure of the file system, told as what a person can act on; undefined for anything else. */
export function explain(error: unknown): UserError | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  const known = KNOWN[code ?? ""];
  if (known === undefined) return undefined;
  const what =
    path === undefined ? `a file can't be written (${syscall})` : `${path}: ${syscall} was refused`;
  return new UserError({ what, ...known }, EXIT.failed);
}
