import type { Fault } from "./source.ts";

export interface CharacterFault extends Fault {
  /** Where in the text, as offsets. */
  range: readonly [start: number, end: number];
}

/** Nobody writes so much by hand; what reads it may be slow with far more. */
const LIMIT = 1024 * 1024;

/** The text of a file's bytes, and why it is none: of several causes the first, since the others follow from it. */
export function decode(content: string | Uint8Array): { text: string; faults: CharacterFault[] } {
  const decoded = typeof content === "string" ? content : new TextDecoder().decode(content);
  const text = decoded.replace(/^\uFEFF/, "");
  const fault = typeof content === "string" ? undefined : encodingFault(content, text);
  if (fault !== undefined) return { text, faults: [fault] };
  if (content.length > LIMIT) return { text, faults: [tooLarge(content.length)] };
  return { text, faults: characterFaults(text) };
}

function encodingFault(bytes: Uint8Array, text: string): CharacterFault | undefined {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (!utf16) {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      return undefined;
    } catch {
      // Told below, with its place.
    }
  }
  const at = utf16 ? 0 : text.indexOf("\u{FFFD}");
  return {
    range: [at, at + 1],
    code: "not-utf-8",
    message: utf16 ? "the file is UTF-16" : "this is not UTF-8",
    why: utf16
      ? "its first two bytes say so; infra-k3s, git and Ansible read UTF-8"
      : "infra-k3s, git and Ansible read UTF-8; the file seems to be of another encoding, such as Latin-1",
    suggestion: "save it as UTF-8: most editors offer it beside `save as`",
  };
}

function tooLarge(length: number): CharacterFault {
  return {
    range: [0, 1],
    code: "too-large",
    message: `the file has ${(length / LIMIT).toFixed(1)} MiB; more than 1 MiB is not read`,
    why: "a cluster.yaml has a few kilobytes, so this is some other file",
    suggestion: "name the right one: `infra-k3s validate FILE`",
  };
}

/** A kind of character that misleads who looks at the file. */
interface Kind extends Pick<Fault, "code" | "why" | "suggestion"> {
  pattern: RegExp;
  message: (name: string) => string;
}

const KINDS: readonly Kind[] = [
  {
    pattern: /\r(?!\n)/,
    code: "carriage-return",
    message: () => "a carriage return without a line feed behind it",
    why: "old Macs ended lines so; YAML readers disagree on whether the line ends here",
    suggestion: "end lines with LF, or with CR and LF",
  },
  {
    pattern: /[\p{Cc}--[\t\n\r]]/v,
    code: "control-character",
    message: (name) => `a control character, ${name}`,
    why: "YAML allows none but tab and line ends",
    suggestion: "delete it",
  },
  {
    pattern: /[\p{Cf}\u2028\u2029]/u,
    code: "invisible-character",
    message: (name) => `an invisible character, ${name}`,
    why: "what is shown here differs from what is read",
    suggestion: "delete it",
  },
  {
    pattern: /[\p{Zs}--[\x20]]/v,
    code: "odd-space",
    message: (name) => `${name} looks like a space, and is none`,
    why: "YAML separates with the ordinary space alone; text copied from a web page has others",
    suggestion: "replace it by an ordinary space",
  },
];

/** Of each line the first. In a comment any space may stand. */
function characterFaults(text: string): CharacterFault[] {
  let offset = 0;
  return text.split("\n").flatMap((line) => {
    const start = offset;
    offset += line.length + 1;
    const faults = KINDS.flatMap(({ pattern, message, ...rest }) => {
      const searched = rest.code === "odd-space" ? line.replace(/(^|\s)#.*/, "") : line;
      const found = pattern.exec(`${searched}\n`);
      if (found === null) return [];
      const at = start + found.index;
      return [{ ...rest, message: message(nameOf(found[0])), range: [at, at + found[0].length] as const }];
    });
    return faults.slice(0, 1);
  });
}

/** As Unicode numbers it, e.g. `U+00A0`. */
export function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Typographers' signs that stand for YAML's own. */
const SIGNS: Readonly<Record<string, string>> = { "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "‐": "-", "−": "-" }; // prettier-ignore

/** Why a word that looks right is not: its first letter or sign from outside of what this file is written in. */
export function lookAlike(text: string): string {
  const [character] = /[^\p{ASCII}]/u.exec(text) ?? [];
  if (character === undefined) return "";
  const plain = SIGNS[character] ?? character.normalize("NFKC");
  const meant = /^\p{ASCII}$/u.test(plain) ? `, not \`${plain}\`` : ", which may look like an ordinary letter, and is none"; // prettier-ignore
  return `it has the character \`${character}\` (${nameOf(character)})${meant}`;
}
