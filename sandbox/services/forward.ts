import type { IncomingMessage, ServerResponse } from "node:http";
import { request as ask } from "node:https";

/** A server of the sandbox's on loopback that answers under a name of the internet's. */
export interface Upstream {
  port: number;
  /** Whom its certificate is by. */
  ca: string;
  /** Paths that it calls otherwise. */
  paths: Readonly<Record<string, string>>;
}

const options = ({ port, ca, paths }: Upstream, host: string, path: string, method: string) => ({
  host: "127.0.0.1",
  servername: "localhost",
  port,
  ca,
  method,
  path: paths[path] ?? path,
  // What it answers names itself by this.
  headers: { host },
});

/** Passes a request on as it is, but for the path, and its answer back. */
export function forward(
  upstream: Upstream,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url = "/", headers } = request;
  return new Promise((resolve, reject) => {
    const passed = ask(
      { ...options(upstream, headers.host ?? "", url, method), headers: { ...headers } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response).on("close", resolve);
      },
    );
    passed.on("error", reject);
    request.pipe(passed);
  });
}

/** Answers as an ACME server does that does not know a nonce, with one that it knows: RFC 8555, section 6.5. */
export function refuseNonce(upstream: Upstream, host: string, response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    ask(options(upstream, host, "/nonce-plz", "HEAD"), (answer) => {
      answer.resume();
      const problem = {
        type: "urn:ietf:params:acme:error:badNonce",
        detail: "JWS has an invalid anti-replay nonce",
        status: 400,
      };
      const nonce = String(answer.headers["replay-nonce"] ?? "");
      response
        .writeHead(400, { "content-type": "application/problem+json", "replay-nonce": nonce })
        .end(JSON.stringify(problem), resolve);
    })
      .on("error", reject)
      .end();
  });
}
