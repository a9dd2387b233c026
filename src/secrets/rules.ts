import { Document, isMap, isScalar, isSeq, parseDocument, Scalar, YAMLSeq } from "yaml";
import { EXIT, UserError } from "../output/errors.ts";

/** `.sops.yaml`: who can open which file. Written once, then the user's; recipients are changed by `secrets rotate`. */
export const RULES_FILE = ".sops.yaml";

/** Somebody who can open what is encrypted. The name stands in a comment behind the key. */
export interface Recipient {
  name: string;
  key: string;
}

export interface Rule {
  /** Undefined: every file. */
  pathRegex: RegExp | undefined;
  recipients: Recipient[];
}

/** What a public age key looks like: bech32, X25519 (https://age-encryption.org/v1). */
export const PUBLIC_KEY = /^age1[02-9ac-hj-np-z]{58}$/;

export function newRules(recipients: readonly Recipient[]): string {
  const list = recipients.map(({ name, key }) => `      - ${key} # ${name}\n`).join("");
  return `# Who can open what is encrypted in this repository; see https://getsops.io. Changed by: infra-k3s secrets rotate
creation_rules:
  - path_regex: ^kubernetes/.*\\.sops\\.yaml$
    encrypted_regex: ^(data|stringData)$
    age:
${list}  - path_regex: "[^/]\\\\.sops\\\\.(yaml|json)$"
    age:
${list}`;
}

export function parseRules(text: string): Rule[] {
  return rulesIn(open(text)).map((rule) => {
    const pathRegex = rule.get("path_regex");
    return {
      pathRegex: typeof pathRegex === "string" ? compile(pathRegex) : undefined,
      recipients: listsIn(rule).flatMap(({ items }) =>
        items.flatMap((item) => {
          if (!isScalar(item)) return [];
          const key = String(item.value).trim();
          return [{ key, name: item.comment?.trim() ?? key.slice(0, 12) }];
        }),
      ),
    };
  });
}

/** The first rule whose path matches, as in SOPS. */
export function ruleFor(rules: readonly Rule[], path: string): Rule | undefined {
  return rules.find(({ pathRegex }) => pathRegex?.test(path) ?? true);
}

/** Everybody who is named in any rule. */
export function everyRecipient(rules: readonly Rule[]): Recipient[] {
  const all = rules.flatMap(({ recipients }) => recipients);
  return [...new Map(all.map((recipient) => [recipient.key, recipient])).values()];
}

/** The file with other recipients in every rule; the rest of it stays as it is. */
export function changeRecipients(
  text: string,
  add: readonly Recipient[],
  remove: readonly Recipient[],
): string {
  const document = open(text);
  for (const rule of rulesIn(document)) {
    for (const list of listsIn(rule)) {
      const keys = new Set(list.items.map((item) => (isScalar(item) ? item.value : "")));
      list.items = list.items.filter(
        (item) => !isScalar(item) || !remove.some(({ key }) => key === item.value),
      );
      for (const { name, key } of add.filter((recipient) => !keys.has(recipient.key))) {
        const item = new Scalar(key);
        item.comment = ` ${name}`;
        list.items.push(item);
      }
    }
  }
  return document.toString({ lineWidth: 0, indentSeq: true });
}

function open(text: string): Document {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error === undefined) return document;
  throw new UserError(
    {
      what: `${RULES_FILE}:${error.linePos?.[0].line ?? 1}:1: this can't be read`,
      why: error.message,
      fix: "correct it",
    },
    EXIT.config,
  );
}

function rulesIn(document: Document) {
  const rules = document.get("creation_rules");
  return isSeq(rules) ? rules.items.filter((rule) => isMap(rule)) : [];
}

/** SOPS takes `age` as a list, as one text with commas, and inside `key_groups`. */
function listsIn(rule: ReturnType<typeof rulesIn>[number]): YAMLSeq[] {
  const age = rule.get("age");
  if (typeof age === "string") {
    const list = new YAMLSeq();
    list.items = age.split(",").map((key) => new Scalar(key.trim()));
    rule.set("age", list);
  }
  const groups = rule.get("key_groups");
  const grouped = isSeq(groups) ? groups.items.filter((group) => isMap(group)) : [];
  return [rule, ...grouped].map((place) => place.get("age")).filter((list) => isSeq(list));
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch {
    throw new UserError(
      {
        what: `${RULES_FILE}: the path_regex ${pattern} can't be read here`,
        why: "it is understood by Go and by JavaScript only without Go's own additions such as (?i)",
        fix: "write it without them",
      },
      EXIT.config,
    );
  }
}
