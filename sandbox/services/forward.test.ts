import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { rateLimited } from "./acme.ts";
import { type FaultRequest, setFaults } from "./faults.ts";
import { serveFront } from "./front.ts";
import { ensureTrust, issue } from "./trust.ts";

const HOST = "acme-v02.api.letsencrypt.org";
let folder: string;
let ca: string;
const servers: Server[] = [];
let port: number;
let asked: string[] = [];

/** What stands behind the name: it says what it was asked, and gives a nonce as Pebble does. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-forward-"));
  await ensureTrust({ name: "test", id: "test", index: 0 }, folder);
  ca = readFileSync(join(folder, "ca/ca.pem"), "utf8");
  const own = await issue(folder, "pebble", ["localhost"]);
  let nonces = 0;
  const pebble = createServer(
    { key: readFileSync(own.key), cert: readFileSync(own.cert) },
    (asking, response) => {
      void text(asking).then((body) => {
        asked.push(`${asking.method} ${asking.headers.host} ${asking.url} ${body}`);
        response.writeHead(201, {
          "replay-nonce": `nonce-${++nonces}`,
          location: `https://${asking.headers.host}/my-order/1`,
        });
        return response.end(asking.method === "HEAD" ? undefined : "made");
      });
    },
  );
  await new Promise<void>((resolve) => void pebble.listen(0, "127.0.0.1", resolve));
  const front = await serveFront({
    address: "127.0.0.1",
    port: 0,
    ...(await issue(folder, "front", [HOST])),
    names: [HOST],
    mirror: join(folder, "mirror"),
    apis: {},
    upstreams: {
      [HOST]: { port: (pebble.address() as AddressInfo).port, ca, paths: { "/directory": "/dir" } },
    },
    requestLog: join(folder, "requests.jsonl"),
    faults: join(folder, "faults.json"),
  });
  port = (front.address() as AddressInfo).port;
  servers.push(pebble, front);
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  fault();
  asked = [];
});

const fault = (...faults: FaultRequest[]) => setFaults(join(folder, "faults.json"), faults);

function call(method: string, path: string, body?: string) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      request(
        {
          host: "127.0.0.1",
          port,
          path,
          method,
          servername: HOST,
          headers: { host: HOST },
          ca,
          agent: false,
        },
        (answer) => {
          text(answer).then(
            (said) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: said }),
            reject,
          );
        },
      )
        .on("error", reject)
        .end(body);
    },
  );
}

test("Let's Encrypt's directory is Pebble's; all else goes on as it is, under the name it was asked by", async () => {
  expect(await call("GET", "/directory")).toMatchObject({ status: 201, body: "made" });
  const order = await call("POST", "/order-plz", "an order");

  expect(order.headers).toMatchObject({ location: `https://${HOST}/my-order/1`, "replay-nonce": "nonce-2" });
  expect(asked).toEqual([`GET ${HOST} /dir `, `POST ${HOST} /order-plz an order`]);
});

/** The answers to 40 orders of which most are to be refused. */
async function fortyOrders() {
  fault({ host: HOST, method: "POST", badNonce: 0.9, times: 40 });
  const answers = [];
  for (let index = 0; index < 40; index++) answers.push(await call("POST", "/order-plz", "an order"));
  return answers;
}

test("a share of the POSTs is refused for the nonce, with a fresh one, and the same ones in each run", async () => {
  const first = await fortyOrders();
  const refused = first.filter(({ status }) => status === 400);

  expect(refused.length).toBeGreaterThan(30);
  expect(refused.length).toBeLessThan(40);
  expect(asked.filter((one) => one.startsWith("POST"))).toHaveLength(40 - refused.length);
  expect(new Set(refused.map(({ headers }) => headers["replay-nonce"])).size).toBe(refused.length);
  expect(JSON.parse(refused[0]?.body ?? "")).toMatchObject({
    type: "urn:ietf:params:acme:error:badNonce",
    status: 400,
  });
  expect(refused[0]?.headers["content-type"]).toBe("application/problem+json");
  expect((await fortyOrders()).map(({ status }) => status)).toEqual(first.map(({ status }) => status));
});

test("what the faults are not for is answered", async () => {
  fault({ host: HOST, method: "POST", badNonce: 1, times: 5 });
  expect(await call("GET", "/directory")).toMatchObject({ status: 201 });
});

test("one order too many is refused as Let's Encrypt does; the rest of the protocol goes on", async () => {
  fault(rateLimited());
  const refused = await call("POST", "/order-plz", "an order");

  expect(refused).toMatchObject({
    status: 429,
    headers: { "content-type": "application/problem+json", "retry-after": "3600" },
  });
  expect(JSON.parse(refused.body)).toMatchObject({
    type: "urn:ietf:params:acme:error:rateLimited",
    status: 429,
  });
  expect(await call("POST", "/sign-me-up", "an account")).toMatchObject({ status: 201 });
});
