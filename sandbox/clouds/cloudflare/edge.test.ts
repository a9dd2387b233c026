import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createPlain, type IncomingMessage } from "node:http";
import { createServer, request } from "node:https";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { issue } from "../../services/trust.ts";
import { portOf, serveEdge } from "./edge.ts";
import { type Account, NO_ACCOUNT } from "./state.ts";

let state: string;
let ca: string;
let account: Account;
let edge: Server[];
let origins: Server[];
let seen: IncomingMessage["headers"][];

const listening = async (server: Server) => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  origins.push(server);
  return portOf(server);
};
const pair = async (name: string, names: string[]) => {
  const { key, cert } = await issue(state, name, names);
  return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
};

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), "infra-k3s-edge-"));
  execFileSync("mkdir", [join(state, "ca")]);
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9", "-subj", "/CN=test"]; // prettier-ignore
  execFileSync("openssl", [...args, "-keyout", join(state, "ca/ca.key"), "-out", join(state, "ca/ca.pem")], { stdio: "ignore" }); // prettier-ignore
  ca = readFileSync(join(state, "ca/ca.pem"), "utf8");
  [origins, seen] = [[], []];
  const answer = (asked: IncomingMessage, response: { end: (body: string) => void }) => {
    seen.push(asked.headers);
    response.end(`${"encrypted" in asked.socket ? "https" : "http"} ${asked.method} ${asked.url}`);
  };
  const good = await listening(createServer(await pair("origin", ["*.example.com", "example.com"]), answer));
  const plain = await listening(createPlain(answer));
  const record = { id: "1", zone_id: "z", ttl: 1, comment: null, tags: [], created_on: "", modified_on: "" };
  account = {
    ...NO_ACCOUNT,
    zones: [{ id: "z", name: "example.com", settings: { ssl: "strict" } }],
    records: [
      { ...record, name: "*.example.com", type: "A", content: "127.0.0.1", proxied: true },
      { ...record, name: "bare.example.com", type: "A", content: "127.0.0.1", proxied: false },
    ],
  };
  edge = await serveEdge({
    addresses: ["127.0.0.1"],
    account: () => account,
    certificate: (zone) => pair("edge", [zone, `*.${zone}`]),
    authorities: () => [ca],
    ports: { plain: 0, secure: 0, originPlain: plain, originSecure: good },
  });
});
afterEach(() => {
  for (const server of [...edge, ...origins]) server.close();
  rmSync(state, { recursive: true, force: true });
});

function get(host: string, path = "/x?y=1"): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const secure = edge[1];
    if (secure === undefined) throw new Error("no edge");
    const options = { host: "127.0.0.1", port: portOf(secure), path, servername: host, ca, agent: false as const, headers: { host, "x-forwarded-for": "192.0.2.1" } }; // prettier-ignore
    request(options, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
      .on("error", reject)
      .end();
  });
}

const ssl = (mode: string) => Object.assign(account.zones[0]?.settings ?? {}, { ssl: mode });

test("asks the origin over TLS that it has verified, and tells it who asked", async () => {
  expect(await get("app.example.com")).toEqual({ status: 200, body: "https GET /x?y=1" });
  expect(seen[0]).toMatchObject({
    host: "app.example.com",
    "cf-connecting-ip": "127.0.0.1",
    "x-forwarded-for": "192.0.2.1, 127.0.0.1",
    "x-forwarded-proto": "https",
  });
});

test("flexible asks in plain text; full takes any certificate, strict one that is verified alone", async () => {
  ssl("flexible");
  expect((await get("app.example.com")).body).toBe("http GET /x?y=1");
  const strangers = createServer(await pair("other", ["other.example.org"]), (_, response) =>
    response.end("any"),
  );
  const port = await listening(strangers);
  for (const server of edge.splice(0)) server.close();
  edge = await serveEdge({
    addresses: ["127.0.0.1"],
    account: () => account,
    certificate: (zone) => pair("edge", [zone, `*.${zone}`]),
    authorities: () => [ca],
    ports: { plain: 0, secure: 0, originPlain: 1, originSecure: port },
  });
  ssl("full");
  expect((await get("app.example.com")).body).toBe("any");
  ssl("strict");
  expect((await get("app.example.com")).status).toBe(526);
});

test("an origin that is down is 521; a name that is not proxied, or too deep, is not the edge's", async () => {
  for (const server of origins.splice(0)) server.close();

  expect((await get("app.example.com")).status).toBe(521);
  expect((await get("bare.example.com")).status).toBe(530);
  await expect(get("a.b.example.com")).rejects.toThrow(/alert|handshake|socket/i);
});
