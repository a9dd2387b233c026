import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../../src/commands/index.ts";
import { VAULT } from "../../src/tools/ansible/vault.ts";
import { blocksOf, commandsOf, readRunbook, runbooks } from "../runbooks/blocks.ts";

const ROOT = join(import.meta.dirname, "../..");

interface Flag {
  kind: string;
  optional?: boolean;
  default?: unknown;
}
interface Target {
  getRoutingTargetForInput?: (input: string) => Target | undefined;
  getDefaultCommand?: () => Target | undefined;
  parameters?: {
    flags?: Record<string, Flag>;
    positional?: { kind: string; parameters?: { optional?: boolean; default?: unknown }[] };
  };
}

/** These hand their arguments to another program, unread. */
const HANDED_OVER = new Set(["kubectl", "ssh", "sandbox"]);

/** Why the command line's words are none that infra-k3s takes; empty: they are. */
function faultOf(words: readonly string[]): string {
  const rest = [...words];
  let target = root as unknown as Target;
  while (target.getRoutingTargetForInput !== undefined) {
    const next = rest[0] === undefined ? undefined : target.getRoutingTargetForInput(rest[0]);
    if (next === undefined) {
      const chosen = target.getDefaultCommand?.();
      if (chosen === undefined) return `there is no command ${rest[0] ?? ""}`;
      target = chosen;
      break;
    }
    if (HANDED_OVER.has(rest[0] ?? "")) return rest.length > 1 ? "" : "nothing is handed over";
    rest.shift();
    target = next;
  }
  const { flags = {}, positional } = target.parameters ?? {};
  const missing = new Set(Object.entries(flags).filter(([, one]) => one.kind === "parsed" && one.optional !== true && one.default === undefined).map(([name]) => name)); // prettier-ignore
  let positionals = 0;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith("--")) {
      positionals += 1;
      continue;
    }
    const name = word.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const one = flags[name];
    if (one === undefined) return `there is no flag ${word}`;
    missing.delete(name);
    if (one.kind !== "boolean" && rest.shift() === undefined) return `${word} wants a value`;
  }
  if (missing.size > 0) return `it lacks ${[...missing].join(", ")}`;
  const declared = positional?.parameters ?? [];
  const least = declared.filter((one) => one.optional !== true && one.default === undefined).length;
  if (positional?.kind === "array") return "";
  return positionals < least || positionals > declared.length ? `it takes ${least} to ${declared.length} arguments` : ""; // prettier-ignore
}

const there = (path: string) =>
  [ROOT, join(ROOT, "test/golden/everything/expected")].some((folder) => existsSync(join(folder, path)));

/** Programs that a page may ask for besides. */
const OTHERS = /^(age|ansible-vault|base64|cd|export|git|jq|tofu|umask)$/;

test.each([
  ["backup everything", "there is no command everything"],
  ["restore cluster --form x", "there is no flag --form"],
  ["restore all", "it lacks kit"],
  ["restore cluster --from", "--from wants a value"],
  ["backup show", "it takes 1 to 1 arguments"],
  ["up --push", ""],
  ["doctor", ""],
])("the look at a command line sees what is wrong with it: %s", (line, fault) => {
  expect(faultOf(commandsOf(line)[0] ?? [])).toBe(fault);
});

test("a shell line is taken apart at pipes, and quotes hold words together", () => {
  expect(commandsOf(`A=$(grep x y) infra-k3s ssh a 'sudo x | y' | base64 -d >out && cd z`)).toEqual([
    ["A=$(grep x y)", "infra-k3s", "ssh", "a", "sudo x | y"],
    ["base64", "-d"],
    ["cd", "z"],
  ]);
});

test("there is a runbook for each day of the issue, and the index has all", () => {
  expect(runbooks()).toEqual(["account-locked", "age-key-lost", "everything-lost", "master-lost", "r2-lost", "token-rotated", "worker-lost"]); // prettier-ignore
  for (const name of runbooks()) expect(readRunbook("README")).toContain(`(${name}.md)`);
});

describe.each(runbooks())("docs/runbooks/%s.md", (name) => {
  const text = readRunbook(name);
  const commands = blocksOf(text).flat().flatMap(commandsOf);

  test("every command is one that infra-k3s takes, with its flags, or a program that is named", () => {
    const faults = commands.flatMap((words) => {
      const [program = "", ...args] = words.filter((word, at) => at > 0 || !/^[A-Z_]+=/.test(word));
      if (program === "infra-k3s") {
        const fault = faultOf(args);
        return fault === "" ? [] : [`${args.join(" ")}: ${fault}`];
      }
      return OTHERS.test(program) ? [] : [`${program}: who is that?`];
    });

    expect(commands.length).toBeGreaterThan(0);
    expect(faults).toEqual([]);
  });

  test("every command in the text is one, too", () => {
    const inline = [...text.matchAll(/`infra-k3s ([^`]+)`/g)].map(([, line = ""]) => line);
    expect(inline.map((line) => faultOf(commandsOf(line)[0] ?? [])).filter(Boolean)).toEqual([]);
  });

  test("every file of the cluster's repository that it names is there, and every page it leads to", () => {
    const paths = [...text.matchAll(/\b(?:ansible|kubernetes|scripts|tofu)\/[\w./-]+/g)].map(
      ([path]) => path,
    );
    // `init` makes it, with what no render knows.
    expect(paths.filter((path) => path !== VAULT && !there(path))).toEqual([]);
    const links = [...text.matchAll(/\]\(([^)#:]+\.md)(?:#[^)]*)?\)/g)].map(([, path = ""]) => path);
    expect(links.filter((path) => !existsSync(join(ROOT, "docs/runbooks", path)))).toEqual([]);
  });
});

test("README and docs lead to the runbooks", () => {
  for (const file of ["README.md", "docs/backup.md"])
    expect(readFileSync(join(ROOT, file), "utf8")).toContain("runbooks/README.md");
});
