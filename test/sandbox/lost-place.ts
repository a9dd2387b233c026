import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { awsStore } from "../../sandbox/clouds/aws/api.ts";
import { credentialsStore } from "../../sandbox/clouds/credentials.ts";
import { hetznerStore } from "../../sandbox/clouds/hetzner/api.ts";
import { vultrStore } from "../../sandbox/clouds/vultr/api.ts";
import { eventually } from "./harness.ts";
import { k, STATE } from "./gitops-place.ts";
import { at, caches, clone, must, work } from "./place.ts";

/** What is lost in these tests, and how it is seen that it came back. */

export const RECOVERY_KEY = join(STATE, "operator/recovery.key");
const clouds = join(STATE, "clouds");
const atVultr = () => vultrStore(clouds).read().instances;
const atAws = () => Object.entries(awsStore(clouds).read().regions).flatMap(([region, { instances }]) => instances.map((one) => ({ region, ...one }))); // prettier-ignore
const credentials = () => credentialsStore(STATE).read();

/** As a person in the provider's console, or a burning data centre: the server with its disk is gone. */
export async function loseServer(host: string): Promise<void> {
  if (host.startsWith("hetzner")) return loseAtHetzner(host);
  if (host.startsWith("vultr")) return loseAtVultr(host);
  return loseAtAws(host);
}

async function loseAtHetzner(host: string): Promise<void> {
  const servers = () => hetznerStore(clouds).read().servers;
  const id = servers().find(({ name }) => name === host)?.id;
  assert.ok(id, `${host} is a server at Hetzner`);
  hetznerStore(clouds).change((project) => {
    for (const server of project.servers) if (server.id === id) server.protection.delete = false;
  });
  await remove(`https://api.hetzner.cloud/v1/servers/${id}`, credentials().hetzner[0]?.token ?? "");
  await gone(host, () => servers().every((one) => one.id !== id));
}

async function loseAtVultr(host: string): Promise<void> {
  const id = atVultr().find(({ machine }) => machine?.host === host)?.id;
  assert.ok(id, `${host} is an instance at Vultr`);
  await remove(`https://api.vultr.com/v2/instances/${id}`, credentials().vultr?.[0]?.key ?? "");
  await gone(host, () => atVultr().every((one) => one.id !== id));
}

/** Its API is signed, so that the vendor's own SDK asks it. */
async function loseAtAws(host: string): Promise<void> {
  const instance = atAws().find((one) => one.host === host && one.terminated === undefined);
  assert.ok(instance, `${host} is an instance at AWS`);
  const program = join(clone, `lose-${host}.mjs`);
  writeFileSync(
    program,
    `import { EC2Client, ModifyInstanceAttributeCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
const client = new EC2Client({ region: "${instance.region}", credentials: { accessKeyId: process.env.TF_VAR_aws_access_key_id, secretAccessKey: process.env.TF_VAR_aws_secret_access_key } });
await client.send(new ModifyInstanceAttributeCommand({ InstanceId: "${instance.id}", DisableApiTermination: { Value: false } }));
await client.send(new TerminateInstancesCommand({ InstanceIds: ["${instance.id}"] }));
`,
  );
  await must(at("operator", `set -a; . '${join(STATE, "cluster/.envrc.local")}'; exec '${process.execPath}' --use-system-ca '${program}'`)); // prettier-ignore
  rmSync(program);
  await gone(host, () => atAws().every((one) => one.id !== instance.id || one.terminated !== undefined));
}

async function remove(url: string, token: string): Promise<void> {
  const header = join(work, "provider-header");
  writeFileSync(header, `Authorization: Bearer ${token}`, { mode: 0o600 });
  await must(at("operator", `curl -fsS -X DELETE -H '@${header}' '${url}'`));
  rmSync(header);
}

async function gone(host: string, is: () => boolean): Promise<void> {
  for (let left = 60; !is(); left--) {
    assert.ok(left > 0, `${host} went`);
    await sleep(1000);
  }
}

