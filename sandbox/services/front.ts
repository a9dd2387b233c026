import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { forward, refuseNonce, type Upstream } from "./forward.ts";
import type { Api, Reply } from "./api.ts";
import { type Fault, takeFault } from "./faults.ts";
import { sendFile } from "./files.ts";

export interface FrontOptions {
  address: string;
  /** 443, but for tests. */
  port?: number;
  key: string;
  cert: string;
  /** The hosts answered for; a client that names another is not spoken to. */
  names: readonly string[];
  /** Folder with a folder per host name, and below it the paths it serves. */
  mirror: string;
  /** Names that an API answers for, and not the mirror. */
  apis: Readonly<Record<string, Api>>;
  /** Names that another server of the sandbox's answers for. */
  upstreams?: Readonly<Record<string, Upstream>>;
  requestLog: string;
  /** The fault schedule's file. */
  faults: string;
}

/** One HTTPS server for every name that is not headscale's: files of the mirror, and the simulated APIs. */
export async function serveFront(options: FrontOptions): Promise<Server> {
  const context = createSecureContext({ key: readFileSync(options.key), cert: readFileSync(options.cert) });
  const server = createServer(
    {
      SNICallback: (name, done) => {
        if (options.names.includes(name)) done(null, context);
        else done(new Error(`${name} is not a name of this sandbox`));
      },
    },
    (request, response) => {
      respond(options, request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end(`${String(error)}\n`);
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(options.port ?? 443, options.address, resolve);
  });
  return server;
}

async function respond(
  options: FrontOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const host = (request.headers.host ?? "").split(":")[0] ?? "";
  const path = request.url ?? "/";
  const method = request.method ?? "GET";
  const began = Date.now();
  const client = request.socket.remoteAddress;
  const api = options.names.includes(host) ? options.apis[host] : undefined;
  const body = api === undefined ? "" : await text(request);
  const called = path + calledInBody(request, body);
  const taken = takeFault(options.faults, { host, method, path: called });
  // Of those meant for a share of requests, some strike nobody.
  const fault = draw(taken?.times ?? 0) < (taken?.badNonce ?? 1) ? taken : undefined;
  response.once("close", () => {
    const entry = {
      at: new Date(began).toISOString(),
      client,
      host,
      method,
      path: called,
      status: response.statusCode,
      ms: Date.now() - began,
      ...(fault === undefined ? {} : { fault }),
      ...(response.writableFinished ? {} : { cut: true }),
    };
    appendFileSync(options.requestLog, `${JSON.stringify(entry)}\n`);
  });
  const upstream = options.names.includes(host) ? options.upstreams?.[host] : undefined;
  if (fault !== undefined) {
    await sleep(fault.delayMs);
    if (fault.badNonce !== undefined && upstream !== undefined) return refuseNonce(upstream, host, response);
    if (fault.status !== undefined) {
      response.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    spoil(response, fault);
  }
  if (!options.names.includes(host)) {
    response.writeHead(421, { "content-type": "text/plain" }).end(`${host} is not served here\n`);
    return;
  }
  if (upstream !== undefined) return forward(upstream, request, response);
  if (api === undefined) return sendFile(join(options.mirror, host), path, request, response);
  const { headers } = request;
  const authorization = headers.authorization ?? "";
  answer(response, await api({ method, host, path, headers, authorization, body, client }));
}

/** A number from 0 to 1 that is the same in each run of a test. */
function draw(seed: number): number {
  return createHash("sha256").update(String(seed)).digest().readUInt32BE() / 2 ** 32;
}

/** What AWS's services are called for stands in the body or a header; in a path it is seen, and can be made to fail. */
function calledInBody({ headers }: IncomingMessage, body: string): string {
  const target = headers["x-amz-target"];
  if (typeof target === "string") return `?Action=${target.split(".").at(-1)}`;
  if (!(headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded")) return "";
  const form = new URLSearchParams(body);
  const action = form.get("Action");
  if (action === null) return "";
  return `?Action=${action}${form.get("DryRun") === "true" ? "&DryRun=true" : ""}`;
}

function answer(response: ServerResponse, { status, body, headers }: Reply): void {
  const content = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const type = { "content-type": "application/json", "content-length": Buffer.byteLength(content) };
  response.writeHead(status, { ...(body === undefined ? {} : type), ...headers }).end(content);
}

/** Lets the server do its work, but ends the connection before or within the answer. */
function spoil(response: ServerResponse, { lostReply, truncateAt }: Fault): void {
  const limit = lostReply ? 0 : truncateAt;
  if (limit === undefined) return;
  const send = response.write.bind(response);
  let sent = 0;
  const cut = (chunk: unknown): boolean => {
    const bytes = Buffer.from(chunk as Uint8Array);
    const part = bytes.subarray(0, Math.max(0, limit - sent));
    sent += bytes.length;
    const over = sent >= limit;
    if (lostReply) response.destroy();
    else if (part.length > 0) send(part, () => over && response.destroy());
    else if (over) response.destroy();
    return !over;
  };
  response.write = cut as typeof response.write;
  response.end = ((chunk?: unknown) => {
    if (chunk !== undefined && typeof chunk !== "function") cut(chunk);
    if (lostReply || sent < limit) response.destroy();
    return response;
  }) as typeof response.end;
}
