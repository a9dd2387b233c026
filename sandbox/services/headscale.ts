import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { run } from "../command.ts";
import { headscaleIpv6, type Plan, services } from "../network/plan.ts";
import { CONTROL_NAMES, TAILNET } from "./names.ts";
import { issue } from "./trust.ts";

const USER = "operator";

/** Writes headscale's configuration: Tailscale's control server and a DERP relay, reaching for nothing outside. */
export async function configureHeadscale(plan: Plan, stateDir: string): Promise<void> {
  const folder = join(stateDir, "headscale");
  if (existsSync(join(folder, "config.yaml"))) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { key, cert } = await issue(stateDir, "headscale", CONTROL_NAMES);
  const address = services(plan).headscale;
  const policy = {
    tagOwners: { "tag:k3s": [`${USER}@`] },
    acls: [{ action: "accept", src: ["tag:k3s"], dst: ["tag:k3s:*"] }],
  };
  writeFileSync(join(folder, "policy.json"), JSON.stringify(policy, null, 2));
  const config = {
    server_url: `https://${CONTROL_NAMES[0]}`,
    listen_addr: `${address}:443`,
    metrics_listen_addr: "",
    grpc_listen_addr: "127.0.0.1:50443",
    tls_cert_path: cert,
    tls_key_path: key,
    noise: { private_key_path: join(folder, "noise.key") },
    prefixes: { v4: "100.64.0.0/10", v6: "fd7a:115c:a1e0::/48", allocation: "sequential" },
    derp: {
      server: {
        enabled: true,
        region_id: 999,
        region_code: "sandbox",
        region_name: "Sandbox",
        stun_listen_addr: "[::]:3478",
        private_key_path: join(folder, "derp.key"),
        automatically_add_embedded_derp_region: true,
        ipv4: address,
        ipv6: headscaleIpv6(plan),
      },
      urls: [],
      auto_update_enabled: false,
    },
    disable_check_updates: true,
    ephemeral_node_inactivity_timeout: "30m",
    database: { type: "sqlite", sqlite: { path: join(folder, "db.sqlite"), write_ahead_log: true } },
    log: { level: "info", format: "text" },
    policy: { mode: "file", path: join(folder, "policy.json") },
    dns: {
      magic_dns: true,
      base_domain: TAILNET.name,
      override_local_dns: false,
      nameservers: { global: [] },
    },
    unix_socket: join(folder, "headscale.sock"),
    unix_socket_permission: "0700",
    logtail: { enabled: false },
  };
  writeFileSync(join(folder, "config.yaml"), stringify(config), { mode: 0o600 });
}

/** headscale's own command line, which speaks to the running server through its socket. */
export class Headscale {
  readonly #program: string;
  readonly #config: string;
  constructor(program: string, stateDir: string) {
    this.#program = program;
    this.#config = join(stateDir, "headscale/config.yaml");
  }

  async ensureUser(): Promise<void> {
    const users = (await this.#json(["users", "list"])) as { name: string }[] | null;
    if (users?.some(({ name }) => name === USER) !== true) await this.#json(["users", "create", USER]);
  }

  async createKey(options: {
    tags: readonly string[];
    reusable: boolean;
    ephemeral: boolean;
    seconds: number;
  }): Promise<{ id: string; key: string }> {
    const key = (await this.#json([
      "preauthkeys", "create", "--user", "1", "--tags", options.tags.join(","), "--expiration", `${options.seconds}s`,
      ...(options.reusable ? ["--reusable"] : []),
      ...(options.ephemeral ? ["--ephemeral"] : []),
    ])) as { id: number | string; key: string }; // prettier-ignore
    return { id: String(key.id), key: key.key };
  }

  /** Every key that was ever minted, used up or not. */
  async keys(): Promise<string[]> {
    const keys = (await this.#json(["preauthkeys", "list", "--user", "1"])) as { key: string }[] | null;
    return (keys ?? []).map(({ key }) => key);
  }

  async nodes(): Promise<HeadscaleNode[]> {
    return ((await this.#json(["nodes", "list", "--tags"])) as HeadscaleNode[] | null) ?? [];
  }

  async deleteNode(id: string): Promise<void> {
    await this.#json(["nodes", "delete", "--identifier", id, "--force"]);
  }

  async #json(args: readonly string[]): Promise<unknown> {
    const text = await run([this.#program, "--config", this.#config, "--output", "json", ...args]);
    return text.trim() === "" ? null : JSON.parse(text);
  }
}

/** The fields used of a node as `headscale nodes list --output json` prints it. */
export interface HeadscaleNode {
  id: number;
  name: string;
  given_name: string;
  ip_addresses: string[];
  forced_tags?: string[];
  valid_tags?: string[];
  online?: boolean;
  created_at?: { seconds: number };
  last_seen?: { seconds: number };
}
