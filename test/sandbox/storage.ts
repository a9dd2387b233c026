import assert from "node:assert/strict";
import type { Case } from "./harness.ts";
import { apply, IMAGE, kubectl, NAMESPACE } from "./probe.ts";

const pod = (command: string) => `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: disk, namespace: ${NAMESPACE} }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
---
apiVersion: v1
kind: Pod
metadata: { name: writer, namespace: ${NAMESPACE} }
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
    - name: writer
      image: ${IMAGE}
      command: [sh, -c, "${command}"]
      volumeMounts: [{ name: disk, mountPath: /disk }]
  volumes: [{ name: disk, persistentVolumeClaim: { claimName: disk } }]
`;

async function run(command: string): Promise<string> {
  await kubectl("delete", "pod", "writer", "--namespace", NAMESPACE, "--ignore-not-found");
  await apply(pod(command));
  const phase = "--for=jsonpath={.status.phase}=Succeeded";
  await kubectl("wait", "pod/writer", "--namespace", NAMESPACE, phase, "--timeout=120s");
  return kubectl("logs", "--namespace", NAMESPACE, "writer");
}

/** The storage class that the product brings instead of K3s's. */
export const storage: readonly Case[] = [
  {
    name: "a claim on the one default storage class gets a volume of type local, which outlives its pod",
    async run() {
      const classes = JSON.parse(await kubectl("get", "storageclass", "--output", "json")) as {
        items: { metadata: { name: string; annotations: Record<string, string> } }[];
      };
      await run("echo kept >/disk/file");
      const read = await run("cat /disk/file");
      const volumes = JSON.parse(await kubectl("get", "persistentvolume", "--output", "json")) as {
        items: { spec: { local?: { path: string }; hostPath?: unknown } }[];
      };

      assert.deepEqual(
        classes.items.map(({ metadata }) => [
          metadata.name,
          metadata.annotations["storageclass.kubernetes.io/is-default-class"],
        ]),
        [["local-path", "true"]],
      );
      assert.equal(read, "kept");
      assert.match(
        volumes.items[0]?.spec.local?.path ?? "no local volume",
        /^\/var\/lib\/rancher\/k3s\/storage\//,
      );
      await kubectl("delete", "pod/writer", "persistentvolumeclaim/disk", "--namespace", NAMESPACE);
    },
  },
];
