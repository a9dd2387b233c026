import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { decode, encode, type Packet, streamDecode, streamEncode } from "dns-packet";

/** Answers from the zone alone; what is not in it does not exist, and is said so at once. */
export function answer(query: Packet, zone: ReadonlyMap<string, string>): Packet {
  const question = query.questions?.[0];
  const name = question?.name.toLowerCase() ?? "";
  const address = zone.get(name);
  const RECURSION_AVAILABLE = 0x80;
  const RECURSION_DESIRED = 0x100;
  const NXDOMAIN = 3;
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

/** Serves the zone over UDP and TCP on these addresses. */
export async function serveDns(
  addresses: readonly string[],
  zone: ReadonlyMap<string, string>,
): Promise<void> {
  await Promise.all(addresses.flatMap((address) => [serveUdp(address, zone), serveTcp(address, zone)]));
}

function serveUdp(address: string, zone: ReadonlyMap<string, string>): Promise<void> {
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => {
    try {
      socket.send(encode(answer(decode(message), zone)), from.port, from.address);
    } catch {
      // Not DNS: no answer.
    }
  });
  return new Promise((resolve, reject) => {
    socket.once("error", reject).bind(53, address, resolve);
  });
}

function serveTcp(address: string, zone: ReadonlyMap<string, string>): Promise<void> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) return;
      socket.end(streamEncode(answer(streamDecode(received), zone)));
    });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(53, address, resolve);
  });
}
