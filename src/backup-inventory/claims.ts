import type { KubernetesObject } from "./canonical.ts";
import type { Inventory } from "./inventory.ts";

export interface VolumePlace {
  /** `NAMESPACE/CLAIM` */
  name: string;
  node: string;
  path: string;
}

interface PersistentVolume extends KubernetesObject {
  spec: {
    claimRef?: { namespace: string; name: string };
    volumeMode?: string;
    local?: { path: string };
    nodeAffinity?: {
      required?: { nodeSelectorTerms: { matchExpressions?: { key: string; values?: string[] }[] }[] };
    };
  };
}

/** Where the claims' files lie, and which claims have none that a file-system backup could save. */
export function placesOf(objects: readonly KubernetesObject[]): {
  places: VolumePlace[];
  leftOut: Inventory["leftOut"];
} {
  const places: VolumePlace[] = [];
  const leftOut: Inventory["leftOut"] = [];
  const volumes = objects.filter(({ kind }) => kind === "PersistentVolume") as PersistentVolume[];
  for (const { spec, status, metadata } of volumes) {
    const { claimRef, local } = spec;
    const name = claimRef === undefined ? `/${metadata.name}` : `${claimRef.namespace}/${claimRef.name}`;
    const node = nodeOf(spec);
    // Of a released volume there may be a successor under the same name.
    if (status?.phase !== "Bound")
      leftOut.push({
        name: `/${metadata.name}`,
        why: `it is ${status?.phase ?? "in no phase"}: no claim has it`,
      });
    else if (spec.volumeMode === "Block") leftOut.push({ name, why: "it is a block device without files" });
    else if (local === undefined) leftOut.push({ name, why: "it is not of type local" });
    else if (node === undefined) leftOut.push({ name, why: "it does not say which node it is on" });
    else places.push({ name, node, path: local.path });
  }
  const seen = new Set([...places, ...leftOut].map(({ name }) => name));
  for (const { kind, metadata } of objects) {
    const name = `${metadata.namespace ?? ""}/${metadata.name}`;
    if (kind === "PersistentVolumeClaim" && !seen.has(name))
      leftOut.push({ name, why: "it has no volume yet" });
  }
  return { places: places.sort(byName), leftOut: leftOut.sort(byName) };
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

/** https://kubernetes.io/docs/concepts/storage/persistent-volumes/#node-affinity */
function nodeOf({ nodeAffinity }: PersistentVolume["spec"]): string | undefined {
  const terms = nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const names = terms.flatMap(({ matchExpressions }) => matchExpressions ?? []);
  return names.find(({ key }) => key === "kubernetes.io/hostname")?.values?.[0];
}
