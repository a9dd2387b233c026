import type { Comparison } from "../backup-inventory/compare.ts";

export interface DrillStep {
  name: string;
  /** Since the drill began. */
  startSeconds: number;
  seconds: number;
  ok: boolean;
  /** What was seen, or why it failed; may be empty. */
  note: string;
}

/** The shape of `drill --json`; fields may be added, none renamed. */
export interface DrillResult {
  /** Every step went well, and all that was compared is equal. */
  passed: boolean;
  cluster: string;
  backup: string;
  commit: string;
  k3s: string;
  /** RFC 3339. */
  began: string;
  /** How much of the newest work would be lost, at worst; null: it did not come to that. */
  rpoSeconds: number | null;
  /** From the loss to everything being there again; null: it did not come to that. */
  rtoSeconds: number | null;
  steps: DrillStep[];
  objects: Comparison["objects"];
  volumes: Comparison["volumes"];
  /** Why nothing else than a difference makes it fail; empty where that is not so. */
  reason: string;
  leftOut: Comparison["leftOut"];
}

/** Text that somebody else chose, on one line: what can't be seen, or turns the line around, is told by its number. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === "\\") return "\\\\";
    if (character === "\n") return "\\n";
    // A byte that is not UTF-8.
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
    return `\\u{${code.toString(16)}}`;
  });
}

/** `4.2 MB`, in powers of ten. */
export function amount(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let rest = bytes;
  let unit = 0;
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${unit === 0 ? rest : rest.toFixed(1)} ${units[unit]}`;
}

/** One line for each difference: where it is, what it is, and how. */
export interface DifferenceRow {
  where: string;
  what: string;
  how: string;
}

export function differenceRows({ objects, volumes }: Pick<DrillResult, "objects" | "volumes">): DifferenceRow[] {
  return [
    ...objects.differing.map(({ kind, group, namespace, name, what, fields }) => ({
      where: [group === "" ? kind : `${kind}.${group}`, namespace, name].filter((part) => part !== "").join(" "),
      what,
      how: fields.join(", "),
    })),
    ...volumes.differing.map(({ volume, path, what, expected, found }) => ({
      where: path === "" ? volume : `${volume}: ${path}`,
      what,
      how: what === "missing" || what === "unexpected" ? expected || found : `${short(expected)}, now ${short(found) || "nothing"}`,
    })),
  ];
} // prettier-ignore

/** The beginning of a hash is enough to tell two apart. */
const short = (text: string) => (/^[0-9a-f]{64}$/.test(text) ? text.slice(0, 12) : text);

const moving = (count: number) => (count === 0 ? "" : `, ${count} in motion while the backup was made`);

/** What was compared, a line each. */
export function compared({
  objects,
  volumes,
  reason,
}: Pick<DrillResult, "objects" | "volumes" | "reason">): string[] {
  return [
    `objects: ${objects.compared} compared, ${objects.differing.length} differing${moving(objects.unsettled)}`,
    `files: ${volumes.filesCompared} compared byte by byte (${amount(volumes.bytesCompared)}), ${volumes.differing.length} differences${moving(volumes.unsettled)}`,
    ...(reason === "" ? [] : reason.split("\n")),
  ];
}
