import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "vite";

/** What a person can be told, as the sources have it: every object with `what` and a `why` or `fix`, and every table of verdicts. */
export interface ToldFault {
  file: string;
  what: string;
  why: string;
  fix: string;
}

type Node = { type: string } & Record<string, unknown>;
const ROOT = join(import.meta.dirname, "../..");

/** Names that the sources write in one place: `CLUSTER_FILE` is `cluster.yaml`. */
const CONSTANTS = new Map(
  globSync("src/**/*.ts", { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(join(ROOT, file), "utf8").matchAll(/^(?:export )?const ([A-Z_]+) = "([^"]+)";$/gm)].map(
      ([, name = "", text = ""]) => [name, text] as const,
    ),
  ),
);

/** All of them, in the order of their files and lines. */
export function toldFaults(): ToldFault[] {
  const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
  return [
    ...globSync(["src/**/*.ts", "sandbox/**/*.ts"], { cwd: ROOT })
      .filter((file) => !/\.(test|check|probe|fake)\.ts$/.test(file))
      .toSorted()
      .flatMap((file) => faultsIn(file, read(file))),
    ...shellFaults(HOST_CHECK, read(HOST_CHECK)),
  ];
}

const HOST_CHECK = "ansible/roles/base/files/check-fit";

const plain = (part = "") => part.replaceAll(/(?<!\\)\$\{?(\w+)\}?/g, "‹$1›").replaceAll(/\\(.)/g, "$1");

/** `fault "what" "why" "fix"` of a shell script. */
function shellFaults(file: string, text: string): ToldFault[] {
  const word = String.raw`"((?:[^"\\]|\\.)*)"`;
  const calls = text.replaceAll("\\\n", " ").matchAll(new RegExp(`fault ${word} +${word} +${word}`, "g"));
  return [...calls].map(([, what, why, fix]) => ({
    file,
    what: plain(what),
    why: plain(why),
    fix: plain(fix),
  }));
}

/** Those of one file. */
export function faultsIn(file: string, text: string): ToldFault[] {
  const found: ToldFault[] = [];
  visit(parseAst(text, { lang: "ts" }), (node) => {
    if (node.type === "ObjectExpression") {
      const fields = new Map((node["properties"] as Node[]).map((one) => [nameOf(one["key"]), one["value"]]));
      const [what, why, fix] = ["what", "why", "fix"].map((name) => textOf(fields.get(name)));
      if (what && (why || fix)) found.push({ file, what, why: why ?? "", fix: fix ?? "" });
    }
    // What a program says, why, and what to do: sshVerdict and its like.
    if (node.type === "ArrayExpression") {
      const [pattern, why, fix, more] = node["elements"] as Node[];
      const regex = (pattern?.["regex"] as { pattern: string } | undefined)?.pattern;
      if (regex && textOf(why) && textOf(fix) && !more)
        found.push({ file, what: regex.replaceAll("\\S+", "…").split("|").join(" / "), why: textOf(why), fix: textOf(fix) }); // prettier-ignore
    }
  });
  return found;
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) for (const one of value) visit(one, see);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  if ("type" in value) see(value as Node);
  for (const inner of Object.values(value)) visit(inner, see);
}

/** The text of an expression, with what is only known when it runs in ‹›; empty for no expression. */
function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  const node = value as Node;
  switch (node.type) {
    case "Literal":
      return String(node["value"]);
    case "TemplateLiteral": {
      const quasis = node["quasis"] as { value: { cooked: string } }[];
      const holes = node["expressions"] as Node[];
      return quasis
        .map(({ value: { cooked } }, i) => cooked + (i < holes.length ? textOf(holes[i]) : ""))
        .join("");
    }
    case "BinaryExpression":
      return node["operator"] === "+" ? textOf(node["left"]) + textOf(node["right"]) : `‹${nameOf(node)}›`;
    case "ConditionalExpression":
      return [textOf(node["consequent"]), textOf(node["alternate"])].filter(Boolean).join(" / ");
    case "LogicalExpression":
      return [textOf(node["left"]), textOf(node["right"])].filter(Boolean).join(" / ");
    default:
      return CONSTANTS.get(nameOf(node)) ?? `‹${nameOf(node)}›`;
  }
}

/** What a reader would call it: the last name in it. */
function nameOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return "…";
  const node = value as Node;
  switch (node.type) {
    case "Identifier":
      return String(node["name"]);
    case "MemberExpression":
      return isText(node["property"]) ? nameOf(node["object"]) : nameOf(node["property"]);
    case "CallExpression": {
      const callee = node["callee"] as Node;
      // `names.join(", ")` is the names.
      return callee.type === "MemberExpression" ? nameOf(callee["object"]) : nameOf(callee);
    }
    case "TSNonNullExpression":
    case "TSAsExpression":
    case "ChainExpression":
    case "AwaitExpression":
      return nameOf(node["expression"] ?? node["argument"]);
    default:
      return "…";
  }
}

const isText = (value: unknown) => (value as Node).type === "Literal";
