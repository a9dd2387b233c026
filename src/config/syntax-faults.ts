import {
  type Document,
  isCollection,
  isPair,
  isScalar,
  type LineCounter,
  type Node,
  type Range,
  visit,
  type YAMLError,
} from "yaml";
import type { YamlFault } from "./yaml-faults.ts";

type Told = Omit<YamlFault, "code" | "range"> & { range?: YamlFault["range"] };
interface Broken {
  error: YAMLError;
  document: Document;
  text: string;
  lines: LineCounter;
}

/** The parser's complaint in words for whoever wrote the file, at the place where it is to be corrected. */
export function syntaxFault(
  error: YAMLError,
  document: Document,
  text: string,
  lines: LineCounter,
): YamlFault {
  const told = TOLD[error.code]?.({ error, document, text, lines }) ?? { message: `this is not YAML: ${error.message}` }; // prettier-ignore
  return { range: error.pos, ...told, code: "yaml-syntax" };
}

const QUOTES = "write the value in quotes";

const TOLD: Partial<Record<YAMLError["code"], (broken: Broken) => Told>> = {
  TAB_AS_INDENT: () => ({
    message: "a tab indents this line",
    why: "YAML indents by spaces only: how wide a tab is depends on who looks",
    suggestion: "indent with spaces; most editors convert a whole file",
  }),
  BAD_INDENT: (broken) => (broken.error.message.startsWith("Flow ") ? notClosed(broken) : outOfLine(broken)),
  MISSING_CHAR: (broken) => {
    const { message } = broken.error;
    if (message.includes("quote")) return quoteNotClosed(broken);
    if (message.startsWith("Flow")) return notClosed(broken);
    return message.startsWith("Sequence") ? outOfLine(broken) : noColon(broken);
  },
  MULTILINE_IMPLICIT_KEY: noColon,
  BLOCK_AS_IMPLICIT_KEY: (broken) =>
    broken.document.errors.some(({ code }) => code === "MULTILINE_IMPLICIT_KEY")
      ? tooDeep(broken)
      : {
          message: "a second `: ` in one line",
          why: "what is before it would be a key, and a key can't be the value of another on the same line",
          suggestion: `${QUOTES} if it has a colon; else begin a new, indented line`,
        },
  BAD_SCALAR_START: ({ error, text }) => ({
    message: `a value can't start with ${text[error.pos[0]] === "`" ? "a backtick" : `\`${text[error.pos[0]]}\``}`,
    why: "YAML keeps this sign for itself",
    suggestion: QUOTES,
  }),
  BAD_DQ_ESCAPE: ({ error, text }) => ({
    message: `${text.slice(error.pos[0], error.pos[0] + 2)} has no meaning within double quotes`,
    why: "a backslash begins an escape there",
    suggestion: "use single quotes, or write the backslash twice",
  }),
  UNEXPECTED_TOKEN: ({ error, text }) => ({
    message: `this is left over: ${text.slice(error.pos[0]).split("\n", 1)[0]?.trim()}`,
    why: /^Unexpected flow-(map|seq)-end/.test(error.message)
      ? "nothing that it could close is open"
      : "the value before it has ended already",
    suggestion: "remove it, or put quotes around the whole value",
  }),
  MULTIPLE_DOCS: ({ error, text }) => ({
    message: "a second document begins here",
    why: `${text.startsWith("---", error.pos[0]) ? "`---` ends one and begins the next" : "`...` ended the first"}; the file is one document`,
    suggestion: "remove that line, and what does not belong to this cluster",
    range: [error.pos[0], Math.min(error.pos[0] + 3, error.pos[1])],
  }),
  RESOURCE_EXHAUSTION: ({ error, text }) => ({
    // Where the parser gives up depends on the machine; where the line's first bracket opens does not.
    range: firstBracket(text, error.pos[0]),
    message: "this is nested too deeply to be read",
    why: "a cluster.yaml is four levels deep",
    suggestion: "look for brackets that are opened and never closed, or for an indentation that only grows",
  }),
  BLOCK_IN_FLOW: () => ({
    message: "this does not belong within brackets",
    why: "between `{` and `}`, and between `[` and `]`, commas separate, and no line begins with a dash",
    suggestion: "put the missing comma in, or write the block without brackets",
  }),
  KEY_OVER_1024_CHARS: () => ({
    message: "a key of more than 1024 characters",
    suggestion: "look for a `:` that is missing before it",
  }),
};

