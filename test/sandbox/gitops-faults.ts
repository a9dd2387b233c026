import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { faultsFile, setFaults } from "../../sandbox/services/faults.ts";
import { rateLimited } from "../../sandbox/services/acme.ts";
import { changeAccounts, readAccounts } from "../../sandbox/services/git-accounts.ts";
import { renew, revision, settle } from "./gitops-certificate.ts";
import { commitAndPush, DOMAIN, gitopsStatus, k, STATE } from "./gitops-place.ts";
import { type Case, eventually } from "./harness.ts";
import { cluster, infra, must } from "./place.ts";

const FAULTS = faultsFile(STATE);
const TOKEN = "kubernetes/infrastructure/issuers/cloudflare.sops.yaml";
const WEBHOOK_URL = `https://argocd.${DOMAIN}/api/webhook`;

const words = async () =>
  (await gitopsStatus()).problems
    .map((one) => `${one.what}: ${one.why ?? ""}; fix: ${one.fix ?? ""}`)
    .join("\n");

/** Waits until `status` names a problem, with its cause, and returns the words. */
async function told(what: string, pattern: RegExp, seconds = 180): Promise<string> {
  return eventually(what, words, (text) => pattern.test(text), seconds);
}

const quiet = (seconds = 240) =>
  eventually(
    "no problem any more",
    async () => (await gitopsStatus()).problems.map(({ what, why }) => `${what}: ${why ?? ""}`),
    (problems) => problems.length === 0,
    seconds,
  );

/** What goes wrong around a cluster that follows git: `status` names the cause, and it heals. */
export const gitopsFaults: readonly Case[] = [
  {
    full: true,
    name: "gitops: the git host down, a webhook with another secret, an image that is not there: status names each, and a commit mends it",
    async run() {
      changeAccounts(STATE, (accounts) => (accounts.up = false));
      const down = await told("the git host's absence", /git/i, 200).finally(() =>
        changeAccounts(STATE, (accounts) => (accounts.up = true)),
      );

      const added = ["app", "add", "broken", "--image", "ghcr.io/infra-k3s/echo:1", "--port", "8080"];
      await must(infra([...added, "--host", `broken.${DOMAIN}`]));
      const file = join(cluster, "kubernetes/apps/broken/deployment.yaml");
      const right = readFileSync(file, "utf8");
      writeFileSync(file, right.replace(/echo:1@sha256:\w+/, "echo:9"));
      const hooks = readAccounts(STATE).webhooks;
      changeAccounts(STATE, (accounts) => {
        accounts.webhooks = hooks.map((hook) => ({ ...hook, secret: "another" }));
      });
      await commitAndPush("An app without an image");
      const webhook = await told("the webhook's refusal", /webhook/i, 60).finally(() =>
        changeAccounts(STATE, (accounts) => (accounts.webhooks = hooks)),
      );
      const image = await told("the missing image", /echo:9/);
      writeFileSync(file, right);
      await commitAndPush("The image that is there");
      await quiet();
      writeFileSync(file, right.replace(/echo:1@sha256:\w+/, "echo:9"));
      await commitAndPush("And away again");
      await told("the missing image", /echo:9/);
      rmSync(join(cluster, "kubernetes/apps/broken"), { recursive: true });
      await commitAndPush("Remove it");
      await quiet();

      assert.ok(hooks.some(({ url }) => url === WEBHOOK_URL));
      assert.match(down, /can't reach the git host[\s\S]*refused/);
      assert.match(webhook, /secret/);
      assert.match(image, /broken[\s\S]*(pull|not found)/i);
    },
  },
  {
    full: true,
    name: "gitops: Let's Encrypt's limit reached, and a wrong token for Cloudflare: status names each, and the page is served on",
    async run() {
      const first = await revision();
      setFaults(FAULTS, [rateLimited()]);
      await renew();
      const limited = await told("the limit", /limit/i);
      setFaults(FAULTS, []);
      await settle(first);

      const second = await revision();
      const wrong = "a".repeat(40);
      await must(infra(["secrets", "set", TOKEN, "api-token"], { input: wrong }));
      await commitAndPush("A wrong token");
      await eventually(
        "the token's arrival",
        () => k("get secret cloudflare-dns -n cert-manager -o 'jsonpath={.data.api-token}'"),
        (data) => Buffer.from(data, "base64").toString() === wrong,
      );
      await renew();
      const refused = await told("the refusal", /Cloudflare/);
      const repaired = await must(infra(["up", "--only", "gitops", "--push"]));
      await settle(second);
      await quiet();

      assert.match(limited, /gateway\/wildcard|wildcard/);
      assert.match(refused, /token/i);
      assert.match(repaired.stderr, /OpenTofu minted a new one/);
    },
  },
];
