import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import type { Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FaultRequest, readFaults, setFaults } from "./faults.ts";
import { serveFront } from "./front.ts";
import { DEBIAN_HOST, FRONT_NAMES } from "./names.ts";
import { ensureTrust, issue } from "./trust.ts";

const K3S = "/k3s-io/k3s/releases/download/v1.36.3%2Bk3s1/k3s";
const CONTENT = "0123456789".repeat(50);
let folder: string;
let ca: string;
let server: Server;
let port: number;
const asked: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-front-"));
  await ensureTrust({ name: "test", id: "test", index: 0 }, folder);
  ca = readFileSync(join(folder, "ca/ca.pem"), "utf8");
  const release = join(folder, "mirror/github.com/k3s-io/k3s/releases/download/v1.36.3+k3s1");
  mkdirSync(release, { recursive: true });
  writeFileSync(join(release, "k3s"), CONTENT);
  writeFileSync(join(folder, "secret"), "not for the mirror");
  server = await serveFront({
    address: "127.0.0.1",
    port: 0,
    ...(await issue(folder, "front", FRONT_NAMES)),
    names: FRONT_NAMES,
    mirror: join(folder, "mirror"),
    apis: {
      "api.tailscale.com": async ({ method, path, body }) => {
        asked.push(`${method} ${path} ${body}`);
        return { status: 200, body: { asked: body } };
      },
      "api.vultr.com": async ({ client }) => ({ status: 200, body: client }),
    },
    requestLog: join(folder, "requests.jsonl"),
    faults: join(folder, "faults.json"),
  });
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  setFaults(join(folder, "faults.json"), []);
  asked.length = 0;
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

function get(
  host: string,
  path: string,
  options: {
    method?: string;
    headers?: Record<string, string>;
    body?: string;
    sni?: string;
    trust?: string;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method: options.method ?? "GET",
        servername: options.sni ?? host,
        headers: { host, ...options.headers },
        ca: options.trust ?? ca,
        agent: false,
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end(options.body);
  });
}

describe("certificates", () => {
  test.each(FRONT_NAMES)("are good for %s to who trusts the sandbox's authority", async (name) => {
    // Node checks chain and name before it sends anything.
    expect((await get(name, "/nothing")).status).toBeGreaterThan(0);
  });

  test("are good for nobody else", async () => {
    await expect(get("github.com", K3S, { trust: "" })).rejects.toThrow(/certificate/);
  });

  test("are not given for a name that the sandbox does not have", async () => {
    await expect(get("example.org", "/")).rejects.toThrow(/ECONNRESET|socket|TLS|SSL/);
    await expect(get("github.com", "/", { sni: "" })).rejects.toThrow(/handshake|SSL|TLS|socket/);
  });
});

describe("the mirror", () => {
  test("answers upstream's URL, its plus sign written either way", async () => {
    expect(await get("github.com", K3S)).toMatchObject({ status: 200, text: CONTENT });
    expect(await get("github.com", K3S.replace("%2B", "+"))).toMatchObject({ status: 200, text: CONTENT });
  });

  test("answers HEAD and ranges", async () => {
    const head = await get("github.com", K3S, { method: "HEAD" });
    expect(head).toMatchObject({
      status: 200,
      text: "",
      headers: { "content-length": "500", "accept-ranges": "bytes" },
    });
    const part = await get("github.com", K3S, { headers: { range: "bytes=498-" } });
    expect(part).toMatchObject({
      status: 206,
      text: "89",
      headers: { "content-range": "bytes 498-499/500" },
    });
    expect(await get("github.com", K3S, { headers: { range: "bytes=500-" } })).toMatchObject({ status: 416 });
  });

  test("says that it does not have what it does not have", async () => {
    expect(await get("github.com", `${K3S}-arm64`)).toMatchObject({
      status: 404,
      text: expect.stringContaining("mirror"),
    });
    expect(await get(DEBIAN_HOST, K3S)).toMatchObject({ status: 404 });
    expect(await get("github.com", "/k3s-io")).toMatchObject({ status: 404 });
  });

  test.each(["/../secret", "/%2e%2e/secret", "/..%2f..%2fsecret", "/../../secret", "/%", "/%00"])(
    "gives nothing from outside itself: %s",
    async (path) => {
      expect((await get("github.com", path)).status).toBe(404);
    },
  );

  test("has no host but its own", async () => {
    expect(await get("..", "/secret", { sni: "github.com" })).toMatchObject({ status: 421 });
  });
});

