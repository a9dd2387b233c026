/** Kinds that no restore brings back, since the cluster makes them anew or they say no more than what was seen. */
export const LEFT_OUT_KINDS: readonly { group: string; kind: string; resource: string; why: string }[] = [
  { group: "", kind: "Event", resource: "events", why: "says what happened, for an hour" },
  { group: "events.k8s.io", kind: "Event", resource: "events", why: "the same events again" },
  { group: "", kind: "Node", resource: "nodes", why: "a machine makes its own when it joins; `status` compares them" },
  { group: "", kind: "ComponentStatus", resource: "componentstatuses", why: "computed when it is asked for" },
  { group: "", kind: "Endpoints", resource: "endpoints", why: "follows from Services and pods' addresses" },
  { group: "discovery.k8s.io", kind: "EndpointSlice", resource: "endpointslices", why: "follows from Services and pods' addresses" },
  { group: "networking.k8s.io", kind: "IPAddress", resource: "ipaddresses", why: "follows from Services' addresses" },
  { group: "coordination.k8s.io", kind: "Lease", resource: "leases", why: "a heartbeat" },
  { group: "coordination.k8s.io", kind: "LeaseCandidate", resource: "leasecandidates", why: "a heartbeat" },
  { group: "", kind: "PersistentVolume", resource: "persistentvolumes", why: "made anew for its claim, under another name; its files are compared" },
  { group: "storage.k8s.io", kind: "CSINode", resource: "csinodes", why: "a node makes its own" },
  { group: "storage.k8s.io", kind: "CSIStorageCapacity", resource: "csistoragecapacities", why: "observed" },
  { group: "storage.k8s.io", kind: "VolumeAttachment", resource: "volumeattachments", why: "says which node a volume is attached to now" },
  { group: "resource.k8s.io", kind: "ResourceSlice", resource: "resourceslices", why: "a node makes its own" },
  { group: "certificates.k8s.io", kind: "CertificateSigningRequest", resource: "certificatesigningrequests", why: "is deleted an hour after it is answered" },
  { group: "internal.apiserver.k8s.io", kind: "StorageVersion", resource: "storageversions", why: "what an API server writes" },
  { group: "metrics.k8s.io", kind: "NodeMetrics", resource: "nodes", why: "measured" },
  { group: "metrics.k8s.io", kind: "PodMetrics", resource: "pods", why: "measured" },
  { group: "k3s.cattle.io", kind: "ETCDSnapshotFile", resource: "etcdsnapshotfiles", why: "lists the snapshots there are" },
  { group: "velero.io", kind: "Backup", resource: "backups", why: "lists the backups there are" },
  { group: "velero.io", kind: "BackupRepository", resource: "backuprepositories", why: "says how far Kopia's maintenance is" },
  { group: "velero.io", kind: "DataDownload", resource: "datadownloads", why: "a record of a restore" },
  { group: "velero.io", kind: "DataUpload", resource: "datauploads", why: "a record of a backup" },
  { group: "velero.io", kind: "DeleteBackupRequest", resource: "deletebackuprequests", why: "a request" },
  { group: "velero.io", kind: "DownloadRequest", resource: "downloadrequests", why: "a request" },
  { group: "velero.io", kind: "PodVolumeBackup", resource: "podvolumebackups", why: "a record of a backup" },
  { group: "velero.io", kind: "PodVolumeRestore", resource: "podvolumerestores", why: "a record of a restore" },
  { group: "velero.io", kind: "Restore", resource: "restores", why: "a record of a restore" },
  { group: "velero.io", kind: "ServerStatusRequest", resource: "serverstatusrequests", why: "a request" },
]; // prettier-ignore

/** What of an object's metadata decides whether it is left out. */
export interface Known {
  group: string;
  kind: string;
  namespace: string;
  name: string;
  labels: Readonly<Record<string, string>>;
  /** Some controller owns it. */
  isOwned: boolean;
  /** Of a Secret. */
  type: string;
  /** A pod or Job that has ended. */
  isOver: boolean;
  isBeingDeleted: boolean;
}

