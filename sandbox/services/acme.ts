import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Plan, services } from "../network/plan.ts";
import { PEBBLES } from "./names.ts";
import { start } from "./start.ts";
import { believe, issue } from "./trust.ts";

/**
 * Starts a Pebble (https://github.com/letsencrypt/pebble) for each, with its own share of refused nonces, 5 %. It proves
 * names by the sandbox's DNS. It keeps all in memory and makes a root at each start, which the places of the outside world
 * then believe in beside the sandbox's own authority, as they would in Let's Encrypt's.
 */
export async function startPebbles(plan: Plan, stateDir: string, pebble: string): Promise<void> {
  const folder = join(stateDir, "acme");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { key, cert } = await issue(stateDir, "pebble", ["localhost"]);
  for (const { name, port, management } of Object.values(PEBBLES)) {
    const config = {
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: cert,
        privateKey: key,
        httpPort: 80,
        tlsPort: 443,
        keyAlgorithm: "ecdsa",
        retryAfter: { authz: 3, order: 3 },
        profiles: { default: { description: "90 days", validityPeriod: 7_776_000 } },
      },
    };
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(config));
    // A test that breaks the proof of a name needs it asked for: Pebble would use half of the old ones again.
    const argv = [
      "env",
      "PEBBLE_AUTHZREUSE=0",
      pebble,
      "-config",
      file,
      "-dnsserver",
      `${services(plan).dns}:53`,
    ];
    await start(plan, stateDir, name, argv, (log) => log.includes("ACME directory available at"));
  }
}

/** The roots that the two sign under now; asked in the namespace they listen in. */
export async function believePebbles(stateDir: string): Promise<void> {
  const ca = readFileSync(join(stateDir, "ca/ca.pem"), "utf8");
  const roots = [];
  for (const { management } of Object.values(PEBBLES)) roots.push(await rootAt(management, ca));
  await believe(stateDir, roots);
}

async function rootAt(port: number, ca: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return await get(port, "/roots/0", ca);
    } catch (error) {
      if (tries > 50) throw error;
      await sleep(100);
    }
  }
}

function get(port: number, path: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", servername: "localhost", port, path, ca }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`${path}: ${response.statusCode}`)),
      );
    })
      .on("error", reject)
      .end();
  });
}

/** Let's Encrypt's answer to one order too many: https://letsencrypt.org/docs/rate-limits/ */
export function rateLimited(host: string = Object.keys(PEBBLES)[0] ?? "") {
  return {
    host,
    method: "POST",
    path: "^/order-plz",
    times: 1000,
    status: 429,
    headers: { "content-type": "application/problem+json", "retry-after": "3600" },
    body: JSON.stringify({
      type: "urn:ietf:params:acme:error:rateLimited",
      detail:
        "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s: see https://letsencrypt.org/docs/rate-limits/",
      status: 429,
    }),
  };
}
