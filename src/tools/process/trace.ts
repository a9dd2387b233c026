import type { Command } from "./process.ts";

let say: ((line: string) => void) | undefined;

/** `--verbose`: every program that is run is told from now on, and how it ended. */
export function traceTo(to: (line: string) => void): void {
  say = to;
}

/** Longer words are programs of ours that are run on a host. */
const LONGEST = 160;

/** Tells that a program starts; returns what tells its end. */
export function trace(command: Command): (end: number | string) => void {
  if (say === undefined) return () => undefined;
  const tell = say;
  const [program] = command.argv;
  const start = performance.now();
  const where = command.cwd === undefined ? "" : `  (in ${command.cwd})`;
  tell(`$ ${describe(command)}${where}`);
  return (end) => tell(`= ${program}: ${end} after ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** The command line as a shell would take it. No secret is ever in argv; should one be, it is not shown. */
export function describe({ argv, env = {} }: { argv: readonly string[]; env?: Command["env"] }): string {
  const secrets = Object.entries(env)
    .filter(([name, value]) => /TOKEN|SECRET|PASSWORD|PASSPHRASE|KEY/i.test(name) && value.length >= 8)
    .map(([, value]) => value);
  const hide = (word: string) => secrets.reduce((text, secret) => text.replaceAll(secret, "•••"), word);
  return argv
    .map((word) => {
      const text = hide(word).replaceAll(/\s+/g, " ");
      const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
      return /^[\w@%+=:,./•…~-]+$/.test(short) ? short : `'${short.replaceAll("'", `'\\''`)}'`;
    })
    .join(" ");
}
