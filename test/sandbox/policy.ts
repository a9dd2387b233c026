import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Case } from "./harness.ts";
import { at, must, work } from "./place.ts";
import { asTester as kubectl } from "./probe.ts";

const NAMESPACE = "policy";
const IMAGE = "ghcr.io/infra-k3s/probe:1";
const MASTER = "hetzner-1";
/** Where clouds tell a server about itself, credentials among it. */
const METADATA = "169.254.169.254";
const CANARY = "canary-5f1d0c7e";
const NODES = [MASTER, "vultr-1", "aws-1"] as const;

/** A pod that Pod Security's level `restricted` admits. */
function pod(name: string, node: string, namespace = NAMESPACE): string {
  return `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: { app: ${name.replace(/-.*/, "")} } }
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 0
  securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: RuntimeDefault } }
  containers:
    - name: probe
      image: ${IMAGE}
      ports: [{ name: echo, containerPort: 7000 }]
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
`;
}

function policy(name: string, spec: string): string {
  return `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: ${NAMESPACE} }
spec: ${spec}
`;
}

async function apply(manifest: string): Promise<void> {
  const file = join(work, "policy.yaml");
  writeFileSync(file, manifest);
  await must(kubectl("apply", "--filename", file));
}

const inPod = (name: string, script: string, namespace = NAMESPACE) =>
  kubectl("exec", "--namespace", namespace, name, "--", "sh", "-c", script);

/** Tries a new TCP connection from a pod to each target, and tells which took it. */
async function reached(
  from: string,
  targets: readonly string[],
  namespace = NAMESPACE,
): Promise<readonly string[]> {
  const tries = targets.map((target) => {
    const [host, port] = target.split(":");
    return `(nc -w 3 ${host} ${port} </dev/null >/dev/null 2>&1 && echo ${target})`;
  });
  const { stdout, exitCode, all } = await inPod(from, `${tries.join(" & ")} & wait`, namespace);
  if (exitCode !== 0) {
    const is = await kubectl("get", "pod", from, "--namespace", namespace, "--output", "jsonpath={.status}");
    throw new Error(`${from} can't be asked: ${all}\n${is.stdout}`);
  }
  return targets.filter((target) => stdout.split("\n").includes(target));
}

/** Policies take effect soon after they are made, as everything in Kubernetes. */
async function eventually(look: () => Promise<readonly string[]>, want: readonly string[]): Promise<void> {
  let seen: readonly string[] = [];
  for (let tries = 0; tries < 20; tries++) {
    seen = await look();
    if (seen.join() === want.join()) return;
    await sleep(500);
  }
  assert.deepEqual(seen, want);
}

async function addressOf(name: string): Promise<string> {
  const path = "jsonpath={.status.podIP}";
  return (await must(kubectl("get", "pod", name, "--namespace", NAMESPACE, "--output", path))).stdout;
}

const meshAddress = async (host: string) => (await must(at(host, "tailscale ip -4"))).stdout.trim();

const RESOLVE = "nslookup kubernetes.default.svc.cluster.local | grep -F 10.43.0.1";

const networkPolicies: readonly Case[] = [
  {
    name: "a NetworkPolicy holds on the same node, across clouds and through a Service; DNS is allowed",
    async run() {
      await apply(
        `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${NAMESPACE} }\n---
apiVersion: v1
kind: Service
metadata: { name: server, namespace: ${NAMESPACE} }
spec: { selector: { app: server }, ports: [{ port: 7000 }] }
${NODES.map((node) => pod(`server-${node}`, node)).join("")}${pod("client", MASTER)}${pod("client", MASTER, "default")}`,
      );
      for (const namespace of [NAMESPACE, "default"]) {
        await must(kubectl("wait", "--for=condition=Ready", "pod", "--all", "--namespace", namespace, "--timeout=120s")); // prettier-ignore
      }
      const addresses = await Promise.all(NODES.map((node) => addressOf(`server-${node}`)));
      const echo = [...addresses.map((address) => `${address}:7000`), "server:7000"];
      const all = [
        ...echo,
        ...addresses.map((address) => `${address}:8080`),
        `${await meshAddress(MASTER)}:10250`,
      ];
      const look = () => reached("client", all);

      await eventually(look, all);
      await apply(policy("deny", "{ podSelector: {}, policyTypes: [Ingress, Egress] }"));
      await eventually(look, []);
      assert.notEqual((await inPod("client", RESOLVE)).exitCode, 0, "DNS is denied, too");

      const dns =
        "{ podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } } }], ports: [{ port: 53 }, { port: 53, protocol: UDP }] }] }";
      const out =
        "{ podSelector: { matchLabels: { app: client } }, policyTypes: [Egress], egress: [{ to: [{ podSelector: { matchLabels: { app: server } } }] }] }";
      await apply(policy("dns", dns) + policy("out", out));
      await eventually(look, []);
      await must(inPod("client", RESOLVE));

      const into =
        "{ podSelector: { matchLabels: { app: server } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: client } } }], ports: [{ port: echo }] }] }";
      await apply(policy("in", into));
      await eventually(look, echo);
    },
  },
  {
    name: "a pod can't reach the cloud's metadata at 169.254.169.254; a host can",
    async run() {
      await must(kubectl("delete", "networkpolicy", "--all", "--namespace", NAMESPACE));
      const outside = `${METADATA}:80`;
      const inside = `${await addressOf("server-vultr-1")}:7000`;
      await eventually(() => reached("server-aws-1", [inside]), [inside]);
      // EC2's own, which sets no limit of hops to a host that it did not make: the host's firewall alone is in the way.
      const url = `http://${METADATA}/latest/meta-data/`;
      const told = await must(at("aws-1", `curl -sS --max-time 5 -o /dev/null -w '%{http_code}' ${url}`));

      assert.match(told.stdout, /^40[14]$/);
      assert.deepEqual(await reached("server-aws-1", [outside, inside]), [inside]);
    },
  },
  {
    name: "a pod in `default` reaches DNS and nothing else",
    async run() {
      const targets = await Promise.all(
        NODES.map(async (node) => `${await addressOf(`server-${node}`)}:7000`),
      );

      await eventually(() => reached("client", targets), targets);
      await must(inPod("client", RESOLVE, "default"));
      assert.deepEqual(await reached("client", targets, "default"), []);
      await must(kubectl("delete", "pod", "client", "--namespace", "default"));
      await must(kubectl("delete", "namespace", NAMESPACE));
    },
  },
];

