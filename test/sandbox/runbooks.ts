import assert from "node:assert/strict";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blocksOf, readRunbook } from "../runbooks/blocks.ts";
import { k } from "./gitops-place.ts";
import type { Case, Outcome } from "./harness.ts";
import { counted, countOnVolume, lastBefore, loseServer, programs, RECOVERY_KEY } from "./lost-place.ts";
import { status } from "./main-job.ts";
import { at, cluster, infra, must, work } from "./place.ts";

const KIT = join(work, "prod.recovery-kit.age");

/** A page's block as a person runs it: in the repository, with direnv's environment; only where files lie is another. */
function block(page: string, index: number, env = ""): Promise<Outcome> {
  const lines = blocksOf(readRunbook(page))[index] ?? assert.fail(`${page} has no block ${index}`);
  const script = lines
    .join("\n")
    .replaceAll("recovery.txt", RECOVERY_KEY)
    .replaceAll(/\bprod\.recovery-kit\.age/g, KIT);
  const before = `set -e; cd '${cluster}'; set -a; . ./.envrc.local; set +a; export PATH='${programs()}':$PATH INFRA_K3S_CLUSTER='${cluster}'; ${env}`;
  return at("operator", `${before}\n${script}`);
}

/** The blocks of docs/runbooks that can be run as they are. */
export const runbookCases: readonly Case[] = [
  {
    name: "runbook: the age key is lost: it comes back from the cluster, or a new one is made with the recovery key",
    full: true,
    async run() {
      const file = join(cluster, ".age-key.local");
      const aside = join(work, "age-key");
      const own = /^AGE-SECRET-KEY-1\w+$/m.exec(readFileSync(file, "utf8"))?.[0] ?? "none";
      renameSync(file, aside);
      await must(block("age-key-lost", 0));
      const back = readFileSync(file, "utf8");
      rmSync(file);
      await must(block("age-key-lost", 2));
      const renewed = readFileSync(file, "utf8");
      await must(block("age-key-lost", 3));

      assert.ok(back.includes(own));
      assert.match(renewed, /^AGE-SECRET-KEY-1/m);
      assert.ok(!renewed.includes(own));
      rmSync(aside);
    },
  },
  {
    name: "runbook: the server token is rotated; a snapshot of before still finds its own",
    full: true,
    async run() {
      await must(block("token-rotated", 0));
      const rotated = await must(block("token-rotated", 1));
      const token = /::server:(\S+)/.exec(rotated.stdout)?.[1] ?? assert.fail(rotated.stdout);
      const editor = join(work, "editor");
      writeFileSync(editor, `#!/bin/sh\nexec sed -i 's/^vault_k3s_token:.*/vault_k3s_token: ${token}/' "$1"\n`, { mode: 0o700 }); // prettier-ignore
      await must(block("token-rotated", 2, `export EDITOR='${editor}';`));
      rmSync(editor);
      await must(block("token-rotated", 3));
      const list = JSON.parse((await must(infra(["backup", "list", "--json"]))).stdout) as { snapshots: { name: string; tokenId: string }[] }; // prettier-ignore
      const [after] = list.snapshots;
      const before = list.snapshots.find(({ name }) => name.startsWith("before-rotation"));
      const verified = await must(infra(["backup", "verify", before?.name ?? ""]));

      assert.match(after?.name ?? "", /^after-rotation/);
      assert.notEqual(after?.tokenId, before?.tokenId);
      assert.match(verified.stdout, /the vault had it before/);
      assert.ok((await status()).nodes.every((node) => node["ready"]));
    },
  },
  {
    name: "runbook: a worker is lost with its disk: out of the cluster, another in its place, and its volume is back",
    full: true,
    async run() {
      await countOnVolume("worker", "vultr-1");
      await must(infra(["backup", "create", "--name", "worker"]));
      const loss = Math.max(...(await counted("worker")));
      await loseServer("vultr-1");
      for (const index of [1, 2, 3, 4]) {
        const { stdout } = await must(block("worker-lost", index));
        if (index === 3) console.log(stdout.replaceAll(/^/gm, "        "));
      }
      const { nodes } = await status();
      const times = await counted("worker");

      assert.ok(nodes.length === 3 && nodes.every((node) => node["ready"]), JSON.stringify(nodes));
      assert.ok(times.some((time) => time <= loss), "the file is of before"); // prettier-ignore
      console.log(`        RPO of the volume: ${loss - lastBefore(times, loss)} s`);
      await k("delete namespace worker --wait=false");
    },
  },
];
