import { createReadStream, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join, normalize } from "node:path";
import { pipeline } from "node:stream/promises";

/** Sends a file below `root` as a download host does: whole, by HEAD, or one range of it. */
export async function sendFile(
  root: string,
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const file = locate(root, url);
  const stat = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false });
  if (file === undefined || stat?.isFile() !== true) {
    end(response, 404, "Not Found: the sandbox's mirror does not have this\n");
    return;
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    end(response, 405, `${request.method} is not for files\n`);
    return;
  }
  const range = parseRange(request.headers.range, stat.size);
  if (range === "unsatisfiable") {
    response.setHeader("content-range", `bytes */${stat.size}`);
    end(response, 416, "no such range\n");
    return;
  }
  const { start, end: last } = range ?? { start: 0, end: stat.size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    "content-type": "application/octet-stream",
    "content-length": last - start + 1,
    "last-modified": stat.mtime.toUTCString(),
    "accept-ranges": "bytes",
    ...(range === undefined ? {} : { "content-range": `bytes ${start}-${last}/${stat.size}` }),
  });
  if (request.method === "HEAD" || stat.size === 0) response.end();
  else await pipeline(createReadStream(file, { start, end: last }), response);
}

/** Undefined for what can't be a file of the mirror, whatever the URL tries. */
function locate(root: string, url: string): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(url.split("?")[0] ?? "/");
  } catch {
    return undefined;
  }
  const file = join(root, normalize(path));
  return file.startsWith(`${root}/`) && !file.includes("\0") ? file : undefined;
}

/** One range, as RFC 9110 14.1.2 writes it; several at once are answered with the whole, as it allows. */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  const range =
    first === ""
      ? { start: Math.max(0, size - Number(last)), end: size - 1 }
      : { start: Number(first), end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
  if (range.start >= size || (first !== "" && last !== "" && Number(last) < Number(first))) {
    return "unsatisfiable";
  }
  return range;
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(text);
}