const privileged = (namespace: string) =>
  kubectl("run", "privileged", `--image=${IMAGE}`, "--privileged", "--restart=Never", "--namespace", namespace, "--dry-run=server"); // prettier-ignore

/** The key's value as it lies in etcd, through its client port with the API server's certificate. */
async function raw(key: string): Promise<string> {
  const tls = "/var/lib/rancher/k3s/server/tls/etcd";
  const request = JSON.stringify({ key: Buffer.from(key).toString("base64") });
  const { stdout } = await must(
    at(
      MASTER,
      `curl -sS --cacert ${tls}/server-ca.crt --cert ${tls}/client.crt --key ${tls}/client.key -d '${request}' https://127.0.0.1:2379/v3/kv/range`,
    ),
  );
  const answer = JSON.parse(stdout) as { kvs?: { value: string }[] };
  return Buffer.from(answer.kvs?.[0]?.value ?? "", "base64").toString("latin1");
}

const hardening: readonly Case[] = [
  {
    name: "a privileged pod in a default namespace is refused; in kube-system it is not",
    async run() {
      for (const namespace of ["default", "kube-public"]) {
        assert.match(
          (await privileged(namespace)).stderr,
          /violates PodSecurity "restricted:latest": privileged/,
        );
      }
      await must(privileged("kube-system"));
    },
  },
  {
    name: "a Secret is encrypted in etcd; a ConfigMap beside it is not",
    async run() {
      const value = `--from-literal=value=${CANARY}`;
      await must(kubectl("create", "secret", "generic", "canary", value, "--namespace", "kube-public"));
      await must(kubectl("create", "configmap", "canary", value, "--namespace", "kube-public"));
      const secret = await raw("/registry/secrets/kube-public/canary");

      assert.match(secret, /^k8s:enc:aescbc:v1:aescbckey:/);
      assert.ok(!secret.includes(CANARY));
      assert.ok((await raw("/registry/configmaps/kube-public/canary")).includes(CANARY));
    },
  },
  {
    name: "the audit log has the metadata of a Secret's read and no body",
    async run() {
      const read = await must(kubectl("get", "secret", "canary", "--namespace", "kube-public", "--output", "jsonpath={.data.value}")); // prettier-ignore
      const encoded = read.stdout;
      const find = (text: string) =>
        at(MASTER, `grep -hF '${text}' /var/lib/rancher/k3s/server/logs/audit*.log`);
      const events = (await must(find('"verb":"get","user":{"username":"system:admin"'))).stdout
        .split("\n")
        .map((line) => JSON.parse(line) as { level: string; objectRef?: { resource: string; name?: string } })
        .filter(({ objectRef }) => objectRef?.resource === "secrets" && objectRef.name === "canary");

      assert.equal(Buffer.from(encoded, "base64").toString(), CANARY);
      assert.ok(events.length > 0);
      assert.deepEqual([...new Set(events.map(({ level }) => level))], ["Metadata"]);
      for (const body of [CANARY, encoded, '"requestObject"', '"responseObject"']) {
        assert.equal((await find(body)).stdout, "", body);
      }
      const modes = await must(at(MASTER, "stat -c %a /var/lib/rancher/k3s/server/logs /var/lib/rancher/k3s/server/logs/audit.log")); // prettier-ignore
      assert.equal(modes.stdout, "700\n600");
      await must(kubectl("delete", "secret,configmap", "canary", "--namespace", "kube-public"));
    },
  },
  {
    name: "anonymous calls of the API and of every kubelet get 401; the administrator's do not",
    async run() {
      const status = async (url: string, options = "") =>
        (await must(at(MASTER, `curl -sk -o /dev/null -w '%{http_code}' ${options} ${url}`))).stdout;
      const api = `https://${await meshAddress(MASTER)}:6443`;
      const tls = "/var/lib/rancher/k3s/server/tls/client-admin";
      const admin = `--cert ${tls}.crt --key ${tls}.key`;
      const kubelets = await Promise.all(
        NODES.map(async (node) => `https://${await meshAddress(node)}:10250/pods`),
      );

      for (const url of [`${api}/api`, `${api}/version`, `${api}/healthz`, ...kubelets]) {
        assert.equal(await status(url), "401", url);
      }
      for (const url of [`${api}/version`, ...kubelets]) assert.equal(await status(url, admin), "200", url);
    },
  },
];

/** Hardening, and who may speak to whom. */
export const policies: readonly Case[] = [...hardening, ...networkPolicies];
