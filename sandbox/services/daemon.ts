import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { serveMetadata } from "../clouds/aws/metadata-server.ts";
import { cloudflareStore } from "../clouds/cloudflare/api.ts";
import { hostedBy } from "../clouds/cloudflare/dns.ts";
import { serveEdge } from "../clouds/cloudflare/edge.ts";
import { clouds, r2 } from "../clouds/clouds.ts";
import { edgeIpv6, type Plan, PUBLIC_RESOLVERS, services } from "../network/plan.ts";
import { believePebbles } from "./acme.ts";
import { serveDns } from "./dns.ts";
import { dnsLag } from "./dns-lag.ts";
import { faultsFile } from "./faults.ts";
import { serveFront } from "./front.ts";
import { Headscale } from "./headscale.ts";
import { serveGit } from "./git-host.ts";
import { FRONT_NAMES, PEBBLES, TAILNET, zone } from "./names.ts";
import { type OauthClient, tailscaleApi } from "./tailscale-api.ts";
import { authoritiesOf, issue } from "./trust.ts";

/** The sandbox's services in one process, started inside the outer namespace: daemon.ts STATE_DIR HEADSCALE */
const [stateDir = "", headscaleProgram = ""] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(join(stateDir, "sandbox.json"), "utf8")) as Plan;
const client = JSON.parse(readFileSync(join(stateDir, "oauth.json"), "utf8")) as OauthClient;

const headscale = new Headscale(headscaleProgram, stateDir);
await headscale.ensureUser();
const edge = [services(plan).edge, edgeIpv6(plan)];
const account = cloudflareStore(join(stateDir, "clouds"));
await serveDns(
  [services(plan).dns, ...PUBLIC_RESOLVERS],
  zone(plan, account.read().id),
  (event) =>
    appendFileSync(join(stateDir, "logs/dns.jsonl"), `${JSON.stringify({ at: new Date(), ...event })}\n`),
  53,
  (name) => hostedBy(account.read(), name, edge, dnsLag(stateDir)),
);
await serveFront({
  address: services(plan).front,
  ...(await issue(stateDir, "front", FRONT_NAMES)),
  mirror: join(stateDir, "mirror"),
  apis: { "api.tailscale.com": tailscaleApi(headscale, client, TAILNET), ...clouds(plan, stateDir) },
  upstreams: Object.fromEntries(
    Object.entries(PEBBLES).map(([name, { port }]) => [
      name,
      { port, ca: readFileSync(join(stateDir, "ca/ca.pem"), "utf8"), paths: { "/directory": "/dir" } },
    ]),
  ),
  names: FRONT_NAMES,
  faults: faultsFile(stateDir),
  requestLog: join(stateDir, "logs/requests.jsonl"),
});
await r2(plan, stateDir);
await serveEdge({
  addresses: edge,
  account: () => account.read(),
  certificate: async (name) => {
    const { key, cert } = await issue(stateDir, `edge-${name}`, [name, `*.${name}`]);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  },
  authorities: () => authoritiesOf(stateDir),
});
await serveMetadata(plan, stateDir);
await believePebbles(stateDir);
const { git, front, dns } = services(plan);
for (const address of plan.gitHost !== undefined && FRONT_NAMES.includes(plan.gitHost) ? [git, front] : [git])
  await serveGit({ stateDir, address, dns });
process.stdout.write("ready\n");
