import { execa } from "execa";
import { globSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hostCommand } from "../../sandbox/hosts/server.ts";
import { backupKey } from "../sandbox/backup.ts";
import { k } from "../sandbox/gitops-place.ts";
import { command } from "../sandbox/harness.ts";
import { loseServer } from "../sandbox/lost-place.ts";
import { at, infra, must, readPlan, work } from "../sandbox/place.ts";
import { interleaved, type Sample, timedInfra } from "./measure.ts";
import type { Table } from "./report.ts";

const NAMESPACE = "bench";
/** 20,480 files of 16 KiB and 11 of 64 MiB, which nothing makes smaller. */
const MEGABYTES = (20_480 * 16_384 + 11 * 67_108_864) / 1e6;
const MANIFEST = `
apiVersion: v1
kind: Namespace
metadata: { name: ${NAMESPACE} }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, namespace: ${NAMESPACE} }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 2Gi } } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: app, namespace: ${NAMESPACE} }
spec:
  selector: { matchLabels: { app: app } }
  template:
    metadata: { labels: { app: app } }
    spec:
      securityContext: { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, seccompProfile: { type: RuntimeDefault } }
      containers:
        - name: app
          image: ghcr.io/infra-k3s/probe:1
          command: [sleep, infinity]
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
          volumeMounts: [{ name: data, mountPath: /data }]
      volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
`;

const velero = (line: string) =>
  k(`exec --namespace velero deployment/velero --container velero -- /velero ${line}`);
const available = () => k(`wait deployment/app --namespace ${NAMESPACE} --for=condition=Available --timeout=300s`); // prettier-ignore
const status = async (thing: string) =>
  (await k(`get ${thing} --namespace velero -o 'jsonpath={.status.phase}'`)).trim();

/** Velero with Kopia beside Debian's restic: the same files, on the same node, to the same S3. */
export async function backupAndRestore(rounds: number): Promise<Table> {
  await must(infra(["sandbox", "up"]));
  await apply(MANIFEST);
  await available();
  const first = await place();
  await installRestic(first.node);
  // On a sandbox that was kept there may be a repository, and backups of those names.
  const run = Date.now().toString(36);
  await resticOn(first.node, "cat config >/dev/null 2>&1 || /usr/local/bin/restic --quiet init");
  let round = 0;
  const measured = await interleaved(rounds, {
    veleroBackup: async () => {
      round++;
      const { node, path } = await place();
      await fill(node, path);
      return timedWork(async () => {
        await velero(`backup create bench-${run}-${round} --include-namespaces ${NAMESPACE} --default-volumes-to-fs-backup --snapshot-volumes=false --wait`); // prettier-ignore
        await expectCompleted(`backups.velero.io bench-${run}-${round}`);
      });
    },
    resticBackup: async () => {
      const { node, path } = await place();
      return timedWork(() => resticOn(node, `backup ${path}`));
    },
    veleroRestore: async () => {
      const before = await place();
      const files = await count(before);
      await k(`delete namespace ${NAMESPACE} --wait=true --timeout=300s`);
      const sample = await timedWork(async () => {
        // As many files at once as `restore --from` asks for.
        await velero(`restore create bench-${run}-${round} --from-backup bench-${run}-${round} --parallel-files-download 16 --wait`); // prettier-ignore
        await expectCompleted(`restores.velero.io bench-${run}-${round}`);
        await available();
      });
      const after = await count(await place());
      if (after !== files) throw new Error(`${after} came back, of ${files}`);
      return sample;
    },
    resticRestore: async () => {
      // Where restic was put; Velero may have restored onto another node.
      await must(at(first.node, "rm -rf /var/lib/restored"));
      return timedWork(() => resticOn(first.node, "restore latest --target /var/lib/restored"));
    },
  });
  await must(at(first.node, "rm -rf /var/lib/restored"));
  await k(`delete namespace ${NAMESPACE} --wait=true --timeout=300s`);
  const rate = ({ wall }: Sample) => `${(MEGABYTES / wall).toFixed(0)} MB/s`;
  const { veleroBackup, veleroRestore, resticBackup, resticRestore } = measured;
  return {
    title: "Backup and restore",
    text: `${MEGABYTES.toFixed(0)} MB of random bytes in 20,480 files of 16 KiB and 11 of 64 MiB on a volume, new ones in each round. Velero and Kopia: backup ${rate(veleroBackup)}, restore ${rate(veleroRestore)}, with all that they do beside (a pod for each volume, the objects, until the app is there again); restic: ${rate(resticBackup)} and ${rate(resticRestore)}. Kopia asks S3 for each small file by itself, 16 at once; restic fetches the packs they lie in.`,
    rows: [
      { what: "backup by Velero with Kopia", measured: veleroBackup, against: "Debian's restic", floor: resticBackup, bound: 3 },
      { what: "restore by Velero with Kopia", measured: veleroRestore, against: "Debian's restic", floor: resticRestore, bound: 12 },
    ],
  }; // prettier-ignore
}

