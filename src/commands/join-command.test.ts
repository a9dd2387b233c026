import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadCluster } from "../config/load.ts";
import { LockSchema } from "../config/lock.ts";
import { PRODUCT_ROOT } from "../repository/shipped.ts";
import { joinCommand } from "./join-command.ts";

const read = (path: string) => readFileSync(join(PRODUCT_ROOT, path), "utf8");

test("the join command is shell, names the locked archive and the mesh's names, and leaves nothing of Jinja", () => {
  const loaded = loadCluster(read("examples/nat-worker/cluster.yaml"), "cluster.yaml");
  if (!loaded.ok) throw new Error("the example is valid");
  const node = loaded.value.nodes.find(({ behindNat }) => behindNat);
  if (node === undefined) throw new Error("the example has a host behind a NAT");
  const lock = LockSchema.parse(JSON.parse(read("test/golden/nat-worker/versions.lock.json")));

  const command = joinCommand(loaded.value, node, lock);
  const { url = "", sha256 = "" } = lock.tailscale.files["amd64"] ?? {};

  execFileSync("sh", ["-n"], { input: command });
  execFileSync("sh", ["-n"], { input: read("scripts/join-host") });
  expect(command.trim().split("\n").at(-1)).toBe(
    `sudo sh join-host ${url} ${sha256} ./tailscaled.service nat-worker home-1 tag:k3s`,
  );
  expect(command).toMatch(/^ExecStart=\S+tailscale_1\.98\.10_amd64\/tailscaled .*--port=41641$/m);
  expect(command).not.toContain("{{");
});