function firstBracket(text: string, at: number): [start: number, end: number] {
  const line = text.lastIndexOf("\n", at - 1) + 1;
  const start = line + Math.max(0, text.slice(line, at).search(/[[{]/));
  return [start, start + 1];
}

/** A line that begins in a column where nothing is. */
function outOfLine({ error, text, lines }: Broken): Told {
  const begin = text.lastIndexOf("\n", error.pos[0] - 1) + 1;
  // The parser complains before empty lines and comments that are in between.
  const start = begin + (/^(?:[ \t]*(?:#.*)?\r?\n)*/.exec(text.slice(begin))?.[0].length ?? 0);
  const { line } = lines.linePos(start);
  const open: { indent: number; line: number }[] = [];
  for (const [index, above] of [...text.split("\n", line - 1).entries()].toReversed()) {
    if (/^\s*(#|$)/.test(above)) continue;
    // A dash's keys begin behind it.
    for (const indent of [/^ *- +/.exec(above)?.[0].length, /^ */.exec(above)?.[0].length]) {
      if (indent !== undefined && indent < (open.at(-1)?.indent ?? Infinity)) open.push({ indent, line: index + 1 }); // prettier-ignore
    }
  }
  const indent = /^ */.exec(text.slice(start))?.[0].length ?? 0;
  const places = open.map((place) => `${place.indent} as line ${place.line}`);
  const dash = /^ *-([^\s-].*)/.exec(text.slice(start).split("\n", 1)[0] ?? "")?.[1];
  if (dash !== undefined) {
    return {
      message: "`-` without a space behind it",
      why: "without it YAML takes the dash for a part of the word",
      suggestion: `write \`- ${dash.trimEnd()}\``,
      range: [start + indent, start + indent + 1],
    };
  }
  return {
    message: `this line is indented by ${indent}, as nothing above it is`,
    why: "the indentation says what belongs together",
    suggestion: `indent it by ${places.join(", or by ")}`,
    range: [start + indent, Math.max(error.pos[1], start + indent + 1)],
  };
}

/** Below a key that has a value already. */
function tooDeep({ error, text, lines }: Broken): Told {
  const key = text.indexOf("\n", error.pos[0]) + 1;
  const indent = /^\s*/.exec(text.slice(key))?.[0].length ?? 0;
  const { line } = lines.linePos(error.pos[0]);
  return {
    message: "this line is indented too far",
    why: `line ${line} has a value already, so nothing can be below it`,
    suggestion: `begin it in the column of line ${line}, or remove that value`,
    range: [key + indent, key + indent + 1],
  };
}

function noColon({ error, text }: Broken): Told {
  const start = text.lastIndexOf("\n", error.pos[0] - 1) + 1;
  const line = text.slice(error.pos[0]).split("\n", 1)[0]?.trim() ?? "";
  const [, key, value] = /^([\w-]+):(\S.*)$/.exec(line) ?? [];
  return {
    message: key === undefined ? `\`${line}\` is no key with a value` : `\`:\` without a space behind it`,
    why:
      key === undefined
        ? "each line is `key: value`, or a list's `- `"
        : "without it YAML takes all of it for one word",
    suggestion: key === undefined ? "add a `:` and the value, or remove it" : `write \`${key}: ${value}\``,
    range: [
      error.pos[0],
      Math.max(error.pos[0] + 1, start + text.slice(start).split("\n", 1)[0]!.trimEnd().length),
    ],
  };
}

/** The innermost bracket before the complaint that nothing closes. */
function notClosed({ error, document, text }: Broken): Told {
  let at = error.pos[0];
  visit(document, {
    Node: (_, node) => {
      if (!isCollection(node) || node.flow !== true || node.range == null) return;
      if (node.range[0] < error.pos[0] && !isClosed(node, text)) at = node.range[0];
    },
  });
  const [open, close] = text[at] === "{" ? ["{", "}"] : ["[", "]"];
  return {
    message: `\`${open}\` without its \`${close}\``,
    why: `what is between the two must be in one line, or indented, also the \`${close}\``,
    suggestion: `add the \`${close}\`, or indent what stands within`,
    range: [at, at + 1],
  };
}

/** The parser lets a collection that nothing closes end where its last item does. */
function isClosed(
  { items, range }: { items: readonly unknown[]; range?: Range | null },
  text: string,
): boolean {
  const last = items.at(-1);
  const inner = (isPair(last) ? (last.value ?? last.key) : last) as Node | undefined;
  const end = range?.[1] ?? 0;
  return end > (inner?.range?.[2] ?? 0) && /[\]}]/.test(text.charAt(end - 1));
}

function quoteNotClosed({ error, document }: Broken): Told {
  let range: readonly [number, number] = error.pos;
  visit(document, {
    Scalar: (_, node: Node) => {
      const quoted = isScalar(node) && /QUOTE/.test(node.type ?? "");
      if (quoted && node.range != null && node.range[0] < error.pos[0])
        range = [node.range[0], node.range[0] + 1];
    },
  });
  return {
    message: "this quote is not closed",
    why: "everything behind it, to the end of the file, is taken for the value",
    suggestion: "add the second quote at the value's end",
    range,
  };
}