/** Single objects that no restore brings back. */
export const LEFT_OUT_OBJECTS: readonly { is: (object: Known) => boolean; why: string }[] = [
  {
    is: ({ isOwned }) => isOwned,
    why: "its controller makes it anew (pods, ReplicaSets, Jobs of a CronJob, CertificateRequests); what owns it is compared",
  },
  { is: ({ isBeingDeleted }) => isBeingDeleted, why: "is on its way out" },
  { is: ({ isOver }) => isOver, why: "has ended; Velero does not run it again" },
  {
    is: ({ group, labels }) =>
      group === "apiregistration.k8s.io" && "kube-aggregator.kubernetes.io/automanaged" in labels,
    why: "an API server makes one for each API of its own",
  },
  {
    is: ({ kind, name }) => kind === "ConfigMap" && name === "kube-root-ca.crt",
    why: "written into every namespace by the controller manager",
  },
  {
    is: ({ kind, namespace, name }) =>
      kind === "ConfigMap" && namespace === "kube-system" && name === "extension-apiserver-authentication",
    why: "written by the API server at its start",
  },
  {
    is: ({ kind, namespace, name }) =>
      kind === "ConfigMap" && namespace === "kube-system" && name === "k3s-etcd-snapshots",
    why: "lists the snapshots there are",
  },
  {
    is: ({ kind, type }) => kind === "Secret" && type === "kubernetes.io/service-account-token",
    why: "signed anew for its ServiceAccount",
  },
  {
    is: ({ kind, namespace, name }) =>
      kind === "Secret" &&
      namespace === "kube-system" &&
      (name === "k3s-serving" || name.endsWith(".node-password.k3s")),
    why: "K3s makes it anew: its own certificate, and a password for each node that joins",
  },
];

export interface LeftOutField {
  /** Of which kind, and of that under which name; any where there is none. */
  kind?: string;
  name?: string;
  /** Keys from the object's top; `[]`: of each item; a function: the items for which it holds. */
  path: readonly (string | ((item: Readonly<Record<string, unknown>>) => boolean))[];
  /** Values that say more than what they are. */
  unless?: (value: unknown) => boolean;
  why: string;
}

const metadata = (...path: string[]) => ["metadata", ...path];
const annotation = (key: string) => metadata("annotations", key);
const PLACED = "says which node it came to; it may be another";
const BOUND = "says which volume the claim got; it gets another";
const OF_ITS_UID = "made of its uid";
const DRAWN = "drawn anew by the cluster where nobody asked for one";

