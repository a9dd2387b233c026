import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { decode, encode, type Packet } from "dns-packet";

export interface DnsEvent {
  client: string;
  name: string;
  type: string;
  found: boolean;
}

type Log = (event: DnsEvent) => void;
type Zone = ReadonlyMap<string, string>;

const RECURSION_DESIRED = 0x100;
const RECURSION_AVAILABLE = 0x80;
const NXDOMAIN = 3;

/** Answers from the zone alone; what is not in it does not exist, and is said so at once. */
export function answer(query: Packet, zone: Zone): Packet {
  const question = query.questions?.[0];
  const name = question?.name.toLowerCase() ?? "";
  const address = zone.get(name);
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

/** Serves the zone over UDP and TCP on these addresses. Returns what ends it. */
export async function serveDns(
  addresses: readonly string[],
  zone: Zone,
  log: Log,
  port = 53,
): Promise<() => void> {
  const handle = (message: Buffer, client: string): Buffer | undefined => {
    try {
      const reply = answer(decode(message), zone);
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
