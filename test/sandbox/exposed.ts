import assert from "node:assert/strict";
import { interfaceIpv4 } from "../../sandbox/network/plan.ts";
import { at, must, readPlan } from "./place.ts";
import { HOSTS, numberOf, publicAddresses, scanTcp, scanUdp } from "./outside.ts";
import { apply, deployProbes, IMAGE, kubectl, NAMESPACE } from "./probe.ts";

export const NODE_PORT = 30700;
export const HOST_PORT = 18080;
export const BALANCED = 7080;
export const everyHost = (script: string) =>
  Promise.all(HOSTS.map(async ({ name }) => [name, await must(at(name, script))] as const));

/** On every node a NodePort (TCP and UDP), a hostPort, and a LoadBalancer Service at the nodes' own addresses. */
export async function expose(): Promise<void> {
  await deployProbes();
  await apply(`
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: exposed, namespace: ${NAMESPACE} }
spec:
  selector: { matchLabels: { app: exposed } }
  template:
    metadata: { labels: { app: exposed } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: probe
          image: ${IMAGE}
          ports:
            - { name: high, containerPort: 8080, hostPort: ${HOST_PORT} }
            - { name: http, containerPort: 7001, hostPort: 80 }
---
apiVersion: v1
kind: Service
metadata: { name: node-port, namespace: ${NAMESPACE} }
spec:
  type: NodePort
  selector: { app: probe }
  ports:
    - { name: tcp, port: 7000, nodePort: ${NODE_PORT}, protocol: TCP }
    - { name: udp, port: 7000, nodePort: ${NODE_PORT}, protocol: UDP }
---
apiVersion: v1
kind: Service
metadata: { name: balanced, namespace: ${NAMESPACE} }
spec:
  type: LoadBalancer
  selector: { app: probe }
  ports: [{ port: ${BALANCED}, targetPort: 8080 }]
`);
  await kubectl("rollout", "status", "daemonset/exposed", "--namespace", NAMESPACE, "--timeout=120s");
  const plan = readPlan();
  const ingress = HOSTS.map(({ name, cloud }) => ({ ip: interfaceIpv4(plan, cloud, numberOf(name)) }));
  await kubectl(
    "patch", "service", "balanced", "--namespace", NAMESPACE, "--subresource=status", "--type=merge",
    "--patch", JSON.stringify({ status: { loadBalancer: { ingress } } }),
  ); // prettier-ignore
}

/** And takes it away again: a hostPort 80 takes by IPv4 what Traefik listens for. */
export async function unexpose(): Promise<void> {
  await kubectl("delete", "daemonset/exposed", "service/node-port", "service/balanced", "--namespace", NAMESPACE); // prettier-ignore
}

/** Which nodes take the web in; an IPv6 address has no pod behind it: the cluster is IPv4. */
const INGRESS = ["hetzner-1", "vultr-1"];

/** What may be reached: SSH, and a hostPort 80 on ingress nodes. Tailscale's port is let in, too, and answers nobody it does not know. */
export const intended = () =>
  [
    ...publicAddresses().map((address) => `${address} 22`),
    ...INGRESS.map((name) => `${publicAddresses(name)[0]} 80`),
  ].toSorted();

/** The UDP ports on which anything listens, and the NodePort's. */
async function answeringUdp(): Promise<string[]> {
  const listeners = await everyHost("ss -Hlun");
  const answers = await Promise.all(
    listeners.flatMap(([name, { stdout }]) => {
      const ports = [...stdout.matchAll(/:(\d+)\s+\S+:\*/g)].map(([, port]) => Number(port));
      assert.ok(ports.includes(8472) && ports.includes(41_641), `${name} listens for VXLAN and Tailscale`);
      return publicAddresses(name).map((address) => scanUdp(address, [...new Set([...ports, NODE_PORT])]));
    }),
  );
  return answers.flat();
}

export async function assertClosed(): Promise<void> {
  assert.deepEqual(await scanTcp(publicAddresses()), intended());
  assert.deepEqual(await answeringUdp(), []);
}
