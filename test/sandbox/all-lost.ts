import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PEBBLES } from "../../sandbox/services/names.ts";
import { DOMAIN, gitopsStatus, k, outside, STATE } from "./gitops-place.ts";
import type { Case } from "./harness.ts";
import {
  counted,
  countOnVolume,
  lastBefore,
  loseServer,
  ownCredentials,
  RECOVERY_KEY,
} from "./lost-place.ts";
import { status } from "./main-job.ts";
import { caches, clone, cluster, done, infra, must, work } from "./place.ts";

const KIT = join(work, "all.recovery-kit.age");
const HOME = join(work, "empty-home");
const ASIDE = join(work, "lost-cluster");

/** What a kit does not hold, and the operator has elsewhere: their SSH key too. */
const own = () => ownCredentials(join(ASIDE, ".envrc.local"));

/**
 * `restore all` in the operator's place, started without the sandbox's launcher: it knows no cluster. The home is empty; what
 * was downloaded before is kept.
 */
function restoreAll(env: Record<string, string>) {
  const cli = [process.execPath, "--use-system-ca", join(clone, "src/cli.ts")];
  const args = ["restore", "all", "--kit", KIT, "--identity", RECOVERY_KEY, "--json", cluster];
  const inside = ["env", `HOME=${HOME}`, `XDG_CACHE_HOME=${caches}`, ...cli, ...args];
  return infra(["sandbox", "exec", "operator", "--", ...inside], { env, timeout: 2_700_000 });
}

/** What the two Let's Encrypts have issued. */
const issued = () =>
  Object.values(PEBBLES).reduce((sum, { name }) => sum + (readFileSync(join(STATE, "logs", `${name}.log`), "utf8").match(/Issued certificate/g)?.length ?? 0), 0); // prettier-ignore
const served = async () =>
  (await outside("curl", "--silent", "--show-error", "--max-time", "20", "--output", "/dev/null", "--write-out", "%{http_code}", `https://echo.${DOMAIN}/`)).stdout; // prettier-ignore
const certificate = () =>
  k("get secret wildcard-tls --namespace gateway --output 'jsonpath={.data.tls\\.crt}'");

/** The loss of everything but git, R2 and the recovery kit; after all that needs the cluster as it was. */
export const allLost: readonly Case[] = [
  {
    name: "restore all: every server, and the machine with the repository, are gone; git, R2 and the recovery kit bring it all back, with the certificate of before and no order of a new one",
    full: true,
    async run() {
      await countOnVolume("all-a", "hetzner-1");
      await countOnVolume("all-b", "aws-1");
      await must(infra(["up", "--push"]));
      await must(infra(["backup", "create", "--name", "all"]));
      await must(infra(["recovery-kit", "export", "--output", KIT]));
      const before = { certificate: await certificate(), issued: issued(), served: await served() };
      const loss = Math.max(...(await counted("all-a")), ...(await counted("all-b")));
      for (const host of ["hetzner-1", "vultr-1", "aws-1"]) await loseServer(host);
      renameSync(cluster, ASIDE);
      mkdirSync(HOME, { mode: 0o700 });

      const { INFRA_K3S_SSH_KEY = "", ...credentials } = own();
      const without = await restoreAll({ INFRA_K3S_SSH_KEY });
      const restored = await must(restoreAll({ INFRA_K3S_SSH_KEY, ...credentials }));
      // Beside what the kit has brought; the operator's own place is whole again.
      for (const [name, value] of Object.entries({ INFRA_K3S_SSH_KEY, ...credentials }))
        await must(infra(["sandbox", "exec", "operator", "--", "sh", "-c", `printf "export %s='%s'\\n" "$0" "$1" >>'${cluster}/.envrc.local'`, name, value])); // prettier-ignore
      const { nodes } = await status();
      const { apps } = await gitopsStatus();

      assert.equal(without.exitCode, 1);
      for (const name of Object.keys(credentials).filter((one) => /^TF_VAR|OAUTH/.test(one))) assert.ok(without.stderr.includes(name), name); // prettier-ignore
      assert.equal(done(restored).ok, true);
      console.log(`        ${done(restored).stages.map(({ name, seconds }) => `${name} ${seconds} s`).join(", ")}`); // prettier-ignore
      assert.ok(nodes.length === 3 && nodes.every((node) => node["ready"]), JSON.stringify(nodes));
      assert.ok(apps.length > 5 && apps.every(({ sync, health }) => sync === "Synced" && health === "Healthy"), JSON.stringify(apps)); // prettier-ignore
      assert.deepEqual([before.served, await served()], ["200", "200"]);
      assert.ok(before.issued > 0 && before.certificate !== "", "what is looked for is found");
      assert.equal(await certificate(), before.certificate);
      assert.equal(issued(), before.issued, "Let's Encrypt was asked for nothing");
      for (const namespace of ["all-a", "all-b"]) {
        const rpo = loss - lastBefore(await counted(namespace), loss);
        console.log(`        RPO of the volume of ${namespace}: ${rpo} s`);
        assert.ok(rpo >= 0 && rpo < 900, `${rpo}`);
      }
      await k("delete namespace all-a all-b --wait=false");
      for (const path of [KIT, HOME, ASIDE]) rmSync(path, { recursive: true });
    },
  },
];
