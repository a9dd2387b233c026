import assert from "node:assert/strict";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Case, command, eventually } from "./harness.ts";
import { commitAndPush, DOMAIN, ask, git, gitopsStatus, k, outside, writes } from "./gitops-place.ts";
import { HOSTS, publicAddresses, scanTcp } from "./outside.ts";
import { look as lookFor } from "./secrets.ts";
import { at, cluster, done, infra, must } from "./place.ts";

const INGRESS = ["hetzner-1", "vultr-1"];
const ports = (name: string) => (INGRESS.includes(name) ? [22, 443, 80] : [22]);
const HOST = `echo.${DOMAIN}`;

const app = (name: string) => join(cluster, "kubernetes/apps", name);

/** The app's page, asked until it is there; returns the seconds it took. */
async function served(host: string, seconds = 120): Promise<number> {
  const began = Date.now();
  const look = () => outside("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--max-time", "10", `https://${host}/`); // prettier-ignore
  await eventually(`https://${host}/`, look, ({ stdout }) => stdout === "200", seconds);
  return (Date.now() - began) / 1000;
}

const addApp = (name: string, ...flags: string[]) =>
  must(infra(["app", "add", name, "--image", "ghcr.io/infra-k3s/echo:1", "--port", "8080", "--host", `${name}.${DOMAIN}`, ...flags])); // prettier-ignore

const show = async (path: string, key: string) =>
  (await must(infra(["secrets", "show", path, key, "--yes"]))).stdout.trim();

/** What only the cluster's own may know: the age key, the webhook's secret, a line of the deploy key. */
async function ownKeys(): Promise<string[]> {
  const age = /AGE-SECRET-KEY-\w+/.exec(readFileSync(join(cluster, ".age-key.local"), "utf8"))?.[0] ?? "";
  const webhook = await show("kubernetes/bootstrap/secrets/webhook.sops.yaml", "secret");
  const deploy = await show("kubernetes/bootstrap/deploy-key.sops.yaml", "sshPrivateKey");
  const line = deploy.split("\n")[2] ?? "";
  assert.ok(age.length > 60 && webhook.length === 64 && line.length > 50);
  return [age, webhook, line];
}

/** When GitOps came to the cluster: what was written before is other cases'. */
let begun = "";

/** From a git push to a served page. */
export const gitops: readonly Case[] = [
  {
    name: "gitops: sandbox up: a cluster that stands is given a repository, ArgoCD, a certificate and a page",
    async run() {
      begun = new Date().toISOString();
      const up = await must(infra(["sandbox", "up"]));

      assert.match(up.stderr, /ArgoCD is applied, and follows the repository from now on/);
      assert.match(up.stdout, /^gateway\/wildcard +Ready /m);
      assert.match(up.stdout, /^echo\/echo +served +echo\.example\.com$/m);
      assert.doesNotMatch(up.all, /AGE-SECRET-KEY/);
    },
  },
  {
    name: "gitops: every Application is Synced and Healthy, and the CLI wrote ArgoCD's bootstrap and nothing else",
    async run() {
      const { apps, certificates, problems, ok } = await gitopsStatus();
      const written = (await writes()).filter(({ stageTimestamp }) => stageTimestamp >= begun);

      assert.deepEqual(problems, []);
      assert.ok(ok);
      const names = apps.map(({ name }) => name).toSorted();
      assert.deepEqual(names, ["apps", "argocd", "cert-manager", "cluster", "echo", "gateway", "gateway-api", "issuers", "local-path", "traefik", "velero"]); // prettier-ignore
      for (const one of apps) assert.deepEqual([one.sync, one.health], ["Synced", "Healthy"], one.name);
      assert.ok(certificates.length === 1 && certificates[0]?.ready);
      const others = written.filter(({ what }) => !/ argocd\/|argoproj\.io|argocd|labels/.test(what));
      assert.deepEqual(
        others.map(({ what }) => what),
        [],
      );
      assert.ok(written.some(({ what }) => what.includes("secrets argocd/sops-age")));
      assert.ok(written.some(({ what }) => /secrets argocd\/repo/.test(what)));
    },
  },
  {
    name: "gitops: from the internet the page is served by name, with a certificate that is trusted, over IPv4 and IPv6",
    async run() {
      for (const family of ["--ipv4", "--ipv6"]) {
        const page = await must(
          outside("curl", "--silent", "--show-error", "--fail", family, `https://${HOST}/`),
        );
        assert.equal((JSON.parse(page.stdout) as { host: string }).host, HOST);
      }
      const named = (await must(outside("getent", "ahosts", HOST))).stdout;
      for (const address of INGRESS.flatMap((name) => publicAddresses(name))) {
        const page = await must(
          ask(address, `https://${HOST}/`, "--write-out", "\n%{http_code} %{remote_ip}"),
        );
        assert.match(page.stdout, /\n200 /, page.all);
        assert.ok(named.includes(address.split("::")[0] ?? ""), `${address} in ${named}`);
        const plain = await must(ask(address, `http://${HOST}/a?b=c`, "--include"));
        assert.match(
          plain.stdout,
          /^HTTP\/1\.1 301[\s\S]*^location: https:\/\/echo\.example\.com(:443)?\/a\?b=c/im,
        );
        const unknown = await must(ask(address, `https://nobody.${DOMAIN}/`, "--write-out", "%{http_code}", "--output", "/dev/null")); // prettier-ignore
        assert.equal(unknown.stdout, "404");
      }
    },
  },
  {
    name: "gitops: the certificate is Let's Encrypt's stand-in's, for the apex and every name below; headers are set",
    async run() {
      const shown = await must(outside("sh", "-c", `openssl s_client -connect ${DOMAIN}:443 -servername ${DOMAIN} </dev/null 2>/dev/null | openssl x509 -noout -issuer -ext subjectAltName`)); // prettier-ignore
      const page = await must(outside("curl", "--silent", "--include", `https://${HOST}/`));

      assert.match(shown.stdout, /issuer=CN = Pebble/);
      assert.match(
        shown.stdout,
        /DNS:\*\.example\.com, DNS:example\.com|DNS:example\.com, DNS:\*\.example\.com/,
      );
      for (const header of ["strict-transport-security", "x-content-type-options", "referrer-policy"])
        assert.match(page.stdout, new RegExp(`^${header}:`, "im"));
    },
  },
  {
    name: "gitops: from the internet SSH answers, and the web on ingress nodes, and nothing else",
    async run() {
      const intended = HOSTS.flatMap(({ name }) =>
        publicAddresses(name).flatMap((address) => ports(name).map((port) => `${address} ${port}`)),
      );

      assert.deepEqual(await scanTcp(publicAddresses()), intended.toSorted());
    },
  },
  {
    name: "gitops: a second up looks, and writes nothing; no key of GitOps is in any log or readable file",
    async run() {
      const before = (await writes()).length;
      const again = done(await must(infra(["up", "--json"])));
      const after = (await writes()).length;

      assert.equal(again.changed, 0);
      assert.equal(after, before);
      const logs = globSync(join(cluster, ".infra-k3s/logs/*")).map((file) => readFileSync(file, "utf8"));
      for (const secret of await ownKeys()) {
        assert.ok(!logs.join("").includes(secret), "in a log of the CLI");
        assert.equal((await lookFor("hetzner-1", secret)).stdout.trim(), "0", "on the master");
      }
    },
  },
  {
    name: "gitops: app add, commit and push by git alone end in a served page",
    async run() {
      await addApp("shop");
      await commitAndPush("Add shop");
      const pushed = Date.now();
      const running = await command(["pgrep", "--full", `src/cli.ts.*${cluster}`]);
      await served(`shop.${DOMAIN}`);
      console.log(`        served ${((Date.now() - pushed) / 1000).toFixed(0)} s after the push`);
      const { apps } = await gitopsStatus();

      assert.equal(running.stdout, "", "no CLI is at work");
      assert.equal(apps.find(({ name }) => name === "shop")?.health, "Healthy");
    },
  },
];

