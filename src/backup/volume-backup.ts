import { z } from "zod";
import { type TarFile, tarFiles } from "./tar.ts";

/** Of a PodVolumeBackup what a restore needs. https://velero.io/docs/v1.18/file-system-backup/ */
const PodVolumeBackupSchema = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.object({ pod: z.object({ namespace: z.string(), name: z.string() }), volume: z.string() }),
  status: z.object({ phase: z.string().default(""), snapshotID: z.string().default("") }).optional(),
});

export interface SavedVolume {
  /** `NAMESPACE/CLAIM`, or the pod's and its own name where no claim is told. */
  name: string;
  namespace: string;
  phase: string;
  /** Kopia's id of what was saved; empty: nothing was, as of an empty volume. */
  snapshot: string;
}

/** `NAME-podvolumebackups.json.gz`, parsed; an Error says what is wrong with it. */
export function savedVolumes(list: unknown): SavedVolume[] {
  const read = z.array(PodVolumeBackupSchema).nullable().safeParse(list);
  if (!read.success) throw new Error("the list of its volumes can't be read");
  return (read.data ?? []).map(({ metadata, spec: { pod, volume }, status }) => ({
    name: `${pod.namespace}/${metadata.annotations?.["velero.io/pvc-name"] ?? `${pod.name}/${volume}`}`,
    namespace: pod.namespace,
    phase: status?.phase ?? "",
    snapshot: status?.snapshotID ?? "",
  }));
}

export interface SavedObjects {
  objects: number;
  /** As they would be made anew. */
  namespaces: SavedNamespace[];
}

export interface SavedNamespace {
  apiVersion: "v1";
  kind: "Namespace";
  metadata: {
    name: string;
    labels?: Record<string, string> | undefined;
    annotations?: Record<string, string> | undefined;
  };
}

const NAMESPACE = /^resources\/namespaces\/cluster\/[^/]+\.json$/;
const NamespaceSchema = z.object({
  metadata: z.object({
    name: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});

/** Every object of `NAME.tar.gz`, read to its last byte; an Error says what is wrong with it. */
export async function readObjects(compressed: AsyncIterable<Uint8Array>): Promise<SavedObjects> {
  const found: SavedObjects = { objects: 0, namespaces: [] };
  const inNamespaces = new Set<string>();
  for await (const file of tarFiles(compressed)) {
    const [, kind, place, namespace] = file.name.split("/");
    // Beside it each object is there again by its version: resources/deployments.apps/v1-preferredversion/namespaces/….
    if (!file.name.startsWith("resources/") || !(place === "namespaces" || place === "cluster")) continue;
    const object = parsed(file);
    found.objects++;
    if (place === "namespaces" && kind !== undefined && namespace !== undefined) inNamespaces.add(namespace);
    if (NAMESPACE.test(file.name)) found.namespaces.push(namespaceOf(object));
  }
  if (found.objects === 0) throw new Error("it holds no object");
  found.namespaces = found.namespaces.filter(({ metadata }) => inNamespaces.has(metadata.name));
  return found;
}

function parsed({ name, content }: TarFile): unknown {
  try {
    return JSON.parse(content.toString("utf8")) as unknown;
  } catch {
    throw new Error(`it is damaged: ${name} is no JSON`);
  }
}

function namespaceOf(object: unknown): SavedNamespace {
  const { metadata } = NamespaceSchema.parse(object);
  return { apiVersion: "v1", kind: "Namespace", metadata };
}
