/** Velero's objects as the API gives them (1.18), shortened to what is read, and the volumes they are about. */
import { ago } from "./things.fake.ts";

type Fields = Record<string, unknown>;
const velero = (kind: string, name: string, seconds: number, rest: Fields) => ({
  apiVersion: "velero.io/v1",
  kind,
  metadata: { name, namespace: "velero", creationTimestamp: ago(seconds) },
  ...rest,
});

/** Every hour at :07; the cluster's clock in `things.fake.ts` shows 12:00. */
export function schedule(cron = "7 * * * *", seconds = 10 * 86_400) {
  return velero("Schedule", "volumes", seconds, { spec: { schedule: cron }, status: { phase: "Enabled" } });
}

export function location(status: Fields = { phase: "Available" }, seconds = 10 * 86_400) {
  return velero("BackupStorageLocation", "default", seconds, { status });
}

export function backup(name: string, seconds: number, status: Fields = {}, labels: Fields = SCHEDULED) {
  const one = velero("Backup", name, seconds, {
    spec: { excludedNamespaces: ["argocd", "kube-system", "velero"] },
    status: {
      phase: "Completed",
      startTimestamp: ago(seconds),
      completionTimestamp: ago(seconds - 20),
      ...status,
    },
  });
  return { ...one, metadata: { ...one.metadata, labels } };
}
const SCHEDULED = { "velero.io/schedule-name": "volumes" };

export function volumeBackup(backupName: string, place: string, phase = "Completed") {
  const [namespace = "", name = ""] = place.split("/");
  const one = velero("PodVolumeBackup", `${backupName}-x7k2p`, 60, {
    spec: { pod: { kind: "Pod", namespace, name: `${name}-0` }, volume: "data", uploaderType: "kopia" },
    status: { phase, progress: { bytesDone: 4096, totalBytes: 4096 } },
  });
  const labels = { "velero.io/backup-name": backupName, "velero.io/pvc-uid": `uid-of-${place}` };
  return { ...one, metadata: { ...one.metadata, labels, annotations: { "velero.io/pvc-name": name } } };
}

export function claim(place: string, seconds = 86_400) {
  const [namespace, name] = place.split("/");
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { namespace, name, uid: `uid-of-${place}`, creationTimestamp: ago(seconds) },
    spec: { storageClassName: "local-path", volumeName: `pvc-of-${name}` },
    status: { phase: "Bound" },
  };
}

export function volume(name: string, source: "local" | "hostPath") {
  const path = "/var/lib/rancher/k3s/storage/x";
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name, creationTimestamp: ago(86_400) },
    spec: { [source]: { path } },
  };
}

/** A pod that has the claim mounted as `data`. */
export function user(place: string, phase = "Running", annotations: Fields = {}) {
  const [namespace, claimName] = place.split("/");
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace, name: `${claimName}-0`, annotations, creationTimestamp: ago(86_400) },
    spec: {
      volumes: [
        { name: "tmp", emptyDir: {} },
        { name: "data", persistentVolumeClaim: { claimName } },
      ],
    },
    status: { phase },
  };
}
