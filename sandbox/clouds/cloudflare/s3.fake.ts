import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

interface Stored {
  bytes: Buffer;
  /** Milliseconds since 1970. */
  modified: number;
}

/** As much of an S3 server as stands behind the gate in tests: objects in memory, lists of three, copies. Keys have their bucket. */
export class FakeS3 {
  readonly objects = new Map<string, Stored>();
  /** Called with each request, before it is answered; what it returns is the answer's status, 0 for the usual one. */
  onRequest: (method: string, key: string, parameters: URLSearchParams) => number = () => 0;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  put(key: string, content: string | Buffer): void {
    // Seconds, as most servers have it.
    this.objects.set(key, { bytes: Buffer.from(content), modified: Math.floor(Date.now() / 1000) * 1000 });
  }

  keys(prefix: string): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const key = decodeURIComponent(pathname).slice(1);
    const body = await buffer(request);
    const method = request.method ?? "";
    const source = request.headers["x-amz-copy-source"];
    const status = this.onRequest(source === undefined ? method : "COPY", key, searchParams);
    const end = (code: number, content: string | Buffer = "", headers: Record<string, string> = {}) =>
      response
        .writeHead(code, { date: new Date(Date.now()).toUTCString(), ...headers })
        .end(method === "HEAD" ? "" : content);
    const missing = () => end(404, "<Error><Code>NoSuchKey</Code></Error>");
    if (status !== 0) return void end(status, "<Error><Code>InternalError</Code></Error>");
    if (!key.includes("/")) return void end(200, this.#list(`${key}/`, searchParams));
    const found = this.objects.get(key);
    if (method === "GET" || method === "HEAD") {
      if (found === undefined) return void missing();
      const last = new Date(found.modified).toUTCString();
      return void end(200, found.bytes, {
        "last-modified": last,
        "content-length": String(found.bytes.length),
      });
    }
    if (method === "DELETE") {
      this.objects.delete(key);
      return void end(204);
    }
    const from =
      source === undefined ? undefined : this.objects.get(decodeURIComponent(String(source)).slice(1));
    if (source !== undefined && from === undefined) return void missing();
    this.put(key, from?.bytes ?? body);
    return void end(200, source === undefined ? "" : "<CopyObjectResult></CopyObjectResult>");
  }

  #list(bucket: string, parameters: URLSearchParams): string {
    const prefix = bucket + (parameters.get("prefix") ?? "");
    const after = parameters.get("continuation-token") ?? "";
    const keys = this.keys(prefix).filter((key) => key > after);
    const page = keys.slice(0, 3).map((key) => {
      const { bytes, modified } = this.objects.get(key) as Stored;
      const etag = createHash("md5").update(bytes).digest("hex");
      return `<Contents><Key>${key.slice(bucket.length)}</Key><LastModified>${new Date(modified).toISOString()}</LastModified><ETag>"${etag}"</ETag><Size>${bytes.length}</Size></Contents>`;
    });
    const more = keys.length > 3;
    const token = more ? `<NextContinuationToken>${keys[2]}</NextContinuationToken>` : "";
    return `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${more}</IsTruncated>${token}${page.join("")}</ListBucketResult>`;
  }
}
