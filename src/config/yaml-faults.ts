import {
  type Alias,
  type Document,
  isCollection,
  isMap,
  isScalar,
  type LineCounter,
  type Node,
  parse,
  Scalar,
  visit,
} from "yaml";
import { lookAlike } from "./characters.ts";
import { textOf } from "./json-schema.ts";
import { repeatedKeys } from "./repeated-keys.ts";
import type { Fault } from "./source.ts";
import { syntaxFault } from "./syntax-faults.ts";

export interface YamlFault extends Fault {
  /** Where in the text, as offsets. */
  range: readonly [start: number, end: number];
}

/** `stops`: the data would mislead, so nothing is said of it. */
type Found = YamlFault & { stops: boolean };

/** Everything that is wrong with a file as YAML, or right and not to be had here. */
export function documentFaults(document: Document, text: string, lines: LineCounter): Found[] {
  const broken = document.errors.find(({ code }) => code !== "DUPLICATE_KEY");
  // What the parser says behind its first complaint mostly follows from that.
  if (broken !== undefined) return [stopping(withLookAlike(syntaxFault(broken, document, text, lines), text))]; // prettier-ignore
  if (isEmpty(document)) return [stopping(emptyFault(text))];
  return [
    ...repeatedKeys(document, lines).map((fault) => ({ ...fault, stops: false })),
    ...document.warnings.map(({ pos }) => stopping(tagFault(pos, text))),
    ...directiveFaults(document, text).map(stopping),
    ...nodeFaults(document),
  ];
}

function stopping(fault: YamlFault): Found {
  return { ...fault, stops: true };
}

function isEmpty({ contents }: Document): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function emptyFault(text: string): YamlFault {
  return {
    range: [0, 1],
    code: "empty-file",
    message: /^\s*#/m.test(text) ? "the file has nothing but comments" : "the file is empty",
    suggestion: "start from an example: `infra-k3s init DIR --example one-node` writes one",
  };
}

/** A sign on the line that only looks like YAML's own is mostly the cause. */
function withLookAlike(fault: YamlFault, text: string): YamlFault {
  const start = text.lastIndexOf("\n", fault.range[0] - 1) + 1;
  const line =
    text
      .slice(start)
      .split("\n", 1)[0]
      ?.replace(/(^|\s)#.*/, "") ?? "";
  const cause = lookAlike(line);
  return cause === "" ? fault : { ...fault, why: cause, suggestion: "type that character anew" };
}

function tagFault(range: readonly [number, number], text: string): YamlFault {
  return {
    range,
    code: "yaml-tag",
    message: `the tag ${text.slice(...range)} has no meaning here`,
    why: "a word that begins with `!` names a type of YAML's; Ansible's !vault is one, and secrets don't belong here",
    suggestion: "remove it, or write the value in quotes",
  };
}

function directiveFaults({ directives }: Document, text: string): YamlFault[] {
  const found = /^%YAML.*/m.exec(text);
  if (directives?.yaml.explicit !== true || found === null) return [];
  return [
    {
      range: [found.index, found.index + found[0].length],
      code: "yaml-directive",
      message: "the file chooses a version of YAML",
      why: "it is read as YAML 1.2, so that `no` and `012` mean the same to everybody",
      suggestion: "remove this line, and the `---` behind it",
    },
  ];
}

function nodeFaults(document: Document): Found[] {
  const faults: Found[] = [];
  const add = (node: unknown, stops: boolean, fault: Fault) => {
    const [start, end] = (node as Node | null)?.range ?? [0, 1];
    faults.push({ ...fault, range: [start, isCollection(node) ? start + 1 : end], stops });
  };
  const anchors = new Set<string>();
  const aliases: Alias[] = [];
  visit(document, { Value: (_, { anchor }) => void (anchor !== undefined && anchors.add(anchor)) });
  visit(document, {
    Alias: (_, node) => void aliases.push(node),
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === "<<") {
        add(key, true, { code: "yaml-merge", message: "`<<` merges in what is written elsewhere", ...REPEATED }); // prettier-ignore
      } else if (!isScalar(key) || typeof key.value !== "string") {
        add(key, true, keyFault(key));
      }
    },
    Scalar: (position, node) => {
      const other = position === "key" ? undefined : otherMeaning(node);
      if (other !== undefined) add(node, false, other);
    },
  });
  const [first, ...others] = aliases;
  if (first !== undefined) add(first, true, aliasFault(first.source, anchors, others.length));
  return faults;
}

/** Where nothing has that name, the star was meant as one: `*.example.com`. */
function aliasFault(name: string, anchors: ReadonlySet<string>, others: number): Fault {
  const message = anchors.has(name)
    ? `*${name} repeats what is written elsewhere${others === 0 ? "" : `, and ${others} more do`}`
    : "a value can't start with `*`";
  const code = "yaml-alias";
  if (anchors.has(name)) return { code, message, ...REPEATED };
  return { code, message, why: "YAML takes it for a reference to another value", suggestion: "write the value in quotes" }; // prettier-ignore
}

const REPEATED = {
  why: "aliases are not followed here: `node add` and `node remove` edit this file line by line, and each value must stand where it counts",
  suggestion: "write the value out",
};

function keyFault(key: unknown): Fault {
  if (isMap(key) && key.flow === true) {
    return {
      code: "key-no-text",
      message: "a map can't be a key",
      why: "`{{ … }}` of a template is left here, or a `{` too many",
      suggestion: "write the value itself: this file is no template",
    };
  }
  const written = isScalar(key) ? (key.source ?? textOf(key.value ?? "")) : "";
  const kind = !isScalar(key) ? "a list or map" : key.value === null ? "nothing" : `a ${typeof key.value}`;
  return {
    code: "key-no-text",
    message: `a key must be a name, but ${written === "" ? "this" : written} is ${kind}`,
    suggestion: "keys are words such as `name:`; docs/cluster-yaml.md of infra-k3s lists them",
  };
}

/** What other programs, which still read YAML 1.1, take for another value: `no`, `012`, `1_000`, `12:30`. */
function otherMeaning(node: Scalar): Fault | undefined {
  if (node.type !== Scalar.PLAIN || node.source === undefined || node.source === "") return undefined;
  const old = readAs11(node.source);
  if (old === undefined || Object.is(old, node.value)) return undefined;
  const [now, then] = [node.value, old].map(kindOf);
  return {
    code: "ambiguous-value",
    message: `${node.source} can be read in two ways`,
    why: `here it is ${now}, and to programs that read YAML 1.1, Ansible among them, ${then}`,
    suggestion:
      typeof node.value === "string"
        ? `write it in quotes: "${node.source}"`
        : `write plainly what is meant: ${textOf(node.value)} or ${textOf(old)}`,
  };
}

function readAs11(source: string): unknown {
  // Numbers, dates and times begin so; whatever else YAML 1.1 knows is a word for true or false.
  if (!/^[-+.\d]|^(y|n|yes|no|on|off)$/i.test(source)) return undefined;
  try {
    const value: unknown = parse(source, { version: "1.1", logLevel: "silent" });
    return typeof value === "object" && !(value instanceof Date) ? undefined : value;
  } catch {
    return undefined;
  }
}

function kindOf(value: unknown): string {
  if (value instanceof Date) return "a date";
  if (typeof value === "string") return "text";
  return typeof value === "number" ? `the number ${value}` : String(value);
}
