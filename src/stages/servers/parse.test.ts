import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadCluster } from "../../config/load.ts";
import { type Created, merge } from "./parse.ts";

const EXAMPLE = readFileSync(new URL("../../../examples/three-clouds/cluster.yaml", import.meta.url), "utf8");
const loaded = loadCluster(EXAMPLE, "cluster.yaml");
if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
const model = loaded.value;

const created = (id: string, cloud: Created["cloud"] = "vultr", publicIp = "198.51.100.1"): Created => ({
  cloud,
  id,
  publicIp,
  publicIpv6: null,
  sshUser: "admin",
});
const server = (id: string, sshHostKey = "ssh-ed25519 AAAA") => {
  const { cloud: _, ...rest } = created(id);
  return { ...rest, sshHostKey };
};
const all = { model, limit: [] };
const asked = (...read: Created["cloud"][]) => ({ read, isAll: false });

test("a server keeps its pinned key, also under another address; a new one of the same name does not", () => {
  const before = { "vultr-1": server("a"), "aws-1": server("c") };
  const moved = merge(
    { ...all, servers: before },
    new Map([["vultr-1", created("a", "vultr", "192.0.2.9")]]),
    asked("vultr"),
  );
  const replaced = merge({ ...all, servers: before }, new Map([["vultr-1", created("b")]]), asked("vultr"));

  expect(moved.fresh).toEqual([]);
  expect(moved.servers["vultr-1"]).toEqual({ ...server("a"), publicIp: "192.0.2.9" });
  expect(replaced.fresh).toEqual(["vultr-1"]);
  expect(replaced.servers["vultr-1"]?.sshHostKey).toBe("");
  expect(moved.servers["aws-1"], "a cloud that was not asked").toEqual(before["aws-1"]);
});

test("what its cloud no longer has is gone; what nobody created stays", () => {
  const own = { publicIp: "192.0.2.1", sshUser: "root", sshHostKey: "ssh-ed25519 BBBB" };
  const before = { "vultr-1": server("a"), "vultr-2": server("b"), mine: own };
  const after = merge({ ...all, servers: before }, new Map(), {
    ...asked("hetzner", "vultr", "aws"),
    isAll: true,
  });
  const failed = merge({ ...all, servers: before }, new Map(), asked("aws"));

  expect(after.gone).toEqual(["vultr-1", "vultr-2"]);
  expect(after.servers).toEqual({ mine: own });
  expect(failed.servers["vultr-1"], "its cloud did not answer").toEqual(server("a"));
  expect(failed.servers["vultr-2"], "nobody knows which cloud it was in").toEqual(server("b"));
});

test("a limited run leaves the others as they are", () => {
  const before = { "vultr-1": server("a"), "aws-1": server("c") };
  const after = merge(
    { model, limit: ["aws-1"], servers: before },
    new Map([["aws-9", created("d", "aws")]]),
    asked("aws"),
  );

  expect(after.gone).toEqual(["aws-1"]);
  expect(after.servers).toEqual({ "vultr-1": server("a") });
});
