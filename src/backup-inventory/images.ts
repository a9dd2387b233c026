import type { KubernetesObject } from "./canonical.ts";
import type { Header } from "./inventory.ts";

interface Container {
  name: string;
  image: string;
}

interface Pod extends KubernetesObject {
  spec: Partial<Record<(typeof KINDS)[number], Container[]>>;
  status?: KubernetesObject["status"] & Partial<Record<`${(typeof STATUSES)[number]}Statuses`, { name: string; imageID?: string }[]>>;
} // prettier-ignore

const KINDS = ["containers", "initContainers"] as const;
const STATUSES = ["container", "initContainer"] as const;

/** The images of all pods, each once: https://kubernetes.io/docs/concepts/containers/images/ */
export function imagesOf(objects: readonly KubernetesObject[]): Header["images"] {
  const found = new Map<string, Header["images"][number]>();
  for (const pod of objects.filter(({ kind, apiVersion }) => kind === "Pod" && apiVersion === "v1") as Pod[]) {
    const statuses = STATUSES.flatMap((kind) => pod.status?.[`${kind}Statuses`] ?? []);
    for (const { name, image } of KINDS.flatMap((kind) => pod.spec[kind] ?? [])) {
      const id = statuses.find((status) => status.name === name)?.imageID ?? "";
      // Of an image that was put on the node as a file, it is the hash of something else.
      const digest = /@(sha256:[0-9a-f]{64})$/.exec(id)?.[1] ?? "";
      found.set(`${image} ${digest}`, { name: image, digest });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
} // prettier-ignore
