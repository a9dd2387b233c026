import { appendFileSync, createReadStream, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { join, normalize } from "node:path";
import { text } from "node:stream/consumers";
import type { Reply, Request } from "./tailscale-api.ts";

export interface FrontOptions {
  address: string;
  key: string;
  cert: string;
  /** Folder with a folder per host name, and below it the paths it serves. */
  mirror: string;
  api: (request: Request) => Promise<Reply>;
  requestLog: string;
}

/** One HTTPS server for every name that is not headscale's: files of the mirror, and Tailscale's API. */
export function serveFront(options: FrontOptions): Promise<void> {
  const server = createServer({ key: readFileSync(options.key), cert: readFileSync(options.cert) }, (request, response) => {
    respond(options, request, response).catch((error: unknown) => {
      response.writeHead(500).end(`${String(error)}\n`);
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(443, options.address, resolve);
  });
}

async function respond(options: FrontOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const host = (request.headers.host ?? "").split(":")[0] ?? "";
  const path = request.url ?? "/";
  response.once("close", () => {
    const entry = { at: new Date().toISOString(), host, method: request.method, path, status: response.statusCode };
    appendFileSync(options.requestLog, `${JSON.stringify(entry)}\n`);
  });
  if (host !== "api.tailscale.com") return sendFile(join(options.mirror, host), path, request, response);
  const { status, body } = await options.api({
    method: request.method ?? "GET",
    path,
    authorization: request.headers.authorization ?? "",
    body: await text(request),
  });
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function sendFile(root: string, url: string, request: IncomingMessage, response: ServerResponse): void {
  const file = join(root, normalize(decodeURIComponent(url.split("?")[0] ?? "/")));
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!file.startsWith(`${root}/`) || stat?.isFile() !== true) {
    response.writeHead(404, { "content-type": "text/plain" }).end("Not Found: the sandbox's mirror does not have this\n");
    return;
  }
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": stat.size,
    "last-modified": stat.mtime.toUTCString(),
  });
  if (request.method === "HEAD") response.end();
  else createReadStream(file).pipe(response);
}
