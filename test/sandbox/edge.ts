import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ipaddr from "ipaddr.js";
import { cloudflareStore } from "../../sandbox/clouds/cloudflare/api.ts";
import { edgeIpv6, ipv4, services } from "../../sandbox/network/plan.ts";
import { issue } from "../../sandbox/services/trust.ts";
import type { Case } from "./harness.ts";
import { at, cluster, infra, must, readPlan, withFile } from "./place.ts";

const STATE = join(cluster, "..");
const FILE = join(cluster, "cluster.yaml");
const INGRESS = ["hetzner-1", "vultr-1"];

/** Answers with the headers it was asked with. */
const ORIGIN = `
import http.server, socket, ssl
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(str(self.headers).encode())
http.server.HTTPServer.address_family = socket.AF_INET6
server = http.server.HTTPServer(("::", 443), Answer)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("/run/origin.pem")
server.socket = context.wrap_socket(server.socket, server_side=True); server.serve_forever()
`;

const curl = (family: string) => at("internet", `curl -sS -${family} https://echo.example.com/`);

/** Names that Cloudflare stands in front of. */
export const proxied: readonly Case[] = [
  {
    name: "`proxied: true`: names lead to the edge, which asks the nodes by Full (strict) and tells them who asked",
    async run() {
      const plan = readPlan();
      const { key, cert } = await issue(STATE, "origin", ["example.com", "*.example.com"]);
      const pem = Buffer.from(readFileSync(key, "utf8") + readFileSync(cert, "utf8")).toString("base64");
      const program = Buffer.from(ORIGIN).toString("base64");
      for (const host of INGRESS)
        await must(at(host, `echo ${pem} | base64 -d >/run/origin.pem; echo ${program} | base64 -d >/run/origin.py; systemd-run --quiet --unit=origin python3 /run/origin.py`)); // prettier-ignore
      const text = readFileSync(FILE, "utf8");
      const proxy = () => writeFileSync(FILE, text.replace(/( +)(accountId: .*)/, "$1$2\n$1proxied: true"));
      const [served, four, six, mode] = await withFile(FILE, proxy, async () => {
        // Its networks are locked then, too.
        await must(infra(["init", cluster]));
        await must(infra(["up", "--only", "dns"]));
        const { zones } = cloudflareStore(join(STATE, "clouds")).read();
        return [await at("internet", "getent ahosts echo.example.com"), await curl("4"), await curl("6"), zones[0]?.settings["ssl"]] as const; // prettier-ignore
      });
      for (const host of INGRESS) await must(at(host, "systemctl stop origin; rm /run/origin.*"));
      await must(infra(["up", "--only", "dns"]));
      const after = await at("internet", "getent ahosts echo.example.com");

      assert.equal(mode, "strict");
      // As the resolver writes them.
      const edge = [services(plan).edge, edgeIpv6(plan)].map((address) => ipaddr.parse(address).toString());
      for (const address of edge) assert.ok(served.stdout.includes(address), served.all);
      assert.match(four.stdout, new RegExp(`CF-Connecting-IP: ${ipv4(plan, "internet", 10)}`, "i"), four.all);
      assert.match(six.stdout, /cf-connecting-ip: 2001:db8:/i, six.all);
      for (const address of edge) assert.ok(!after.stdout.includes(address), after.all);
    },
  },
];
