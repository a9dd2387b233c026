import type { Fault } from "../../output/errors.ts";
import type { Change } from "../../run/stage.ts";
import type { Thing } from "../../tools/inventory/thing.ts";
import type { PlanContents, ResourceChange } from "../../tools/tofu/show.ts";

/** Whatever holds data, or is what data lies on. */
const PROTECTED = new Set([
  "hcloud_server",
  "vultr_instance",
  "aws_instance",
  "hcloud_volume",
  "vultr_block_storage",
  "aws_ebs_volume",
  "cloudflare_r2_bucket",
]);

/** What applying a stack's plan would do, in words. */
export function toChanges(stage: string, stack: string, { changes, drift }: PlanContents): Change[] {
  return changes.map((change) => ({
    stage,
    action: actionOf(change),
    resource: `${stack}: ${change.address}`,
    reason: reasonOf(change, drift),
    protected: PROTECTED.has(change.type),
  }));
}

/** The node a resource belongs to. */
export function nodeOf(address: string): string | undefined {
  return /^module\.server\["([^"]+)"\]/.exec(address)?.[1];
}

/** What is at the provider, is ours, and the state is not to go on without. */
export interface Leftovers {
  /** To be taken into the state: an answer got lost, or the run was killed before it could write. */
  imports: Thing[];
  /** To be deleted: made twice, or of no use any more, since its secret was told once. */
  useless: Thing[];
}

/** What of `things` the plan is about to make once more. `keep`: ids of servers that are in use, which no age beats. */
export function leftovers(
  { changes }: Pick<PlanContents, "changes">,
  things: readonly Thing[],
  keep: readonly string[],
): Leftovers {
  const wanted = changes.filter(({ action }) => action === "create").map(({ address }) => address);
  const found = wanted.map((address) => inOrder(things, address, keep));
  return {
    imports: found.flatMap(([first]) => (first === undefined || isToken(first) ? [] : [first])),
    useless: found.flatMap(([first, ...more]) =>
      first !== undefined && isToken(first) ? [first, ...more] : more,
    ),
  };
}

const isToken = ({ type }: Thing): boolean => type === "cloudflare_account_token";

/** Servers, and what else has no name that is unique at its provider, that are there twice, but for the ones in `keep`. */
export function doubles(things: readonly Thing[], keep: readonly string[]): Thing[] {
  const kinds = /^(hcloud_server|aws_instance|vultr_(instance|firewall_group|ssh_key))$/;
  const found = things.filter(({ type }) => kinds.test(type));
  const addresses = new Set(found.map(({ address }) => address));
  return [...addresses].flatMap((address) => inOrder(found, address, keep).slice(1));
}

function inOrder(things: readonly Thing[], address: string, keep: readonly string[]): Thing[] {
  const used = (one: Thing) => (keep.includes(ownId(one)) ? 0 : 1);
  return things
    .filter((one) => one.address === address)
    .toSorted((a, b) => used(a) - used(b) || a.created.localeCompare(b.created));
}

/** Rules of our firewalls that the state does not know: somebody opened a port by hand. */
export function strays(
  { ids, changes }: Pick<PlanContents, "ids" | "changes">,
  things: readonly Thing[],
): Thing[] {
  const creates = changes.filter(({ action }) => action === "create");
  const coming = new Set(creates.map(({ address }) => address));
  return things.filter(
    (one) => one.type.endsWith("_rule") && !ids.includes(ownId(one)) && !coming.has(one.address),
  );
}

/** As the provider's own resource has it, without the region or the group it is in. */
export function ownId({ id }: Thing): string {
  return id.slice(id.lastIndexOf("/") + 1);
}

/** A fault for each protected thing that the plan would destroy and nobody has named. */
export function refusals(changes: readonly Change[], allowed: readonly string[]): Fault[] {
  return changes
    .filter(({ action, protected: isProtected }) => action === "delete" && isProtected)
    .flatMap(({ resource, reason }) => {
      const address = resource.slice(resource.indexOf(": ") + 2);
      const node = nodeOf(address);
      if (allowed.includes(address) || (node !== undefined && allowed.includes(node))) return [];
      return [
        {
          what: `${resource} would be destroyed, with all that is on it; it is left as it is`,
          why: `${reason}; masters, workers, volumes and buckets are protected`,
          fix:
            `put cluster.yaml back as it was${node === undefined ? "" : `, or take the node out with infra-k3s node remove ${node}`}` +
            `, or name it: infra-k3s up --allow-destroy '${address}'`,
        },
      ];
    });
}

/**
 * A fault where the master's server was there, is gone from the provider, and the plan would make another: that one would
 * begin an empty cluster, and its snapshots would be the newest.
 */
export function lostMaster(
  { changes }: Pick<PlanContents, "changes">,
  things: readonly Thing[],
  master: string,
): Fault[] {
  const made = changes.find(
    ({ address, type, action }) => action === "create" && nodeOf(address) === master && PROTECTED.has(type),
  );
  // One that only the state has forgotten is adopted.
  if (made === undefined || things.some(({ address }) => address === made.address)) return [];
  return [
    {
      what: `the server of the master, ${master}, is gone, and the cluster's state with it; nothing was changed`,
      why: "a new one would begin an empty cluster, which the workers can't join",
      fix: "bring the state back from R2: infra-k3s restore cluster; to begin anew: infra-k3s destroy, then infra-k3s up",
    },
  ];
}

function actionOf({ action }: ResourceChange): Change["action"] {
  if (action === "create" || action === "import") return "create";
  return action === "update" ? "update" : "delete";
}

function reasonOf({ address, action, attributes }: ResourceChange, drift: readonly ResourceChange[]): string {
  const moved = drift.find((one) => one.address === address);
  const differing = attributes.join(", ");
  switch (action) {
    case "create":
      return moved === undefined ? "declared, and not there yet" : "it was removed behind its back";
    case "import":
      return "it is there, and the state does not know it";
    case "update":
      return moved === undefined ? `differs in ${differing}` : `was changed behind its back: ${moved.attributes.join(", ")}`; // prettier-ignore
    case "replace":
      return `it can't be changed in place: ${differing}`;
    case "forget":
    case "delete":
      return "no longer declared";
  }
}
