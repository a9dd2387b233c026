import type { Fault } from "../output/errors.ts";
import { everyRecipient, PUBLIC_KEY, type Rule, RULES_FILE } from "../secrets/rules.ts";

/** The public half of the drill's key, where `drill init` has put it into `.sops.yaml`: it opens kits and inventories, too. */
export function drillRecipient(rules: readonly Rule[] | undefined): string | undefined {
  return everyRecipient(rules ?? []).find(({ name, key }) => name === DRILL && PUBLIC_KEY.test(key))?.key;
}

/** What `.sops.yaml` calls it. */
export const DRILL = "drill";

/** The public half of the operator's recovery key: who alone can open a kit. `rules`: undefined where there are none. */
export function recoveryRecipient(rules: readonly Rule[] | undefined): string | Fault {
  if (rules === undefined) {
    return {
      what: `there is no ${RULES_FILE}`,
      why: "it names the recovery key that the kit is encrypted to",
      fix: "make the keys and the rules: infra-k3s secrets init",
    };
  }
  const named = everyRecipient(rules).filter(({ name }) => name === "recovery");
  const [recovery, other] = named;
  if (recovery === undefined) {
    return {
      what: `${RULES_FILE} names no recovery key`,
      why: "the kit is encrypted to it and to nobody else",
      fix: "name yours: infra-k3s secrets rotate --add recovery=age1…",
    };
  }
  if (other !== undefined) {
    return {
      what: `${RULES_FILE} names ${named.length} recovery keys`,
      why: `the kit is for one alone: ${named.map(({ key }) => key).join(", ")}`,
      fix: "leave the one you keep: infra-k3s secrets rotate --remove age1…",
    };
  }
  if (PUBLIC_KEY.test(recovery.key)) return recovery.key;
  return {
    what: `the recovery key in ${RULES_FILE} is not a public age key`,
    why: "it looks like age1…",
    fix: "age-keygen prints one; then infra-k3s secrets rotate --remove recovery --add recovery=age1…",
  };
}
