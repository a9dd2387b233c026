import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "./harness.ts";
import { infra, must, work } from "./place.ts";

/** What `probe` prints for each exchange: sandbox/images/programs/probe. */
export interface Exchange {
  at: string;
  kind: "connect" | "open" | "stream";
  target: string;
  ok: boolean;
  ms: number;
  error?: string;
}

export const NAMESPACE = "probe";
export const IMAGE = "ghcr.io/infra-k3s/probe:1";
export const SERVICE = `probe.${NAMESPACE}.svc.cluster.local:7000`;

/** Ends when it is told to: at a reboot systemd waits 90 s for a process that does not. */
const HOST_COMMAND = 'command: [sh, -c, "trap exit TERM; sleep infinity & wait"]';

/** A pod per node, one more in each host's network, and a Service over the first. */
const MANIFEST = `
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels: { pod-security.kubernetes.io/enforce: privileged }
---
apiVersion: v1
kind: Service
metadata: { name: probe, namespace: ${NAMESPACE} }
spec:
  selector: { app: probe }
  ports:
    - { name: tcp, port: 7000, protocol: TCP }
    - { name: udp, port: 7000, protocol: UDP }
${["probe", "host"].map(daemonSet).join("")}`;

function daemonSet(name: string): string {
  const hostNetwork = name === "host";
  return `---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: ${name}, namespace: ${NAMESPACE} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      hostNetwork: ${String(hostNetwork)}
      ${hostNetwork ? "dnsPolicy: ClusterFirstWithHostNet" : ""}
      terminationGracePeriodSeconds: 0
      containers:
        - name: probe
          image: ${IMAGE}
          ${hostNetwork ? HOST_COMMAND : ""}
`;
}

export interface Pod {
  name: string;
  node: string;
  ip: string;
  app: string;
  uid: string;
  restarts: number;
  started: string;
}

/** kubectl as an administrator of the tests' own, whom the audit log tells from the product. */
export function asTester(...args: string[]): Promise<Outcome> {
  return infra(["kubectl", "--as=tester", "--as-group=system:masters", ...args]);
}

export async function kubectl(...args: string[]): Promise<string> {
  return (await must(asTester(...args))).stdout;
}

/** Deploys the probes where they are not yet and waits until all run. */
export async function deployProbes(): Promise<readonly Pod[]> {
  await apply(MANIFEST);
  for (const name of ["probe", "host"]) {
    await kubectl("rollout", "status", `daemonset/${name}`, "--namespace", NAMESPACE, "--timeout=180s");
  }
  return pods();
}

export async function apply(manifest: string): Promise<void> {
  // Two cases may be at it.
  const file = join(work, `manifest-${randomUUID()}.yaml`);
  writeFileSync(file, manifest);
  await kubectl("apply", "--filename", file);
}

interface PodList {
  items: {
    metadata: { name: string; uid: string; labels: { app: string } };
    spec: { nodeName: string };
    status: { podIP: string; startTime: string; containerStatuses: { restartCount: number }[] };
  }[];
}

export async function pods(): Promise<readonly Pod[]> {
  const list = JSON.parse(
    await kubectl("get", "pods", "--namespace", NAMESPACE, "--output", "json"),
  ) as PodList;
  return list.items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    node: spec.nodeName,
    ip: status.podIP,
    app: metadata.labels.app,
    uid: metadata.uid,
    restarts: status.containerStatuses[0]?.restartCount ?? 0,
    started: status.startTime,
  }));
}

/** Runs the probe in a pod for some seconds and returns what it printed. */
export async function exchanges(pod: Pod, seconds: number, ...args: string[]): Promise<readonly Exchange[]> {
  const { stdout } = await asTester(
    "exec", "--namespace", NAMESPACE, pod.name, "--", "timeout", String(seconds), "probe", ...args,
  ); // prettier-ignore
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Exchange);
}

/** Every target answered at least once, and none failed. */
export function assertAllAnswered(from: Pod, targets: readonly string[], seen: readonly Exchange[]): void {
  for (const target of targets) {
    const some = seen.filter((exchange) => exchange.target === target);
    const failed = some.filter(({ ok }) => !ok);
    assert.ok(some.length > 0, `${from.name} on ${from.node} did not reach ${target}`);
    assert.deepEqual(failed, [], `${from.name} on ${from.node} to ${target}`);
  }
}