/** An app that writes the time onto its volume every second, on one node, in a namespace that git does not know. */
export async function countOnVolume(namespace: string, node: string): Promise<void> {
  const pod = {
    metadata: { labels: { app: "counter" } },
    spec: {
      nodeSelector: { "kubernetes.io/hostname": node },
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, fsGroup: 65532, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "counter",
          image: "ghcr.io/infra-k3s/probe:1",
          command: ["sh", "-c", "mkdir -p /data/d; while :; do date +%s >>/data/d/count; sleep 1; done"],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          volumeMounts: [{ name: "data", mountPath: "/data" }],
        },
      ],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }],
    },
  }; // prettier-ignore
  const items = [
    { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "16Mi" } } } },
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "counter" }, spec: { replicas: 1, strategy: { type: "Recreate" }, selector: { matchLabels: { app: "counter" } }, template: pod } },
  ]; // prettier-ignore
  const manifest = Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "List", items })).toString("base64");
  await k(`create namespace ${namespace}`);
  await must(at("hetzner-1", `echo ${manifest} | base64 -d | k3s kubectl apply --namespace ${namespace} --filename=-`)); // prettier-ignore
  await k(`wait deployment/counter --namespace ${namespace} --for=condition=Available --timeout=300s`);
}

/** Every time that is on the volume. */
export async function counted(namespace: string): Promise<number[]> {
  const text = await eventually(
    `the counter of ${namespace}`,
    async () =>
      (await at("hetzner-1", `k3s kubectl exec --namespace ${namespace} deployment/counter -- cat /data/d/count`)).stdout, // prettier-ignore
    (seen) => /^\d+$/m.test(seen),
    300,
  );
  return text.split("\n").filter(Boolean).map(Number);
}

/** The newest of before, in seconds since 1970. */
export function lastBefore(times: readonly number[], loss: number): number {
  return Math.max(...times.filter((time) => time <= loss));
}

/** A ConfigMap that gets the time every second, from the master, until the master is gone. */
export async function countInConfigMap(namespace: string): Promise<void> {
  await k(`create configmap counter --namespace ${namespace} --from-literal=count=0`);
  const patch = `"{\\"data\\":{\\"count\\":\\"$(date +%s)\\"}}"`;
  const loop = `while :; do k3s kubectl patch configmap counter --namespace ${namespace} --type=merge --patch ${patch} >/dev/null; sleep 1; done\n`;
  const script = Buffer.from(loop).toString("base64");
  await must(at("hetzner-1", `echo ${script} | base64 -d >/run/counter && systemd-run --quiet --unit=counter sh /run/counter`)); // prettier-ignore
}

export async function inConfigMap(namespace: string): Promise<number> {
  return Number(await k(`get configmap counter --namespace ${namespace} --output=jsonpath={.data.count}`));
}

/** What a runbook's blocks call their programs by: the fresh clone's launcher, and Ansible's own where `up` put it. */
export function programs(): string {
  const folder = join(work, "bin");
  mkdirSync(folder, { recursive: true });
  const write = (name: string, script: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  write("infra-k3s", `exec '${join(clone, "infra-k3s")}' "$@"`);
  write("ansible-vault", `bin=$(ls -dt ${join(caches, "infra-k3s/tools")}/ansible-*/bin | head -n 1); exec "$bin/python" "$bin/ansible-vault" "$@"`); // prettier-ignore
  return folder;
}

/** The credentials that a recovery kit does not hold, as the operator has them elsewhere. */
export function ownCredentials(envrc: string): Record<string, string> {
  const all = [...readFileSync(envrc, "utf8").matchAll(/^export ([A-Za-z_0-9]+)='([^']*)'/gm)];
  return Object.fromEntries(
    all
      .map(([, name = "", value = ""]) => [name, value] as const)
      .filter(([name]) => /^(TF_VAR_|TAILSCALE_|INFRA_K3S_)/.test(name) && !name.startsWith("TF_VAR_state_")),
  );
}
