import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * https-probe.ts HOST ADDRESS SECONDS: a client that never retries. Ten requests a second, each on a connection of its own
 * to that address, with the certificate verified for HOST; one JSON line for each. Ends early at SIGTERM.
 */
const [host = "", address = "", seconds = "10"] = process.argv.slice(2);
const PATIENCE_MS = 20_000;

export interface Asked {
  at: string;
  ms: number;
  /** 0 where no answer came; `error` says why. */
  status: number;
  error: string;
  serial: string;
}

function ask(): Promise<Asked> {
  const began = Date.now();
  const at = new Date(began).toISOString();
  return new Promise((resolve) => {
    let serial = "";
    const done = (status: number, error: string) =>
      resolve({ at, ms: Date.now() - began, status, error, serial });
    const asked = request(
      { host: address, servername: host, headers: { host }, path: "/", agent: false, timeout: PATIENCE_MS },
      (response) => {
        response.resume().on("end", () => done(response.statusCode ?? 0, ""));
        response.on("error", (error) => done(0, error.message));
      },
    );
    asked.on("socket", (socket) =>
      socket.once("secureConnect", () => {
        serial = (socket as import("node:tls").TLSSocket).getPeerCertificate().serialNumber;
      }),
    );
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
    asked.on("error", (error) => done(0, error.message));
    asked.end();
  });
}

const ended = new AbortController();
process.on("SIGTERM", () => ended.abort());
const end = Date.now() + Number(seconds) * 1000;
const open: Promise<void>[] = [];
while (!ended.signal.aborted && Date.now() < end) {
  open.push(ask().then((asked) => void process.stdout.write(`${JSON.stringify(asked)}\n`)));
  await sleep(100);
}
await Promise.all(open);
