import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import ipaddr from "ipaddr.js";
import { ipv4, ipv6 } from "../../sandbox/network/plan.ts";
import { ask, DOMAIN, git, k, outside } from "./gitops-place.ts";
import { type Case, eventually } from "./harness.ts";
import { publicAddresses } from "./outside.ts";
import { at, cluster, infra, infraCommand, must, readPlan, withFile, work } from "./place.ts";

const FILE = join(cluster, "cluster.yaml");
const HOST = `echo.${DOMAIN}`;

interface Page {
  xForwardedFor: string;
  cfConnectingIp: string;
}

interface Report {
  ok: boolean;
  problems: { what: string }[];
}

/** Takes reports in, one JSON line each, at an address of the internet. */
const RECEIVER = `
import http.server, sys
class Take(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        open(sys.argv[1], "a").write(body.replace("\\n", " ") + "\\n"); self.send_response(204); self.end_headers()
http.server.HTTPServer(("", 8099), Take).serve_forever()
`;

const hash = () => k("get secret argocd-secret -n argocd -o 'jsonpath={.data.admin\\.password}'");
const now = () => at("hetzner-1", "systemctl start infra-k3s-report.service");

/** Other ways in, and the way out: through Cloudflare's edge, ArgoCD's own door, what the master tells by itself. */
export const ways: readonly Case[] = [
  {
    full: true,
    name: "gitops: `proxied: true`: the page comes through the edge with the client's address, and the nodes answer nobody else",
    async run() {
      const text = readFileSync(FILE, "utf8");
      const lock = join(cluster, "versions.lock.json");
      const before = readFileSync(lock, "utf8");
      const clients = {
        "--ipv4": ipv4(readPlan(), "internet", 10),
        "--ipv6": ipv6(readPlan(), "internet", 10),
      };
      const [address = ""] = publicAddresses("hetzner-1");
      const direct = () => ask(address, `https://${HOST}/`, "--max-time", "4");
      const change = () => writeFileSync(FILE, text.replace(/( +)(accountId: .*)/, "$1$2\n$1proxied: true"));
      const [pages, closed] = await withFile(FILE, change, async () => {
        await must(infra(["init", cluster]));
        await must(infra(["up", "--push"]));
        const asked = Object.keys(clients).map((family) =>
          must(outside("curl", "--silent", "--fail", family, `https://${HOST}/`)),
        );
        return [await Promise.all(asked), await direct()] as const;
      });
      writeFileSync(lock, before);
      await must(infra(["up", "--push"]));
      const open = await direct();

      // As a socket writes them.
      const own = Object.values(clients).map((one) => ipaddr.parse(one).toString());
      const seen = pages.map(({ stdout }) => JSON.parse(stdout) as Page);
      assert.deepEqual(
        seen.map(({ cfConnectingIp }) => cfConnectingIp),
        own,
      );
      assert.deepEqual(
        seen.map(({ xForwardedFor }) => xForwardedFor.split(",")[0]?.trim()),
        own,
        "Traefik trusts the edge, and nobody else",
      );
      assert.equal(closed.exitCode, 28, `no answer to who goes past the edge: ${closed.all}`);
      assert.equal(open.exitCode, 0, open.all);
    },
  },
  {
    full: true,
    name: "gitops: `argocd` opens ArgoCD's door with a password that holds until it ends",
    async run() {
      const { argv, env } = infraCommand(["argocd", "--port", "8443", "--yes"]);
      const [file = "", ...args] = argv;
      const child = spawn(file, args, { env, cwd: work, stdio: ["ignore", "pipe", "pipe"] });
      const lines: string[] = [];
      for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", (line) => lines.push(line)); // prettier-ignore
      const said = await eventually("the password", () => Promise.resolve(lines.join("\n")), (all) => /password:?\s+\S+/i.test(all), 90); // prettier-ignore
      const [, password = ""] = /password:?\s+(\S+)/i.exec(said) ?? [];
      const login = `curl --silent --max-time 10 --write-out '%{http_code}' --output /dev/null -H 'content-type: application/json' http://127.0.0.1:8443/api/v1/session -d @-`;
      const sign = (body: string) => at("operator", `echo '${body}' | ${login}`);
      const right = await sign(JSON.stringify({ username: "admin", password }));
      const wrong = await sign(JSON.stringify({ username: "admin", password: "x" }));
      const during = await hash();
      child.kill("SIGTERM");
      await eventually("another password", hash, (after) => after !== during, 30);

      assert.equal(right.stdout, "200", said);
      assert.equal(wrong.stdout, "401");
    },
  },
  {
    full: true,
    name: "gitops: the master itself tells one URL that a node is down, and that it is back",
    async run() {
      const log = join(work, "reports.jsonl");
      const url = `http://${ipv4(readPlan(), "internet", 10)}:8099/hook`;
      const program = Buffer.from(RECEIVER).toString("base64");
      const envrc = join(cluster, ".envrc.local");
      await must(at("internet", `echo ${program} | base64 -d >${work}/receiver.py; (setsid timeout 900 python3 ${work}/receiver.py ${log} >/dev/null 2>&1 &)`)); // prettier-ignore
      const reports = () =>
        Promise.resolve(
          (existsSync(log) ? readFileSync(log, "utf8") : "")
            .split("\n")
            .filter(Boolean)
            .map((line) => JSON.parse(line) as Report),
        );
      const told = await withFile(
        envrc,
        () => appendFileSync(envrc, `export INFRA_K3S_REPORT_URL='${url}'\n`),
        async () => {
          await must(infra(["up", "--only", "k3s"]));
          await must(now());
          await eventually("the first report", reports, (all) => all.at(-1)?.ok === true, 60);
          await must(at("aws-1", "systemctl stop k3s-agent"));
          await eventually(
            "the node's end",
            () => k("get node aws-1"),
            (line) => line.includes("NotReady"),
            90,
          );
          await must(now());
          const bad = await eventually("the bad news", reports, (all) => all.at(-1)?.ok === false, 90);
          await must(at("aws-1", "systemctl start k3s-agent"));
          await eventually(
            "the node's return",
            () => k("get node aws-1"),
            (line) => / Ready/.test(line),
            90,
          );
          await eventually("the good news", async () => (await now(), reports()), (all) => all.at(-1)?.ok === true, 240); // prettier-ignore
          return bad.at(-1);
        },
      );
      await must(infra(["up", "--only", "k3s"]));
      const timer = await at("hetzner-1", "systemctl is-active infra-k3s-report.timer");

      assert.match(JSON.stringify(told?.problems), /aws-1/);
      assert.notEqual(timer.stdout.trim(), "active", "without the URL nothing is left of it");
      assert.ok(!(await git("git log --all --patch")).stdout.includes(url), "the URL is not in git");
    },
  },
];