/** The loss of the master's server with its disk, beside the same cluster made anew. */
export async function restoreCluster(): Promise<Table> {
  await must(infra(["sandbox", "up"]));
  await must(infra(["backup", "create"]));
  await loseServer("hetzner-1");
  const restored = await timedInfra("restore", "cluster");
  await must(infra(["destroy", "--yes"]));
  const fresh = await timedInfra("up", "--push");
  return {
    title: "Restore of the cluster",
    text: "The master's server is deleted, and made anew from its snapshot, until every app is healthy; the workers rejoin as they are. Beside it the same cluster made anew after `destroy`, as far.",
    rows: [{ what: "`restore cluster`", measured: restored, against: "a fresh `up` of the same", floor: fresh, bound: 1.5 }], // prettier-ignore
  };
}

async function timedWork(task: () => Promise<unknown>): Promise<Sample> {
  const start = performance.now();
  await task();
  return { wall: (performance.now() - start) / 1000, cpu: 0 };
}

async function apply(manifest: string): Promise<void> {
  const encoded = Buffer.from(manifest).toString("base64");
  await must(at("hetzner-1", `echo ${encoded} | base64 -d | k3s kubectl apply -f -`));
}

/** Where the volume lies. */
async function place(): Promise<{ node: string; path: string }> {
  const node = (await k(`get pods --namespace ${NAMESPACE} --field-selector=status.phase=Running -o 'jsonpath={.items[0].spec.nodeName}'`)).trim(); // prettier-ignore
  const volume = (await k(`get persistentvolumeclaim data --namespace ${NAMESPACE} -o 'jsonpath={.spec.volumeName}'`)).trim(); // prettier-ignore
  const path = (await k(`get persistentvolume ${volume} -o 'jsonpath={.spec.local.path}'`)).trim();
  return { node, path };
}

async function fill(node: string, path: string): Promise<void> {
  const script = [
    `cd ${path} && rm -rf small large && mkdir small large`,
    `cd small && head -c ${20_480 * 16_384} /dev/urandom | split --bytes=16384 --suffix-length=5 --numeric-suffixes - f`,
    `cd ../large && head -c ${11 * 67_108_864} /dev/urandom | split --bytes=67108864 - g`,
    "sync",
  ];
  await must(at(node, script.join(" && ")));
}

const count = async ({ node, path }: { node: string; path: string }) =>
  Number((await must(at(node, `find ${path} -type f -not -path '*/.velero/*' | wc -l`))).stdout);

async function expectCompleted(thing: string): Promise<void> {
  const phase = await status(thing);
  if (phase !== "Completed") throw new Error(`${thing} is ${phase}`);
}

/** Debian's program, brought in by this machine's apt: the sandbox has no way out. */
async function installRestic(node: string): Promise<void> {
  const folder = join(work, "restic");
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  await must(command(["sh", "-c", "apt-get download restic && dpkg-deb -x restic_*.deb ."], { cwd: folder }));
  const [program = ""] = globSync(join(folder, "usr/bin/restic"));
  const [file, ...args] = hostCommand(readPlan(), node);
  await execa(file, [...args, "sh", "-c", "cat >/usr/local/bin/restic && chmod 755 /usr/local/bin/restic"], {
    input: readFileSync(program),
  });
}

/** restic with the key that Velero has; its secrets are in its environment alone. */
async function resticOn(node: string, line: string): Promise<void> {
  const { endpoint, bucket, id, secret } = backupKey();
  const environment = [
    `AWS_ACCESS_KEY_ID=${id}`,
    `AWS_SECRET_ACCESS_KEY=${secret}`,
    `RESTIC_REPOSITORY=s3:${endpoint}/${bucket}/bench-restic`,
    "RESTIC_PASSWORD=bench",
    "HOME=/root",
  ];
  await must(at(node, `export ${environment.join(" ")} && /usr/local/bin/restic --quiet ${line}`));
}
