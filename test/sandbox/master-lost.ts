import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { BackupCreate } from "../../src/commands/backup-create.ts";
import type { BackupList } from "../../src/commands/backup-list.ts";
import { gitopsStatus, k } from "./gitops-place.ts";
import type { Case } from "./harness.ts";
import { counted, countInConfigMap, countOnVolume, inConfigMap, lastBefore, loseServer, RECOVERY_KEY } from "./lost-place.ts"; // prettier-ignore
import { status } from "./main-job.ts";
import { at, done, infra, killed, must } from "./place.ts";

const MASTER = "hetzner-1";

const bootId = async (host: string) =>
  (await must(at(host, "cat /proc/sys/kernel/random/boot_id && stat --format=%i /usr/local/bin/k3s"))).stdout;

/** The master's loss, last of all: the cluster goes back in time. */
export const masterLost: readonly Case[] = [
  {
    name: "restore cluster: the master's server with its disk is gone, under load; killed on the way and run again, the cluster is what the snapshot has, on a new host, its volume is back, and the workers rejoin as they are",
    full: true,
    async run() {
      await countOnVolume("lost", MASTER);
      await countOnVolume("kept", "vultr-1");
      await countInConfigMap("lost");
      await k("--namespace lost create configmap before --from-literal=a=1");
      await k("--namespace lost create secret generic kept --from-literal=password=readable");
      const saved = JSON.parse((await must(infra(["backup", "create", "--json"]))).stdout) as BackupCreate;
      await k("--namespace lost create configmap after --from-literal=a=1");
      const [address] = (await must(at(MASTER, "tailscale ip -4"))).stdout.trim().split("\n");
      const workers = await Promise.all(["vultr-1", "aws-1"].map(bootId));
      await sleep(5000);
      const loss = Math.max(...(await counted("lost")));
      const inState = await inConfigMap("lost");
      await loseServer(MASTER);

      const list = await must(infra(["backup", "list", "--json"]));
      const verified = await must(infra(["backup", "verify"]));
      const up = await infra(["up"]);
      const args = ["restore", "cluster", "--identity", RECOVERY_KEY, "--json"];
      // Once while K3s is restored, once while the volume is on its way.
      for (const stage of ["k3s", "volumes"]) {
        await killed(args, async (stdout) => {
          for await (const line of createInterface(stdout)) {
            const event = JSON.parse(line) as { stage?: string; state?: string };
            if (event.stage === stage && event.state === "start") break;
          }
          await sleep(8000);
        });
      }
      const restored = await must(infra(args, { timeout: 1_800_000 }));
      const again = await must(infra(["up", "--until", "verify", "--json"]));
      const now = await status();
      const { apps } = await gitopsStatus();
      const left = await at(MASTER, `k3s kubectl get nodes,endpointslices --all-namespaces --output=yaml | grep -cF '${address}'`); // prettier-ignore
      const onWorkers = await at(
        "aws-1",
        `grep -rlF '${address}' /etc/rancher /var/lib/rancher/k3s/agent/etc`,
      );
      const rpo = {
        state: inState - (await inConfigMap("lost")),
        volume: loss - lastBefore(await counted("lost"), loss),
      };

      assert.equal((JSON.parse(list.stdout) as BackupList).snapshots[0]?.name, saved.name, "listed without a master"); // prettier-ignore
      assert.match(verified.stdout, /at hand/);
      assert.equal(up.exitCode, 1);
      assert.match(up.stderr, /the server of the master, hetzner-1, is gone[^]*infra-k3s restore cluster/);
      assert.equal(done(restored).ok, true);
      console.log(`        ${done(restored).stages.map(({ name, seconds }) => `${name} ${seconds} s`).join(", ")}`); // prettier-ignore
      console.log(`        RPO: ${rpo.state} s of the state, ${rpo.volume} s of the volume`);
      assert.ok(rpo.state > 0 && rpo.volume > 0, JSON.stringify(rpo));
      assert.ok(rpo.state < 600 && rpo.volume < 900, JSON.stringify(rpo));
      // What lay on a worker was there all the time: no second of it is of a backup.
      const kept = await counted("kept");
      assert.ok(loss - lastBefore(kept, loss) < 30, "the worker's own volume is not written over");
      assert.equal(await k("--namespace lost get configmaps --output=name --field-selector=metadata.name!=kube-root-ca.crt,metadata.name!=counter"), "configmap/before"); // prettier-ignore
      assert.equal(await k("--namespace lost get secret kept --output=jsonpath={.data.password}"), Buffer.from("readable").toString("base64")); // prettier-ignore
      assert.ok(
        now.nodes.length === 3 && now.nodes.every((node) => node["ready"]),
        JSON.stringify(now.nodes),
      );
      assert.ok(apps.length > 5 && apps.every(({ sync, health }) => sync === "Synced" && health === "Healthy"), JSON.stringify(apps)); // prettier-ignore
      assert.equal(await k("--namespace argocd get statefulset argocd-application-controller --output=jsonpath={.spec.replicas}"), "1"); // prettier-ignore
      assert.equal(await k("get pods --all-namespaces --selector=infra-k3s/withheld --output=name"), "");
      assert.deepEqual(await Promise.all(["vultr-1", "aws-1"].map(bootId)), workers, "neither rebooted nor reinstalled"); // prettier-ignore
      assert.equal(left.stdout.trim(), "0", "the old address is in no object");
      assert.equal(onWorkers.stdout.trim(), "", "nor on a worker");
      assert.equal(done(again).changed, 0);
      await k("delete namespace lost kept --wait=false");
    },
  },
];