const api = (fault: Omit<FaultRequest, "host">) =>
  setFaults(join(folder, "faults.json"), [{ host: "api.tailscale.com", ...fault }]);
const post = () => get("api.tailscale.com", "/api/v2/x", { method: "POST", body: "hello" });

const call = (body: string, headers: Record<string, string>) =>
  get("api.tailscale.com", "/", { method: "POST", body, headers });

describe("faults", () => {
  test("a status is answered instead, as often as asked for", async () => {
    api({ method: "POST", status: 503, body: "later", headers: { "retry-after": "1" }, times: 2 });
    expect(await post()).toMatchObject({ status: 503, text: "later", headers: { "retry-after": "1" } });
    expect(await post()).toMatchObject({ status: 503 });
    expect(asked).toEqual([]);
    expect(await post()).toMatchObject({ status: 200 });
    expect(readFaults(join(folder, "faults.json"))).toMatchObject([{ times: 0 }]);
  });

  test("a lost reply is done, but not heard of", async () => {
    api({ lostReply: true });
    await expect(post()).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(asked).toEqual(["POST /api/v2/x hello"]);
    expect(await post()).toMatchObject({ status: 200 });
  });

  test("a body ends where it is cut", async () => {
    api({ truncateAt: 5 });
    await expect(post()).rejects.toThrow(/aborted|ECONNRESET/);
    setFaults(join(folder, "faults.json"), [{ host: "github.com", truncateAt: 100 }]);
    await expect(get("github.com", K3S)).rejects.toThrow(/aborted|ECONNRESET/);
    expect(await get("github.com", K3S)).toMatchObject({ text: CONTENT });
  });

  test("a delay comes before the answer", async () => {
    api({ delayMs: 300 });
    const began = Date.now();
    expect(await post()).toMatchObject({ status: 200 });
    expect(Date.now() - began).toBeGreaterThanOrEqual(295);
  });

  test("can be meant for one call of those whose name stands in the body or a header", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    api({ path: String.raw`^/\?Action=RunInstances$`, status: 500, times: 2 });

    expect(await call("Action=DescribeVpcs&Version=1", form)).toMatchObject({ status: 200 });
    expect(await call("Action=RunInstances&UserData=secret-body&DryRun=true", form)).toMatchObject({
      status: 200,
    });
    expect(await call("UserData=secret-body&Action=RunInstances", form)).toMatchObject({ status: 500 });
    expect(await call("{}", { "x-amz-target": "Service.RunInstances" })).toMatchObject({ status: 500 });
    await expect.poll(() => readLog().at(-1)).toMatchObject({ path: "/?Action=RunInstances", status: 500 });
  });

  test("meant for another request leave this one alone", async () => {
    api({ method: "DELETE", status: 500 });
    expect(await post()).toMatchObject({ status: 200 });
    api({ path: "^/api/v2/device/", status: 500 });
    expect(await post()).toMatchObject({ status: 200 });
  });
});

test("an API is told who asks", async () => {
  expect(await get("api.vultr.com", "/v2/account")).toMatchObject({ text: "127.0.0.1" });
});

test("every request is in the log, without its secrets", async () => {
  const before = readLog().length;
  await get("api.tailscale.com", "/api/v2/y", {
    headers: { authorization: "Bearer tskey-api-secret" },
    body: "secret-body",
  });
  await get("github.com", "/nothing");
  await expect.poll(() => readLog().length).toBe(before + 2);
  expect(readLog().slice(-2)).toMatchObject([
    { host: "api.tailscale.com", method: "GET", path: "/api/v2/y", status: 200, client: "127.0.0.1" },
    { host: "github.com", path: "/nothing", status: 404 },
  ]);
  expect(readFileSync(join(folder, "requests.jsonl"), "utf8")).not.toMatch(/secret-body|tskey-api-secret/);
});

function readLog(): object[] {
  return readFileSync(join(folder, "requests.jsonl"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as object);
}
