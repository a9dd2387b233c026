import { type ClusterModel, r2Endpoint } from "../../config/model.ts";
import { documents, NAMESPACES } from "./applications.ts";

/** Of the cluster itself: all of it comes from git, or is made anew. */
const SYSTEM = ["kube-system", "kube-public", "kube-node-lease", "argocd"];

/** `kubernetes/infrastructure/velero/cluster.yaml`: where the backups lie, and when which are made. */
export function renderVelero(cloudflare: NonNullable<ClusterModel["cloudflare"]>): string {
  const { accountId, backupBucket, volumeBackups } = cloudflare;
  const infrastructure = Object.values(NAMESPACES).filter((name) => name !== "default");
  return documents([
    {
      apiVersion: "velero.io/v1",
      kind: "BackupStorageLocation",
      metadata: { name: "default", namespace: "velero" },
      // Not accessMode, nor a Schedule's `paused`: a restore sets them, and Argo CD would set them back.
      spec: {
        provider: "aws",
        default: true,
        credential: { name: "r2", key: "cloud" },
        objectStorage: { bucket: backupBucket, prefix: "velero" },
        config: {
          region: "auto",
          s3Url: r2Endpoint(accountId),
          s3ForcePathStyle: "true",
          // R2 does not take the checksums that AWS's SDK sends.
          checksumAlgorithm: "",
        },
      },
    },
    {
      apiVersion: "velero.io/v1",
      kind: "Schedule",
      metadata: { name: "volumes", namespace: "velero" },
      spec: {
        schedule: volumeBackups.schedule,
        template: {
          storageLocation: "default",
          ttl: volumeBackups.ttl,
          includedNamespaces: ["*"],
          excludedNamespaces: [...SYSTEM, ...new Set(infrastructure)].toSorted(),
          // Secrets are in git, encrypted; whoever gets hold of the bucket must not have them.
          excludedResources: ["secrets", "events", "events.events.k8s.io"],
          defaultVolumesToFsBackup: true,
          snapshotVolumes: false,
          resourcePolicy: { kind: "configmap", name: "volume-policy" },
        },
      },
    },
  ]);
}
