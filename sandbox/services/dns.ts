import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { type Answer, decode, encode, type Packet } from "dns-packet";

export interface DnsEvent {
  client: string;
  name: string;
  type: string;
  found: boolean;
}

type Log = (event: DnsEvent) => void;
type Zone = ReadonlyMap<string, string>;

/** What a zone says of a name in it. */
export interface Hosted {
  zone: string;
  soa: { mname: string; rname: string; serial: number; refresh: number; retry: number; expire: number; minimum: number }; // prettier-ignore
  /** False: the name does not exist. True without a record of the asked type: it has none. */
  exists: boolean;
  records: readonly { type: "A" | "AAAA" | "CNAME" | "TXT" | "NS"; ttl: number; data: string }[];
}

/** The zones that somebody hosts; undefined where none has the name. */
export type Hosting = (name: string) => Hosted | undefined;

const RECURSION_DESIRED = 0x100;
const RECURSION_AVAILABLE = 0x80;
const AUTHORITATIVE = 0x400;
const NXDOMAIN = 3;

/** Answers from the names and the hosted zones alone; what is in neither does not exist, and is said so at once. */
export function answer(query: Packet, zone: Zone, hosting: Hosting = () => undefined): Packet {
  const question = query.questions?.[0];
  const name = question?.name.toLowerCase() ?? "";
  const address = zone.get(name);
  const hosted = address === undefined ? hosting(name) : undefined;
  if (question !== undefined && hosted !== undefined)
    return fromZone(query, name, question.type, hosted, hosting);
  const base = RECURSION_AVAILABLE | ((query.flags ?? 0) & RECURSION_DESIRED);
  return {
    type: "response",
    id: query.id ?? 0,
    flags: base | (address === undefined ? NXDOMAIN : 0),
    questions: query.questions ?? [],
    answers:
      address !== undefined && question?.type === "A"
        ? [{ type: "A", class: "IN", name, ttl: 5, data: address }]
        : [],
  };
}

const ALIASES = 8;

/** https://www.rfc-editor.org/rfc/rfc1034#section-4.3.2: an alias is followed, and what is not there comes with the SOA. */
function fromZone(query: Packet, asked: string, type: string, first: Hosted, hosting: Hosting): Packet {
  const answers: Answer[] = [];
  let hosted: Hosted | undefined = first;
  for (let name = asked, alias = 0; hosted !== undefined && alias < ALIASES; alias++) {
    const { records }: Hosted = hosted;
    const fitting = records.filter((record) => record.type === type);
    const canonical = fitting.length === 0 ? records.find((record) => record.type === "CNAME") : undefined;
    const told = canonical === undefined ? fitting : [canonical];
    answers.push(...told.map((record) => ({ ...record, class: "IN" as const, name })));
    if (canonical === undefined) break;
    name = canonical.data.toLowerCase();
    hosted = hosting(name);
  }
  const base = RECURSION_AVAILABLE | AUTHORITATIVE | ((query.flags ?? 0) & RECURSION_DESIRED);
  const soa: Answer = { type: "SOA", class: "IN", name: first.zone, ttl: 60, data: first.soa };
  return {
    type: "response",
    id: query.id ?? 0,
    flags: base | (first.exists ? 0 : NXDOMAIN),
    questions: query.questions ?? [],
    answers: type === "SOA" && asked === first.zone ? [soa] : answers,
    authorities: answers.length === 0 && type !== "SOA" ? [soa] : [],
  };
}

/** Serves the zone over UDP and TCP on these addresses. Returns what ends it. */
export async function serveDns(
  addresses: readonly string[],
  zone: Zone,
  log: Log,
  port = 53,
  hosting?: Hosting,
): Promise<() => void> {
  const handle = (message: Buffer, client: string): Buffer | undefined => {
    try {
      const reply = answer(decode(message), zone, hosting);
      const { name = "", type = "" } = reply.questions?.[0] ?? {};
      log({ client, name, type, found: ((reply.flags ?? 0) & NXDOMAIN) === 0 });
      return encode(reply);
    } catch {
      // Not DNS: no answer.
      return undefined;
    }
  };
  const closers = await Promise.all(
    addresses.flatMap((address) => [serveUdp(address, port, handle), serveTcp(address, port, handle)]),
  );
  return () => {
    for (const close of closers) close();
  };
}

type Handle = (message: Buffer, client: string) => Buffer | undefined;

function serveUdp(address: string, port: number, handle: Handle): Promise<() => void> {
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => {
    const reply = handle(message, from.address);
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject).bind(port, address, () => resolve(() => socket.close()));
  });
}

/** Over TCP each message comes after its length in two bytes, several in a row on one connection. */
function serveTcp(address: string, port: number, handle: Handle): Promise<() => void> {
  const server = createServer((socket) => {
    let held = Buffer.alloc(0);
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= held.readUInt16BE(0) + 2) {
        const end = held.readUInt16BE(0) + 2;
        const reply = handle(held.subarray(2, end), socket.remoteAddress ?? "");
        held = held.subarray(end);
        if (reply === undefined) {
          socket.destroy();
          return;
        }
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([length, reply]));
      }
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(port, address, () => resolve(() => server.close()));
  });
}
