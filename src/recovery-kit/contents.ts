/** An entry of the kit and what it is for. */
interface EntryKind {
  name: string;
  what: string;
}

/** Entries that are no setting of `.envrc.local`; those go under their names there. */
export const CLUSTER = "cluster.yaml";
export const LOCK = "versions.lock.json";
export const AGE_KEYS = "age-keys.txt";
export const K3S_TOKENS = "k3s-tokens.json";
export const STATE = "state.json";
export const VELERO_PASSWORD = "velero-repository-password";

/** Everything a kit can hold, in the order in which it is told. */
export const ENTRIES: readonly EntryKind[] = [
  { name: CLUSTER, what: "the cluster as declared" },
  { name: LOCK, what: "hash and digest of every download and image" },
  {
    name: K3S_TOKENS,
    what: "K3s' server tokens, today's first: etcd's snapshots open with the one of their day",
  },
  { name: AGE_KEYS, what: "the cluster's age key, below it older ones: every SOPS file" },
  { name: "ANSIBLE_VAULT_PASSWORD", what: "opens the vault" },
  { name: "TF_VAR_state_passphrase", what: "opens OpenTofu's states and plans" },
  { name: "TF_VAR_state_access_key_id", what: "names the key below" },
  { name: "TF_VAR_state_secret_access_key", what: "reads the state's bucket" },
  { name: STATE, what: "endpoint and name of the state's bucket" },
  { name: VELERO_PASSWORD, what: "opens the backups of the volumes" },
];

/** What is in a kit that was not made yet, or is in the repository now. */
export type Entries = ReadonlyMap<string, string>;

export interface Stale {
  entry: string;
  reason: "changed" | "not in the kit";
}

/**
 * What the kit lacks of what is here now. What is not here is no fault: a fresh clone has no secrets yet, and wants the kit
 * for them.
 */
export function staleEntries(kit: Entries, here: Entries): Stale[] {
  return [...here].flatMap(([entry, text]): Stale[] => {
    const kept = kit.get(entry);
    if (kept === undefined) return [{ entry, reason: "not in the kit" }];
    return holds(entry, kept, text) ? [] : [{ entry, reason: "changed" }];
  });
}

/** Keys and tokens only ever come on top: a kit that has today's among its own still serves. */
function holds(entry: string, kept: string, now: string): boolean {
  switch (entry) {
    case K3S_TOKENS:
      return tokensOf(now).every((token) => tokensOf(kept).includes(token));
    case AGE_KEYS:
      return identitiesOf(now).every((identity) => identitiesOf(kept).includes(identity));
    default:
      return kept === now;
  }
}

export function tokensText(tokens: readonly string[]): string {
  return `${JSON.stringify({ tokens }, null, 2)}\n`;
}

/** K3s's server tokens in a kit, today's first; none in a kit of a cluster that had none. */
export function tokensIn(entries: Entries): string[] {
  const text = entries.get(K3S_TOKENS);
  return text === undefined ? [] : tokensOf(text);
}

/** Today's first. */
function tokensOf(text: string): string[] {
  return (JSON.parse(text) as { tokens: string[] }).tokens;
}

/** The private keys of a file as age-keygen writes it. */
export function identitiesOf(text: string): string[] {
  return text.match(/^AGE-SECRET-KEY-1[0-9A-Z]+$/gm) ?? [];
}
