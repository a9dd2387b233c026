import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Lays the corpus out as the files it stands for; see README.md. */
export function layCorpus(root: string): string[] {
  const folder = join(import.meta.dirname, "corpus");
  return globSync("**/*.txt", { cwd: folder }).map((file) => {
    const path = file.replace(/\.txt$/, "").replaceAll(/(^|\/)dot-/g, "$1.");
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), plant(readFileSync(join(folder, file), "utf8")));
    return path;
  });
}

export function plant(text: string): string {
  return text.replaceAll("‹›", "");
}

export function git(root: string, ...args: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  return execFileSync("git", [...who, ...args], { cwd: root, env, encoding: "utf8", stdio: "pipe" });
}