/** Fields in which a restored object may differ from what it was. */
export const LEFT_OUT_FIELDS: readonly LeftOutField[] = [
  { path: ["status"], why: "observed, and written anew by who observes it" },
  { path: ["apiVersion"], why: "the same object in another version of its API" },
  { path: metadata("uid"), why: "drawn anew" },
  { path: metadata("resourceVersion"), why: "counts etcd's writes" },
  { path: metadata("generation"), why: "counts changes" },
  { path: metadata("creationTimestamp"), why: "when this one was made" },
  { path: metadata("managedFields"), why: "who wrote which field when" },
  { path: metadata("selfLink"), why: "follows from its name" },
  { path: metadata("generateName"), why: "how its name was made" },
  { path: metadata("ownerReferences"), why: "has the owner's uid; Velero takes it out" },
  { path: annotation("kubectl.kubernetes.io/last-applied-configuration"), why: "what somebody once applied" },
  { path: annotation("deployment.kubernetes.io/revision"), why: "counts rollouts" },
  { path: annotation("control-plane.alpha.kubernetes.io/leader"), why: "a heartbeat" },
  { path: annotation("argocd.argoproj.io/refresh"), why: "a request, gone when it is answered" },
  { path: metadata("labels", "velero.io/backup-name"), why: "Velero marks what it restores" },
  { path: metadata("labels", "velero.io/restore-name"), why: "Velero marks what it restores" },
  { path: annotation("velero.io/must-include-additional-items"), why: "Velero's own note in a backup" },
  { kind: "Application", path: ["operation"], why: "a sync under way" },
  { kind: "PersistentVolumeClaim", path: ["spec", "volumeName"], why: BOUND },
  { kind: "PersistentVolumeClaim", path: annotation("pv.kubernetes.io/bind-completed"), why: BOUND },
  { kind: "PersistentVolumeClaim", path: annotation("pv.kubernetes.io/bound-by-controller"), why: BOUND },
  { kind: "PersistentVolumeClaim", path: annotation("volume.kubernetes.io/selected-node"), why: PLACED },
  { kind: "PersistentVolumeClaim", path: annotation("volume.kubernetes.io/storage-provisioner"), why: "written when a volume is made" },
  { kind: "PersistentVolumeClaim", path: annotation("volume.beta.kubernetes.io/storage-provisioner"), why: "written when a volume is made" },
  { kind: "Service", path: ["spec", "clusterIP"], unless: isHeadless, why: DRAWN },
  { kind: "Service", path: ["spec", "clusterIPs"], unless: isHeadless, why: DRAWN },
  { kind: "Service", path: ["spec", "healthCheckNodePort"], why: DRAWN },
  { kind: "Service", path: ["spec", "ports", "[]", "nodePort"], why: DRAWN },
  { kind: "Pod", path: ["spec", "nodeName"], why: PLACED },
  { kind: "Pod", path: ["spec", "volumes", isTokenVolume], why: "added at its start, under a name that is drawn anew" },
  { kind: "Pod", path: ["spec", "containers", "[]", "volumeMounts", isTokenVolume], why: "added at its start, under a name that is drawn anew" },
  { kind: "Pod", path: ["spec", "initContainers", "[]", "volumeMounts", isTokenVolume], why: "added at its start, under a name that is drawn anew" },
  { kind: "Pod", path: ["spec", "initContainers", isRestoreWait], why: "Velero adds it to what it restores, to wait for the volumes" },
  { kind: "Job", path: ["spec", "selector"], why: OF_ITS_UID },
  { kind: "Job", path: ["spec", "template", "metadata", "labels", "controller-uid"], why: OF_ITS_UID },
  { kind: "Job", path: ["spec", "template", "metadata", "labels", "batch.kubernetes.io/controller-uid"], why: OF_ITS_UID },
  { kind: "Job", path: metadata("labels", "controller-uid"), why: OF_ITS_UID },
  { kind: "Job", path: metadata("labels", "batch.kubernetes.io/controller-uid"), why: OF_ITS_UID },
  { kind: "DaemonSet", path: annotation("deprecated.daemonset.template.generation"), why: "counts rollouts" },
  { kind: "ConfigMap", name: "coredns", path: ["data", "NodeHosts"], why: "K3s writes the nodes' addresses into CoreDNS's" },
  { kind: "MutatingWebhookConfiguration", path: ["webhooks", "[]", "clientConfig", "caBundle"], why: "cert-manager writes it in, from a key that it makes anew" },
  { kind: "ValidatingWebhookConfiguration", path: ["webhooks", "[]", "clientConfig", "caBundle"], why: "cert-manager writes it in, from a key that it makes anew" },
  { kind: "CustomResourceDefinition", path: ["spec", "conversion", "webhook", "clientConfig", "caBundle"], why: "cert-manager writes it in, from a key that it makes anew" },
  { kind: "APIService", path: ["spec", "caBundle"], why: "cert-manager writes it in, from a key that it makes anew" },
]; // prettier-ignore

/** Without an address by its own wish. */
function isHeadless(value: unknown): boolean {
  return value === "None" || (Array.isArray(value) && value[0] === "None");
}

/** https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken */
function isTokenVolume({ name }: Readonly<Record<string, unknown>>): boolean {
  return typeof name === "string" && name.startsWith("kube-api-access-");
}

function isRestoreWait({ name }: Readonly<Record<string, unknown>>): boolean {
  return name === "restore-wait";
}
