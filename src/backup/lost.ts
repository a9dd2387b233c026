/** A volume that lies on one node's own disk. */
export interface LocalVolume {
  /** The PersistentVolume. */
  volume: string;
  /** `NAMESPACE/CLAIM` */
  claim: string;
  node: string;
  path: string;
}

/** What makes pods that use a claim. */
export interface Workload {
  kind: string;
  namespace: string;
  name: string;
  /** The claims that its pods use. */
  claims: readonly string[];
}

/** A pod's volume as a backup has it. */
export interface SavedVolume {
  /** `NAMESPACE/CLAIM` */
  claim: string;
  /** `NAMESPACE/POD` */
  pod: string;
}

/** What of the lost volumes a backup brings back, and what has to go for it. */
export interface LostPlan {
  /** Of those that come back. */
  claims: LocalVolume[];
  /** Velero skips what is there, so that these must not be. */
  workloads: Workload[];
  /** Pods that Velero makes anew, with their volumes' files. */
  pods: string[];
  /** Pods of the backup that must not come back: they are there under other names, or ended, or their volumes are newer. */
  withheld: string[];
  left: { claim: string; why: string }[];
}

/** Kinds that a backup brings back with their pods; of any other nobody knows what it does when its pods go. */
const BROUGHT_BACK = new Set(["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"]);

/**
 * What to do about the lost volumes. Velero restores a pod's volumes all at once, so that a pod comes back only where all of
 * them are lost: into one that is still there it would write files of before.
 */
export function planLost(
  lost: readonly LocalVolume[],
  workloads: readonly Workload[],
  saved: readonly SavedVolume[],
  podsOfBackup: readonly string[],
): LostPlan {
  const names = new Set(lost.map(({ claim }) => claim));
  const claimsOf = (pod: string) => saved.filter((one) => one.pod === pod).map(({ claim }) => claim);
  const strange = (claim: string) =>
    workloads.find(({ kind, claims }) => claims.includes(claim) && !BROUGHT_BACK.has(kind));
  const comes = (pod: string) =>
    claimsOf(pod).every((claim) => names.has(claim) && strange(claim) === undefined);
  const pods = unique(saved.filter(({ claim }) => names.has(claim)).map(({ pod }) => pod)).filter(comes);
  const back = new Set(pods.flatMap(claimsOf));
  const claims = lost.filter(({ claim }) => back.has(claim));
  const namespaces = new Set(claims.map(({ claim }) => namespaceOf(claim)));
  return {
    claims,
    workloads: workloads.filter((one) => one.claims.some((claim) => back.has(claim))),
    pods,
    withheld: unique([...podsOfBackup, ...saved.map(({ pod }) => pod)]).filter(
      (pod) => namespaces.has(namespaceOf(pod)) && !pods.includes(pod),
    ),
    left: lost
      .filter(({ claim }) => !back.has(claim))
      .map(({ claim }) => ({ claim, why: whyLeft(claim, strange(claim), names, saved) })),
  };
}

function whyLeft(
  claim: string,
  strange: Workload | undefined,
  lost: ReadonlySet<string>,
  saved: readonly SavedVolume[],
): string {
  const pods = saved.filter((one) => one.claim === claim).map(({ pod }) => pod);
  if (pods.length === 0) return "the backup does not have it: no running pod used it then";
  if (strange !== undefined)
    return `its pods are made by the ${strange.kind} ${strange.name}, which would make empty volumes first`;
  const beside = saved.find((one) => pods.includes(one.pod) && !lost.has(one.claim));
  return beside === undefined
    ? "its pods have another claim that can't come back"
    : `its pod has ${beside.claim}, too, which is still there and would be written over`;
}

export function namespaceOf(name: string): string {
  return name.slice(0, name.indexOf("/"));
}

const unique = (names: readonly string[]) => [...new Set(names)];
