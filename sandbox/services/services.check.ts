import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Artifacts, ensureArtifacts } from "../artifacts/artifacts.ts";
import { run } from "../command.ts";
import { down } from "../lifecycle/down.ts";
import { attach, createNetwork } from "../network/create.ts";
import { placeCommand } from "../network/places.ts";
import { ipv4, ipv6, namespace, type Place, type Plan } from "../network/plan.ts";
import { sandboxId, stateFolder } from "../paths.ts";
import { fillMirror } from "./mirror.ts";
import { ensureClient, startLink, startServices } from "./start.ts";
import { ensureTrust } from "./trust.ts";

const NAME = "check-services";
const PLAN: Plan = { name: NAME, id: sandboxId(NAME), index: 15 };
const API = "https://api.tailscale.com/api/v2";
const NODES = ["a", "b"] as const;
type Node = (typeof NODES)[number];

interface Device {
  hostname: string;
  nodeId: string;
  addresses: string[];
  tags: string[];
}

/**
 * The services alone, with two real tailscaled for servers: what the sandbox says of DNS, trust, the mirror, Tailscale's
 * API and its mesh is seen here with the programs themselves. Needs root; leaves nothing.
 */
export async function checkServices(artifacts: Artifacts, log: (line: string) => void): Promise<void> {
  const checks = new Checks(artifacts);
  try {
    await checks.start();
    for (const [name, check] of Object.entries(checks.all)) {
      await check();
      log(`ok ${name}`);
    }
  } finally {
    await down(PLAN.name);
  }
}

class Checks {
  readonly #artifacts: Artifacts;
  readonly #state = stateFolder(PLAN.name);
  #token = "";

  constructor(artifacts: Artifacts) {
    this.#artifacts = artifacts;
  }