/** What each commit, and no command, changes; a cluster can be looked at meanwhile. */
export const commits: readonly Case[] = [
  {
    name: "gitops: a Secret by SOPS is plain in the cluster, and nowhere else",
    async run() {
      const value = "gitops-canary-71c3";
      const file = "kubernetes/apps/shop/token.sops.yaml";
      await must(infra(["secrets", "set", file, "token", "--namespace", "shop"], { input: value }));
      const kustomization = join(app("shop"), "kustomization.yaml");
      const generator =
        "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata:\n  name: secrets\n  annotations:\n    config.kubernetes.io/function: |\n      exec: { path: ksops }\nfiles: [token.sops.yaml]\n";
      if (!readFileSync(kustomization, "utf8").includes("generators:")) {
        writeFileSync(join(app("shop"), "secrets.yaml"), generator);
        writeFileSync(kustomization, `${readFileSync(kustomization, "utf8")}generators:\n  - secrets.yaml\n`);
      }
      await commitAndPush("A token for shop");
      const stored = await eventually(
        "the Secret",
        () => k("get secret token -n shop -o 'jsonpath={.data.token}' --ignore-not-found"),
        (text) => text !== "",
      );
      const history = await git("git log --all --patch");
      const journal = await at("hetzner-1", `journalctl --no-pager | grep -cF ${value}`);
      const logs = await k(
        "logs -n argocd --all-containers --prefix --tail=-1 -l app.kubernetes.io/part-of=argocd --max-log-requests=20",
      );
      const etcd = await at("hetzner-1", `grep -rlF ${value} /var/lib/rancher/k3s/server/db | wc -l`);

      assert.equal(Buffer.from(stored, "base64").toString(), value);
      assert.ok(!history.stdout.includes(value));
      assert.equal(journal.stdout.trim(), "0");
      assert.ok(!logs.includes(value));
      assert.equal(etcd.stdout.trim(), "0");
    },
  },
  {
    name: "gitops: a live edit is reverted, a deleted namespace is made again, a removed folder is pruned",
    async run() {
      await k("scale deployment/shop -n shop --replicas=3");
      await eventually(
        "the declared number of replicas",
        () => k("get deployment shop -n shop -o 'jsonpath={.spec.replicas}'"),
        (n) => n.trim() === "1",
        90,
      );

      await k("delete namespace shop --wait=true --timeout=120s");
      await served(`shop.${DOMAIN}`, 180);

      rmSync(app("shop"), { recursive: true });
      await commitAndPush("Remove shop");
      await eventually(
        "the end of the namespace",
        () => k("get namespace shop --ignore-not-found -o name"),
        (text) => text.trim() === "",
        180,
      );
      // Its finalizer goes after what it pruned.
      await eventually(
        "the end of the Application",
        () => k("get applications -n argocd shop --ignore-not-found -o name"),
        (text) => text.trim() === "",
        60,
      );
    },
  },
];
