import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, type Case } from "./harness.ts";
import { status } from "./main-job.ts";
import { at, cluster, infra, must, withFile, work } from "./place.ts";

/** Each fault is named with its cause and a way out, and the next run ends well. */
export const faults: readonly Case[] = [
  {
    name: "an unknown key in cluster.yaml: place, suggestion, exit 3, nothing touched",
    async run() {
      const file = join(cluster, "cluster.yaml");
      const misspell = () =>
        writeFileSync(file, readFileSync(file, "utf8").replace("region: fra", "regoin: fra"));
      const up = await withFile(file, misspell, () => infra(["up"]));

      assert.equal(up.exitCode, 3);
      assert.match(
        up.stderr,
        /cluster\.yaml:\d+:5: error: unknown key "regoin"[\s\S]*\^{6}[\s\S]*did you mean "region"\?/,
      );
    },
  },
  {
    name: "a wrong SSH key: which one, on which host, and what to set",
    async run() {
      const key = join(work, "wrong-key");
      await must(command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]));
      const up = await infra(["up"], { env: { INFRA_K3S_SSH_KEY: key } });

      assert.equal(up.exitCode, 1);
      assert.match(
        up.stderr,
        /aws-1 can't be reached by SSH\s+why: \S+ does not accept the key .*wrong-key\s+fix: set INFRA_K3S_SSH_KEY/,
      );
    },
  },
  {
    name: "a host that is cut off: which one and why",
    async run() {
      await must(infra(["sandbox", "link", "operator", "vultr", "--down"]));
      const up = await infra(["up"]);
      await must(infra(["sandbox", "link", "--reset"]));

      assert.equal(up.exitCode, 1);
      assert.match(up.stderr, /vultr-1 can't be reached by SSH\s+why: .*(does not answer|no SSH server)/);
    },
  },
  {
    full: true,
    name: "a used-up join key: cause and way out; without it the next run joins, and ends well",
    async run() {
      const key = await mintKey();
      for (const host of ["vultr-1", "aws-1"]) await must(at(host, "tailscale logout"));
      const first = await infra(["up", "--until", "mesh"], { env: { TAILSCALE_AUTHKEY: key } });
      const next = await infra(["up"]);

      assert.equal(first.exitCode, 1);
      assert.match(
        first.stderr,
        /could not join the tailnet\s+why: [\s\S]*fix: TAILSCALE_AUTHKEY is used up/,
      );
      assert.doesNotMatch(first.all + next.all, new RegExp(key));
      assert.equal(next.exitCode, 0, next.all);
      assert.ok((await status()).nodes.every((node) => node["ready"]));
    },
  },
  {
    name: "not root, and no memory: sandbox up says so and does nothing",
    async run() {
      const nobody = await infra(["sandbox", "up", "--name", "none"], {
        prefix: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
      });
      writeFileSync(
        join(work, "meminfo"),
        "MemTotal: 2000000 kB\nMemFree: 100000 kB\nMemAvailable: 900000 kB\n",
      );
      const poor = await infra(["sandbox", "up", "--name", "none"], {
        prefix: [
          "unshare",
          "--mount",
          "sh",
          "-c",
          `mount --bind ${join(work, "meminfo")} /proc/meminfo && exec "$@"`,
          "sh",
        ],
      });

      assert.equal(nobody.exitCode, 4, nobody.all);
      assert.match(nobody.stderr, /not root: run it with sudo/);
      assert.equal(poor.exitCode, 4, poor.all);
      assert.match(poor.stderr, /0\.9 GiB of memory are free: a sandbox needs/);
    },
  },
];

/** A one-off key as a person would make it in Tailscale's console; good for one host. */
async function mintKey(): Promise<string> {
  const script = `
    cd '${cluster}' && . ./.envrc.local
    token=$(curl -fsS https://api.tailscale.com/api/v2/oauth/token -d "client_id=$TAILSCALE_OAUTH_CLIENT_ID" \
      -d "client_secret=$TAILSCALE_OAUTH_CLIENT_SECRET" | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
    curl -fsS https://api.tailscale.com/api/v2/tailnet/-/keys -H "Authorization: Bearer $token" \
      -d '{"capabilities":{"devices":{"create":{"preauthorized":true,"tags":["tag:k3s"]}}}}'`;
  return (JSON.parse((await must(at("operator", script))).stdout) as { key: string }).key;
}
