import { existsSync } from "node:fs";
import { join } from "node:path";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { DRILL } from "../recovery-kit/recipient.ts";
import { everyRecipient, RULES_FILE } from "../secrets/rules.ts";
import { drillKey } from "../stages/k3s/etcd-key.ts";
import { requireRepository } from "../tools/git/git.ts";
import { newAgeKey } from "../tools/sops/age.ts";
import { DRILL_KEY_FILE, readDrillKey, writeDrillKey } from "../tools/sops/drill-key.ts";
import { cloudflareOutputs } from "./backup-place.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";
import { requireIgnored } from "./secrets-init.ts";
import { readRules } from "./secrets-place.ts";
import { runSecretsRotate } from "./secrets-rotate.ts";

export interface DrillInitOptions extends ClusterOption {
  /** A new key in the place of the one there is. */
  renew: boolean;
  json: boolean;
}

/** Makes the drill's own key and lets it open what a drill opens. What is there stays; killed anywhere, run it again. */
export async function runDrillInit(options: DrillInitOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const { root, model } = cluster;
  await requireRepository(root);
  await requireIgnored(root, DRILL_KEY_FILE, "it will hold a key that opens the recovery kit");
  const named = everyRecipient(readRules(root) ?? []).filter(({ name }) => name === DRILL);
  const path = join(root, DRILL_KEY_FILE);
  const before = options.renew ? undefined : await readDrillKey(path);
  if (before === undefined && named.length > 0 && !options.renew) {
    throw new UserError({
      what: `${RULES_FILE} names a drill's key, and ${DRILL_KEY_FILE} is not here`,
      why: "two places that drill with different keys could not both open the kit",
      fix: "bring the file here from where it was made; lost: infra-k3s drill init --renew",
    });
  }
  const bucket = drillKey(await cloudflareOutputs(cluster));
  if (bucket === undefined)
    throw new UserError({ what: "OpenTofu has no r2_drill_key yet", why: "the stage dns mints it at Cloudflare", fix: "infra-k3s up" }); // prettier-ignore
  const key = { ...(before ?? (await newAgeKey())), bucket };
  // The file first: a recipient whose private half nobody has could only be taken out again.
  writeDrillKey(path, key);
  const isNamed = named.some((one) => one.key === key.recipient);
  if (!isNamed) {
    const remove = named.map((one) => one.key);
    const add = [`${DRILL}=${key.recipient}`];
    await runSecretsRotate({ cluster: root, add, remove, renew: [], yes: false, json: false }, { ...io, out: (text) => io.err(text) }); // prettier-ignore
  }
  const kit = join(root, `${model.name}.recovery-kit.age`);
  if (options.json) io.out(`${JSON.stringify({ file: path, recipient: key.recipient, made: before === undefined })}\n`);
  else io.out(`${path}: the drill's key, ${key.recipient}\n`); // prettier-ignore
  if (!isNamed || !existsSync(kit))
    io.err("next: commit and push what was changed; infra-k3s recovery-kit export, which it opens, too; then infra-k3s drill\n"); // prettier-ignore
  return EXIT.ok;
}
