import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClusterModel, ClusterNode } from "../config/model.ts";
import { compareInventories } from "./compare.ts";
import { settleInventories } from "./settle.ts";
import { takeInventory } from "./take.ts";

vi.setConfig({ testTimeout: 60_000 });

/** Runs on this machine what it is to run on a host; one host does not answer. */
const SSH = `#!/bin/sh
for last; do :; done
case "$*" in *198.51.100.9*) echo "ssh: connect to host 198.51.100.9 port 22: Connection timed out" >&2; exit 255 ;; esac
exec sh -c "\${last#sudo -n }"
`;
const K3S = `#!/bin/sh
case "$*" in
  *"--raw=/version"*) echo '{"gitVersion": "v1.36.3+k3s1"}' ;;
  *api-resources*) echo configmaps ;;
  *) cat "$(dirname "$0")/things" ;;
esac
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-take-"));
  for (const [name, text] of [["ssh", SSH], ["k3s", K3S]] as const) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data/index.html"), "hello");
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"] ?? ""}`);
  serve("1");
}); // prettier-ignore
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const volume = (claim: string, node: string) => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name: `pvc-${claim}` },
  spec: {
    claimRef: { namespace: "shop", name: claim },
    local: { path: join(folder, claim) },
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", values: [node] }] }] } },
  },
  status: { phase: "Bound" },
}); // prettier-ignore

const named = (kind: string, name: string, rest: object) => ({ apiVersion: "v1", kind, metadata: { name, namespace: "shop" }, ...rest }); // prettier-ignore

function serve(counter: string, volumes = [volume("data", "w1")]): void {
  const items = [
    ...volumes,
    named("ConfigMap", "counter", { data: { counter } }),
    named("Secret", "db", { data: { password: Buffer.from("hunter2").toString("base64") } }),
    named("PersistentVolumeClaim", "data", { spec: { volumeName: "pvc-data" } }),
  ];
  writeFileSync(join(folder, "things"), JSON.stringify({ kind: "List", items }));
}

const node = (name: string, role: string) => ({ name, role }) as ClusterNode;
const server = (publicIp: string) => ({ publicIp, sshUser: "root", sshHostKey: "" });

const take = (key?: string) => {
  const model = { name: "prod", nodes: [node("m1", "master"), node("w1", "worker"), node("w2", "worker")] };
  const servers = { m1: server("198.51.100.1"), w1: server("198.51.100.2"), w2: server("198.51.100.9") };
  const context = { root: folder, model: model as unknown as ClusterModel, servers, secrets: {} };
  return takeInventory(context, { backup: "b1", commit: "abc", key }, () => new Date(0));
};

test("objects and volumes of an idle cluster, taken twice, are equal; what changes is named", async () => {
  const first = await take();
  const { key } = first.header;

  expect(first.header).toEqual({ format: 1, cluster: "prod", commit: "abc", images: [], backup: "b1", made: "1970-01-01T00:00:00.000Z", k3s: "v1.36.3+k3s1", key }); // prettier-ignore
  expect(JSON.stringify(first)).not.toMatch(/hunter2|aHVudGVyMg/);
  expect(compareInventories(first, await take(key))).toMatchObject({
    equal: true,
    objects: { compared: 3 },
    volumes: { filesCompared: 1, bytesCompared: 5 },
  });

  serve("2");
  writeFileSync(join(folder, "data/index.html"), "hallo");
  utimesSync(join(folder, "data"), 1, 1);
  const { objects, volumes } = compareInventories(first, await take(key));
  expect(objects.differing).toMatchObject([{ kind: "ConfigMap", name: "counter", fields: ["data.counter"] }]);
  expect(volumes.differing).toMatchObject([{ volume: "shop/data", path: "index.html", what: "content" }]);
  expect(compareInventories(settleInventories(first, await take(key)), first)).toMatchObject({ reason: "no file was compared" }); // prettier-ignore
});

test("each takes a key of its own unless it is to be compared", async () => {
  const [one, other] = [await take(), await take()];

  expect(one.header.key).toMatch(/^[0-9a-f]{64}$/);
  expect(other.header.key).not.toBe(one.header.key);
  expect(compareInventories(one, other)).toMatchObject({ equal: false, reason: expect.stringContaining("same key") as string }); // prettier-ignore
});

test("a node that does not answer, or is none of the cluster's, costs its volumes alone", async () => {
  serve("1", [volume("data", "w1"), volume("far", "w2"), volume("old", "w3")]);
  const { volumes } = await take();

  expect(volumes.map(({ name, problem, entries }) => [name, problem, entries.length])).toEqual([
    ["shop/data", "", 2],
    ["shop/far", "w2 can't be reached by SSH: 198.51.100.9 does not answer on port 22", 0],
    ["shop/old", "w3 has no server in servers.json", 0],
  ]);
});

test("a master that breaks off is a failure with its words", async () => {
  writeFileSync(join(folder, "k3s"), "#!/bin/sh\necho 'the server is currently unable to handle the request' >&2; exit 1\n"); // prettier-ignore

  await expect(take()).rejects.toThrow(/objects could not be read\n.*unable to handle/);
});

test.each([
  ["what is no line of an inventory", "Last login: today", "w1 says what can't be read"],
  ["of another's volume", `{"volume":{"name":"shop/other","node":"w2","problem":""}}\n{"end":1}`, "w1 said nothing of it"],
  ["half of it", `{"volume":{"name":"shop/data","node":"w1","problem":""}}`, "w1 broke off: "],
])("a node that says %s is not believed", async (_, said, problem) => {
  writeFileSync(join(folder, "said"), `${said}\n`);
  const liar = `#!/bin/sh\ncase "$*" in *198.51.100.2*) cat >/dev/null; cat '${folder}/said' ;; *) exec sh -c 'python3 -' ;; esac\n`;
  writeFileSync(join(folder, "ssh"), liar);

  expect((await take()).volumes).toEqual([{ name: "shop/data", node: "w1", problem, entries: [] }]);
}); // prettier-ignore
