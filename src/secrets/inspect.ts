import { type Finding, TAKE_OUT } from "./finding.ts";
import { findManifests, findVaults } from "./manifests.ts";
import { type Rule, ruleFor, RULES_FILE } from "./rules.ts";
import { findShapes } from "./shapes.ts";
import { isSopsPath, parseSops } from "./sops-file.ts";

/** A file as git has it, or is about to. */
export interface Candidate {
  path: string;
  text: string;
}

/** What has no business in git whatever it holds. */
const NEVER: readonly [RegExp, string][] = [
  [/(^|\/)\.envrc\.local$/, "the operator's secrets"],
  [/(^|\/)\.age-key\.local$/, "the key that opens every Secret of the repository"],
  [/(^|\/)\.drill-key\.local$/, "the key that opens the recovery kit and every Secret, for drills"],
  [/(^|\/)\.infra-k3s\//, "this tool's own state and logs"],
  [/\.tfstate(\.\w+)*$/, "OpenTofu's state, which holds every value it has seen"],
  [/(^|\/)\.terraform\//, "OpenTofu's own folder, with the backend's settings"],
];

/** Everything that must not be in git as it is in one file. */
export function inspect(
  { path, text }: Candidate,
  rules: readonly Rule[],
  secretNames: readonly string[],
): Finding[] {
  const never = NEVER.find(([pattern]) => pattern.test(path));
  if (never !== undefined) {
    const why = `it is ${never[1]}`;
    return [
      { file: path, line: 1, code: "never-in-git", what: `${path} is in git`, why, fix: TAKE_OUT(path) },
    ];
  }
  // Not text: what is looked for here is.
  if (text.includes("\0")) return [];
  const found = [
    ...inspectSops({ path, text }, rules),
    ...findManifests(path, text),
    ...findVaults(path, text),
  ];
  // A line is told once, by who knows most of it.
  const others = findShapes(path, text, secretNames).filter(
    ({ line }) => !found.some((finding) => finding.line === line),
  );
  return [...found, ...others];
}

/** An encrypted file: everything in it is, and it can be opened by whom `.sops.yaml` says and nobody else. */
function inspectSops({ path, text }: Candidate, rules: readonly Rule[]): Finding[] {
  const finding = (line: number, code: Finding["code"], what: string, why: string, fix: string): Finding => ({
    file: path,
    line,
    code,
    what,
    why,
    fix,
  });
  const sops = parseSops(text);
  if (sops === undefined) {
    if (!isSopsPath(path)) return [];
    return [
      finding(
        1,
        "sops-plain",
        `${path} is not encrypted`,
        "its name says that SOPS encrypted it, and it has no sops block",
        `sops encrypt --in-place ${path}, or make it with infra-k3s secrets set; make new values if this was ever committed`,
      ),
    ];
  }
  // An example of an encrypted file, in some other file's documentation, has no rule and no name of one.
  if (!isSopsPath(path) && sops.recipients.length === 0) return [];
  const findings = sops.plain.map(({ path: keys, line }) =>
    finding(
      line,
      "sops-plain",
      `${keys.join(".")} is in plain text in an encrypted file`,
      "it was added without SOPS",
      `take the line out and set it: infra-k3s secrets set ${path} ${keys.at(-1) ?? ""}`,
    ),
  );
  const rule = ruleFor(rules, path);
  if (rule === undefined) {
    findings.push(
      finding(
        1,
        "sops-rules",
        `no rule of ${RULES_FILE} is for ${path}`,
        "so nobody can say who may open it",
        `move it to where a rule is, or add one to ${RULES_FILE}`,
      ),
    );
    return findings;
  }
  const [declared, actual] = [rule.recipients.map(({ key }) => key), sops.recipients.map(({ key }) => key)];
  const line = sops.recipients[0]?.line ?? 1;
  if (!declared.some((key) => actual.includes(key))) {
    findings.push(
      finding(
        line,
        "sops-unopenable",
        `nobody whom ${RULES_FILE} names can open ${path}`,
        `it is encrypted to ${actual.join(", ") || "no age key"}`,
        `make it anew: infra-k3s secrets set, or have who owns that key run infra-k3s secrets rotate`,
      ),
    );
    return findings;
  }
  for (const { name, key } of rule.recipients.filter((recipient) => !actual.includes(recipient.key))) {
    findings.push(
      finding(
        line,
        "sops-recipients",
        `${name} (${key}) can't open ${path}`,
        `${RULES_FILE} says so, the file does not`,
        "infra-k3s secrets rotate",
      ),
    );
  }
  for (const extra of sops.recipients.filter(({ key }) => !declared.includes(key))) {
    findings.push(
      finding(
        extra.line,
        "sops-recipients",
        `${extra.key} can open ${path}`,
        `${RULES_FILE} does not name it`,
        "infra-k3s secrets rotate, and change what it has seen; or add it: infra-k3s secrets rotate --add NAME=KEY",
      ),
    );
  }
  return findings;
}

/** The rules themselves: a rule with one recipient ends with that one's key. */
export function inspectRules(rules: readonly Rule[]): Finding[] {
  return rules
    .filter(({ recipients }) => recipients.length < 2)
    .map(({ pathRegex, recipients }) => ({
      file: RULES_FILE,
      line: 1,
      code: "sops-rules" as const,
      what: `the rule for ${pathRegex?.source ?? "every file"} has ${recipients.length === 0 ? "no age recipient" : "one recipient"}`,
      why: "when that one key is lost, so is everything encrypted to it",
      fix: "add the operator's recovery key: infra-k3s secrets rotate --add recovery=age1…",
    }));
}
