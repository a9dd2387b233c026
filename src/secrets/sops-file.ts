import { isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";

/** A scalar of a document, by the keys that lead to it. */
export interface Leaf {
  path: string[];
  line: number;
  value: string;
}

/** What an encrypted file says of itself without being opened. */
export interface SopsFile {
  recipients: { key: string; enc: string; line: number }[];
  /** Encrypted values, with their ciphertext. */
  encrypted: Leaf[];
  /** Values that its own rule says are encrypted, and that are not. */
  plain: Leaf[];
  /** Its `mac`: without one nobody sees that it was changed by hand. */
  hasMac: boolean;
}

// https://github.com/getsops/sops/blob/v3.13.3/aes/cipher.go
const CIPHERTEXT = /^ENC\[AES256_GCM,data:[^,]*,iv:[^,]+,tag:[^,]+,type:\w+\]$/;

interface Metadata {
  age?: { recipient?: string; enc?: string }[];
  key_groups?: { age?: { recipient?: string; enc?: string }[] }[];
  mac?: string;
  encrypted_regex?: string;
  unencrypted_regex?: string;
  encrypted_suffix?: string;
  unencrypted_suffix?: string;
}

/** The files that are meant to be SOPS's by their name. */
export function isSopsPath(path: string): boolean {
  return /[^/]\.sops\.(ya?ml|json)$/.test(path);
}

/** Undefined for a file that has no `sops` block. */
export function parseSops(text: string): SopsFile | undefined {
  if (!/^\s*"?sops"?:/m.test(text)) return undefined;
  const lines = new LineCounter();
  const file: SopsFile = { recipients: [], encrypted: [], plain: [], hasMac: false };
  let found = false;
  for (const document of parseAllDocuments(text, { lineCounter: lines })) {
    const { sops } = (document.toJS() ?? {}) as { sops?: Metadata | null };
    if (typeof sops !== "object" || sops === null) continue;
    found = true;
    if (file.recipients.length === 0) file.recipients = recipientsOf(sops, text);
    file.hasMac ||= sops.mac !== undefined;
    for (const leaf of leavesOf(document.contents, lines)) {
      if (leaf.path[0] === "sops") continue;
      if (CIPHERTEXT.test(leaf.value)) file.encrypted.push(leaf);
      else if (leaf.value !== "" && isSelected(leaf.path, sops)) file.plain.push(leaf);
    }
  }
  return found ? file : undefined;
}

function recipientsOf(sops: Metadata, text: string): SopsFile["recipients"] {
  const lines = text.split("\n");
  return [...(sops.age ?? []), ...(sops.key_groups ?? []).flatMap(({ age }) => age ?? [])].map(
    ({ recipient: key = "", enc = "" }) => ({
      key,
      enc,
      line: lines.findIndex((line) => line.includes("recipient") && line.includes(key)) + 1,
    }),
  );
}

/** https://github.com/getsops/sops#encrypting-only-parts-of-a-file: one selector at most, on any key of the path. */
function isSelected(path: readonly string[], sops: Metadata): boolean {
  const any = (matches: (key: string) => boolean) => path.some((key) => matches(key));
  if (sops.encrypted_regex !== undefined) {
    const pattern = new RegExp(sops.encrypted_regex);
    return any((key) => pattern.test(key));
  }
  if (sops.unencrypted_regex !== undefined) {
    const pattern = new RegExp(sops.unencrypted_regex);
    return !any((key) => pattern.test(key));
  }
  const { encrypted_suffix: suffix, unencrypted_suffix: not = "_unencrypted" } = sops;
  return suffix === undefined ? !any((key) => key.endsWith(not)) : any((key) => key.endsWith(suffix));
}

/** Every scalar below a node that holds something. */
export function leavesOf(node: Node | null, lines: LineCounter, path: string[] = []): Leaf[] {
  if (isMap(node)) {
    return node.items.flatMap(({ key, value }) =>
      leavesOf(value as Node | null, lines, [...path, String(isScalar(key) ? key.value : key)]),
    );
  }
  if (isSeq(node)) {
    return node.items.flatMap((item, index) => leavesOf(item as Node, lines, [...path, String(index)]));
  }
  if (!isScalar(node) || node.value === null) return [];
  return [{ path, line: lines.linePos(node.range?.[0] ?? 0).line, value: textOf(node.value) }];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
