import { ENCRYPT, type Finding } from "./finding.ts";

/** A token by its look, or by its name and its look where it has none of its own. */
interface Shape {
  what: string;
  pattern: RegExp;
  /** What the shape alone does not say. */
  isReal?: (match: string) => boolean;
}

const named = (name: string, value: string) =>
  new RegExp(`(?<![\\w-])(?:${name})["']?\\s*(?::=|[:=])\\s*["']?(${value})(?![\\w/+=-])`, "gi");

const SHAPES: readonly Shape[] = [
  { what: "an age private key", pattern: /(AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{58,})/g },
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
  { what: "an AWS access key's id", pattern: /\b((?:AKIA|ASIA)[A-Z2-7]{16})\b/g },
  {
    what: "an S3 secret key",
    pattern: named("\\w*secret_access_key|secretAccessKey|AWS_SECRET_KEY", "[A-Za-z0-9/+]{40}|[0-9a-f]{64}"),
  },
  { what: "a Hetzner Cloud token", pattern: named("\\w*hcloud_token|hetzner_token", "[A-Za-z0-9]{64}") },
  { what: "a Vultr API key", pattern: named("\\w*vultr_api_key", "[A-Z0-9]{36}") },
  {
    what: "a Cloudflare API token",
    pattern: named(
      "\\w*cloudflare_api_token|cf_api_token|cloudflare_token|dns01_token|api-token",
      "[A-Za-z0-9_-]{40}",
    ),
  },
  // https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/
  { what: "a Cloudflare API token", pattern: /\b(cf(?:ut|at|k)_[A-Za-z0-9_-]{40,})/g },
  // https://tailscale.com/kb/1277/key-prefixes
  { what: "a Tailscale key", pattern: /\b(tskey-[a-z]+-[A-Za-z0-9]{8,}-[A-Za-z0-9]{20,})/g },
  // https://docs.k3s.io/cli/token
  {
    what: "a K3s join token",
    pattern: /\b(K10[0-9a-f]{64}::[\w:.-]{8,})/g,
  },
  {
    what: "a GitHub token",
    pattern: /\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b/g,
  },
  { what: "a GitLab token", pattern: /\b(gl(?:pat|dt|rt|cbt|ptt)-[\w-]{20,})/g },
  { what: "a Docker Hub token", pattern: /\b(dckr_(?:pat|oat)_[\w-]{27,})/g },
  { what: "an npm token", pattern: /\b(npm_[A-Za-z0-9]{36})\b/g },
  { what: "a Slack token", pattern: /\b(xox[abeoprs]-[0-9]{6,}-[A-Za-z0-9-]{20,})/g },
  {
    what: "a Slack webhook",
    pattern: /hooks\.slack\.com\/services\/(T[A-Z0-9]{8,}\/B[A-Z0-9]{8,}\/[A-Za-z0-9]{24})/g,
  },
  {
    what: "a Discord webhook",
    pattern: /discord(?:app)?\.com\/api\/webhooks\/(\d{17,20}\/[\w-]{60,})/g,
  },
  { what: "a Google API key", pattern: /\b(AIza[\w-]{35})\b/g },
  { what: "a Stripe key", pattern: /\b([rs]k_live_[A-Za-z0-9]{24,})\b/g },
  {
    what: "a signed token (JWT), such as a service account's",
    pattern: /\b(eyJ[\w-]{10,}\.eyJ[\w-]{20,}\.[\w-]{40,})/g,
    isReal: (match) => typeof decoded(match.split(".")[0] ?? "")?.["alg"] === "string",
  },
  // Of https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/: account, id, secret.
  {
    what: "a Cloudflare tunnel's token",
    pattern: /\b(eyJ[A-Za-z0-9+/_-]{80,}={0,2})/g,
    isReal: (match) => ["a", "t", "s"].every((field) => typeof decoded(match)?.[field] === "string"),
  },
];

/** The operator's own names in `.envrc.local`: whatever they are given is a secret. */
const assigned = (names: readonly string[]) => named(names.join("|"), "[^\\s\"'$<{}()]{16,}");

/** A word that stands where a secret would, in documentation. */
const PLACEHOLDER = /example|placeholder|redacted|changeme|your[-_]|xxxx|\.\.\.|…/i;

/** `# not-a-secret: why`, on the line or the one before it. */
const ALLOWED = /not-a-secret: *\S/;

const PRIVATE_KEY =
  /-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY(?: BLOCK)?-----((?:\s|\\n|[A-Za-z0-9+/=:,.> -])*)/g;

/** What looks like a token or a private key, wherever it stands. */
export function findShapes(file: string, text: string, secretNames: readonly string[]): Finding[] {
  const lines = text.split("\n");
  const starts = lineStarts(lines);
  const isAllowed = (line: number) =>
    ALLOWED.test(lines[line - 1] ?? "") || ALLOWED.test(lines[line - 2] ?? "");
  const findings: Finding[] = [];
  const report = (code: Finding["code"], what: string, index: number) => {
    const line = lineAt(starts, index);
    if (isAllowed(line) || findings.some((finding) => finding.line === line)) return;
    findings.push({
      file,
      line,
      code,
      what: `${what} in plain text`,
      why: "who reads the repository, or any old copy of it, can use it",
      fix: `${ENCRYPT}; where it is none: a comment "not-a-secret: why" on the line or above it`,
    });
  };
  for (const match of text.matchAll(PRIVATE_KEY)) {
    const body = (match[2] ?? "").replaceAll(/\\n|\s/g, "");
    if (/[A-Za-z0-9+/=]{60,}/.test(body)) {
      report("private-key", `a private key (${match[1] ?? ""}PRIVATE KEY)`, match.index);
    }
  }
  const shapes = [...SHAPES, { what: "an operator's secret", pattern: assigned(secretNames) } as Shape];
  for (const { what, pattern, isReal } of shapes) {
    for (const match of text.matchAll(pattern)) {
      const value = match[1] ?? "";
      if (PLACEHOLDER.test(value) || !isVaried(value) || isReal?.(value) === false) continue;
      report(
        what.startsWith("an age") ? "private-key" : "token",
        what,
        match.index + match[0].indexOf(value),
      );
    }
  }
  return findings;
}

/** At least 2.5 bits a character: `aaaa…` and `0123 0123` are nobody's token. */
function isVaried(value: string): boolean {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits >= 2.5;
}

function decoded(base64: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, "base64").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function lineStarts(lines: readonly string[]): number[] {
  let start = 0;
  return lines.map((line) => {
    const here = start;
    start += line.length + 1;
    return here;
  });
}

function lineAt(starts: readonly number[], index: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}
