import { randomBytes } from "node:crypto";
import {
  type IncomingMessage,
  request as overHttp,
  type RequestOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createPlain } from "node:http";
import { createServer as createSecure, request as overHttps } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { isIPv6 } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { callbackify } from "node:util";
import { originsOf } from "./dns.ts";
import type { Account } from "./state.ts";

export interface EdgeOptions {
  addresses: readonly string[];
  account: () => Account;
  /** A certificate for a zone and one level below it, as Universal SSL has it. */
  certificate: (zone: string) => Promise<{ key: string; cert: string }>;
  /** Whom Full (strict) believes: PEM. */
  authorities: () => string[];
  /** 80 and 443, but for tests. */
  ports?: { plain: number; secure: number; originPlain: number; originSecure: number };
}

const PORTS = { plain: 80, secure: 443, originPlain: 80, originSecure: 443 };

/** What Cloudflare says in an origin's place: https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/ */
const FAULTS: readonly [RegExp, number, string][] = [
  [/ECONNREFUSED/, 521, "Web server is down"],
  [/ETIMEDOUT|timed out/, 522, "Connection timed out"],
  [/EHOSTUNREACH|ENETUNREACH/, 523, "Origin is unreachable"],
  [/certificate|CERT|altname/i, 526, "Invalid SSL certificate"],
  [/SSL|EPROTO|TLS|handshake/i, 525, "SSL handshake failed"],
];
const PATIENCE_MS = 15_000;

/**
 * Stands in for Cloudflare's edge: ends TLS for the names of proxied records, and asks their origin by the zone's SSL mode, with the
 * client's address in a header. https://developers.cloudflare.com/fundamentals/reference/http-headers/
 */
export async function serveEdge(options: EdgeOptions): Promise<Server[]> {
  const ports = options.ports ?? PORTS;
  const contexts = new Map<string, SecureContext>();
  const contextOf = async (name: string): Promise<SecureContext> => {
    const zone = options.account().zones.find((one) => isCovered(name, one.name));
    // Cloudflare has no certificate for deeper names, and ends the handshake.
    if (zone === undefined) throw new Error(`no certificate for ${name}`);
    const context = contexts.get(zone.name) ?? createSecureContext(await options.certificate(zone.name));
    contexts.set(zone.name, context);
    return context;
  };
  const secure = () =>
    createSecure({
      SNICallback: callbackify(contextOf),
    });
  const servers = options.addresses.flatMap((address) => [
    { server: createPlain(), address, port: ports.plain, scheme: "http" as const },
    { server: secure(), address, port: ports.secure, scheme: "https" as const },
  ]);
  return Promise.all(
    servers.map(async ({ server, address, port, scheme }) => {
      server.on("request", (request, response) => void pass(options, scheme, request, response));
      server.on(
        "upgrade",
        (request: IncomingMessage, socket: Socket, head: Buffer) =>
          void upgrade(options, scheme, request, socket, head),
      );
      await new Promise<void>(
        (resolve, reject) => void server.once("error", reject).listen(port, address, resolve),
      );
      return server;
    }),
  );
}

const isCovered = (name: string, zone: string) =>
  name === zone || (name.endsWith(`.${zone}`) && !name.slice(0, -zone.length - 1).includes("."));

/** The question to the origin; undefined where no proxied record has the name. */
function question(
  { account, addresses, authorities, ports = PORTS }: EdgeOptions,
  scheme: "http" | "https",
  request: IncomingMessage,
): { secure: boolean; options: RequestOptions } | undefined {
  const host = (request.headers.host ?? "").split(":")[0] ?? "";
  const found = originsOf(account(), host);
  const [origin] = found?.origins ?? [];
  if (found === undefined || origin === undefined) return undefined;
  const mode = found.zone.settings["ssl"] ?? "full";
  const secure = scheme === "https" && mode !== "flexible" && mode !== "off";
  const client = request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
  const before = request.headers["x-forwarded-for"];
  return {
    secure,
    options: {
      host: origin,
      port: secure ? ports.originSecure : ports.originPlain,
      method: request.method,
      path: request.url,
      // The origin's firewall knows Cloudflare by its addresses.
      localAddress: addresses.find((address) => isIPv6(address) === isIPv6(origin)),
      timeout: PATIENCE_MS,
      headers: {
        ...request.headers,
        "cf-connecting-ip": client,
        "cf-ray": `${randomBytes(8).toString("hex")}-FRA`,
        "cf-visitor": JSON.stringify({ scheme }),
        "cdn-loop": "cloudflare; loops=1",
        "x-forwarded-for": before === undefined ? client : `${String(before)}, ${client}`,
        "x-forwarded-proto": scheme,
      },
      ...(secure ? { servername: host, rejectUnauthorized: mode === "strict", ca: authorities() } : {}),
    },
  };
}

async function pass(
  options: EdgeOptions,
  scheme: "http" | "https",
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = question(options, scheme, request);
  if (asked === undefined) return refuse(response, 530, "Origin DNS error (1016)");
  const toOrigin = (asked.secure ? overHttps : overHttp)(asked.options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, { ...answer.headers, server: "cloudflare" });
    answer.pipe(response);
  });
  toOrigin.on("timeout", () => toOrigin.destroy(new Error("timed out")));
  toOrigin.on("error", (error) => {
    const said = `${(error as NodeJS.ErrnoException).code ?? ""} ${error.message}`;
    const [, status, text] = FAULTS.find(([pattern]) => pattern.test(said)) ?? [/./, 520, said];
    if (response.headersSent) response.destroy();
    else refuse(response, status, text);
  });
  request.pipe(toOrigin);
}

async function upgrade(
  options: EdgeOptions,
  scheme: "http" | "https",
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const asked = question(options, scheme, request);
  if (asked === undefined) return void socket.destroy();
  const toOrigin = (asked.secure ? overHttps : overHttp)(asked.options);
  toOrigin.on("upgrade", (answer, origin, first) => {
    const headers = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join("")}\r\n`);
    socket.write(first);
    origin.write(head);
    for (const [one, other] of [[socket, origin], [origin, socket]] as const) one.pipe(other).on("error", () => one.destroy()); // prettier-ignore
  });
  toOrigin.on("response", () => socket.destroy());
  toOrigin.on("error", () => socket.destroy());
  toOrigin.end();
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { "content-type": "text/plain", server: "cloudflare" })
    .end(`error ${status}: ${text}\n`);
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;