  readonly all = {
    "names outside the sandbox do not exist": async () => {
      await assert.rejects(this.#in("internet", "getent", "ahostsv4", "example.org"));
      for (const resolver of ["1.1.1.1", "8.8.8.8"]) {
        assert.match(await this.#resolve("github.com", resolver), /^198\.18\.240\.10$/m);
      }
    },
    "there is no way out": async () => {
      const routes = await run(["ip", "-n", namespace(PLAN, "outer"), "route", "show", "default"]);
      assert.equal(routes, "");
      const links = JSON.parse(await run(["ip", "-n", namespace(PLAN, "outer"), "-json", "-details", "link"])) as { ifname: string; linkinfo?: { info_kind: string } }[]; // prettier-ignore
      assert.deepEqual([...new Set(links.map(({ linkinfo }) => linkinfo?.info_kind ?? "lo"))].sort(), ["bridge", "lo", "tun", "veth"]); // prettier-ignore
    },
    "the mirror's K3s is what its list of checksums says": async () => {
      const release = "https://github.com/k3s-io/k3s/releases/download/v1.36.3%2Bk3s1";
      const [published] = (await this.#curl(`${release}/sha256sum-amd64.txt`)).split(" ");
      const received = await this.#in("internet", "sh", "-c", `curl -fsS '${release}/k3s' | sha256sum`);
      assert.equal(received.split(" ")[0], published);
    },
    "a wrong OAuth client gets no token": async () => {
      const { id } = ensureClient(this.#state);
      const answer = await this.#curl(
        `${API}/oauth/token`,
        "-d",
        `client_id=${id}`,
        "-d",
        "client_secret=wrong",
      );
      assert.equal(answer, '{"message":"API token invalid"}401');
    },
    "a key for a tag that is not the client's is refused": async () => {
      const { id, secret } = ensureClient(this.#state);
      const reply = await this.#curl(
        `${API}/oauth/token`,
        "-d",
        `client_id=${id}`,
        "-d",
        `client_secret=${secret}`,
      );
      this.#token = (JSON.parse(reply.replace(/200$/, "")) as { access_token: string }).access_token;
      assert.match(
        await this.#mint("tag:other"),
        /requested tags \[tag:other\] are invalid or not permitted.*400$/,
      );
    },
    "a host joins with a key, and no second host with the same": async () => {
      const key = await this.#key();
      await this.#join("a", key);
      await assert.rejects(this.#join("b", key), /authkey already used/);
    },
    "a second host joins with a key of its own; the path between them is direct": async () => {
      await this.#join("b", await this.#key());
      await this.#ping("a", "b", / via (198\.18\.242\.20|\[2001:db8:f2:14::1\]):41641 /);
    },
    "with UDP between them dropped, they meet at the sandbox's relay": async () => {
      const peer = [`ip daddr ${ipv4(PLAN, "vultr", 20)}`, `ip6 daddr ${ipv6(PLAN, "vultr", 20)}`];
      const rules = peer.map((to) => `${to} meta l4proto udp drop`).join("; ");
      const cut = `table inet cut { chain out { type filter hook output priority 0; ${rules}; }; }`;
      await run(["ip", "netns", "exec", namespace(PLAN, "host-a"), "nft", "-f", "-"], { stdin: cut });
      await this.#tailscale("a", "debug", "rebind");
      await this.#ping("a", "b", / via DERP\(sandbox\) /);
    },
    "the API lists both, and deletes one for good": async () => {
      const before = await this.#devices();
      assert.deepEqual(before.map(({ hostname }) => hostname).sort(), ["a", "b"]);
      for (const { addresses, tags } of before) {
        assert.match(addresses[0] ?? "", /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./);
        assert.deepEqual(tags, ["tag:k3s"]);
      }
      const id = before.find(({ hostname }) => hostname === "b")?.nodeId;
      assert.equal(await this.#curl(`${API}/device/${id}`, "-X", "DELETE", ...this.#bearer()), "null200");
      assert.match(await this.#curl(`${API}/device/${id}`, "-X", "DELETE", ...this.#bearer()), /no manageable device.*404$/); // prettier-ignore
      assert.deepEqual(
        (await this.#devices()).map(({ hostname }) => hostname),
        ["a"],
      );
    },
    "nothing was asked of the API that it does not answer": async () => {
      const requests = readFileSync(join(this.#state, "logs/requests.jsonl"), "utf8");
      assert.doesNotMatch(requests, /"status":501/);
      // One token minted, two refused or granted keys each seen: the log is complete.
      assert.equal(requests.match(/"path":"\/api\/v2\/oauth\/token","status":200/g)?.length, 1);
      assert.equal(requests.match(/"path":"\/api\/v2\/tailnet\/-\/keys","status":200/g)?.length, 2);
    },
  };

  async start(): Promise<void> {
    await down(PLAN.name);
    mkdirSync(join(this.#state, "logs"), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#state, "sandbox.json"), JSON.stringify(PLAN));
    await createNetwork(PLAN);
    await ensureTrust(PLAN, this.#state);
    await fillMirror(this.#state, this.#artifacts);
    await startLink(PLAN, this.#state, say);
    await startServices(PLAN, this.#state, this.#artifacts);
    await attach(PLAN, "host-a", "hetzner", 20);
    await attach(PLAN, "host-b", "vultr", 20);
    for (const node of NODES) await this.#startNode(node);
  }

  async #startNode(node: Node): Promise<void> {
    const folder = join(this.#state, node);
    mkdirSync(folder);
    const log = openSync(join(this.#state, "logs", `${node}.log`), "w");
    const [file, ...args] = placeCommand(PLAN, `host-${node}`, this.#state);
    const flags = [
      `--state=${folder}/state`,
      `--socket=${folder}/socket`,
      "--port=41641",
      "--no-logs-no-support",
    ];
    spawn(file, [...args, this.#artifacts.tailscaled, ...flags], {
      detached: true,
      stdio: ["ignore", log, log],
    }).unref();
    const deadline = Date.now() + 10_000;
    while (!existsSync(join(folder, "socket"))) {
      assert.ok(Date.now() < deadline, `tailscaled ${node} did not start`);
      await sleep(50);
    }
  }

  #tailscale(node: Node, ...args: string[]): Promise<string> {
    return this.#in(
      `host-${node}`,
      this.#artifacts.tailscale,
      `--socket=${join(this.#state, node, "socket")}`,
      ...args,
    );
  }

  async #join(node: Node, key: string): Promise<void> {
    const flags = [`--hostname=${node}`, "--accept-dns=false", "--advertise-tags=tag:k3s", "--timeout=20s"];
    await this.#tailscale(node, "up", `--auth-key=${key}`, ...flags);
  }

  /** Pings until the path is the wanted one: it changes a moment after the peers know of each other. */
  async #ping(from: Node, to: Node, path: RegExp): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const answer = await this.#tailscale(
        from,
        "ping",
        "-c=1",
        "--timeout=2s",
        "--until-direct=false",
        to,
      ).catch(String);
      if (path.test(answer)) return;
      assert.ok(Date.now() < deadline, `the path is not ${path.source}: ${answer}`);
      await sleep(200);
    }
  }

  async #key(): Promise<string> {
    return (JSON.parse((await this.#mint("tag:k3s")).replace(/200$/, "")) as { key: string }).key;
  }

  #mint(tag: string): Promise<string> {
    const create = { reusable: false, ephemeral: false, preauthorized: true, tags: [tag] };
    const body = JSON.stringify({ capabilities: { devices: { create } }, expirySeconds: 600 });
    return this.#curl(`${API}/tailnet/-/keys`, "--json", body, ...this.#bearer());
  }

  async #devices(): Promise<Device[]> {
    const answer = await this.#curl(`${API}/tailnet/-/devices`, ...this.#bearer());
    return (JSON.parse(answer.replace(/200$/, "")) as { devices: Device[] }).devices;
  }

  #bearer(): string[] {
    return ["-H", `authorization: Bearer ${this.#token}`];
  }

  /** The answer's body with its status behind it; certificates are checked against the sandbox's trust store. */
  #curl(url: string, ...args: string[]): Promise<string> {
    return this.#in("internet", "curl", "-sS", "--max-time", "20", "-w", "%{http_code}", url, ...args);
  }

  #resolve(name: string, resolver: string): Promise<string> {
    const script = // Node's own resolver asks this server alone.
      `require("node:dns").setServers([process.argv[1]]); require("node:dns").resolve4(process.argv[2], (e, a) => console.log(a.join("\\n")))`;
    return this.#in("internet", process.execPath, "-e", script, resolver, name);
  }

  #in(place: Place, ...argv: [string, ...string[]]): Promise<string> {
    return run([...placeCommand(PLAN, place, this.#state), ...argv]);
  }
}

function say(line: string): void {
  console.log(line);
}

if (import.meta.main) await checkServices(await ensureArtifacts(say), say);
