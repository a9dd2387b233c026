import { createSocket } from "node:dgram";
import { once } from "node:events";
import { Resolver } from "node:dns/promises";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { decode, encode, type Packet, type RecordType, streamDecode, streamEncode } from "dns-packet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answer, type DnsEvent, serveDns } from "./dns.ts";
import { CONTROL_NAMES, DEBIAN_HOST, FRONT_NAMES, zone } from "./names.ts";

const names = zone({ name: "test", id: "test", index: 2 }, "0f".repeat(16));

function ask(name: string, type: RecordType = "A"): Packet {
  const query = encode({ type: "query", id: 77, flags: 0x100, questions: [{ type, name }] });
  return decode(encode(answer(decode(query), names)));
}

const code = (packet: Packet) => (packet.flags ?? 0) & 0xf;

describe("the sandbox's DNS", () => {
  test("knows every name that is served, at the address that serves it", () => {
    for (const name of FRONT_NAMES) expect(ask(name).answers).toMatchObject([{ data: "198.18.32.10" }]);
    for (const name of CONTROL_NAMES) expect(ask(name).answers).toMatchObject([{ data: "198.18.32.11" }]);
    expect(FRONT_NAMES).toContain(DEBIAN_HOST);
  });

  test("repeats id and question, and says that it recurses", () => {
    const reply = ask("github.com");
    expect(reply).toMatchObject({ type: "response", id: 77, questions: [{ name: "github.com", type: "A" }] });
    expect((reply.flags ?? 0) & 0x180).toBe(0x180);
  });

  test("takes names in any case", () => {
    expect(ask("GitHub.COM").answers).toHaveLength(1);
  });

  test("says of a name it does not know that it does not exist", () => {
    const reply = ask("example.org");
    expect(code(reply)).toBe(3);
    expect(reply.answers).toEqual([]);
    // Not a wildcard: what is below or above a name is another name.
    expect(code(ask("x.github.com"))).toBe(3);
  });

  test("says of a known name without IPv6 that it exists and has none", () => {
    const reply = ask("github.com", "AAAA");
    expect(code(reply)).toBe(0);
    expect(reply.answers).toEqual([]);
  });

  test("answers a query without a question", () => {
    expect(answer({ type: "query", id: 1 }, names).answers).toEqual([]);
  });
});

describe("over the network", () => {
  const PORT = 20_000 + (process.pid % 20_000);
  const log: DnsEvent[] = [];
  let close: () => void;
  beforeAll(async () => {
    close = await serveDns(["127.0.0.1"], names, (event) => log.push(event), PORT);
  });
  afterAll(() => close());

  test("an ordinary resolver gets its answers over UDP, and they are logged", async () => {
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${PORT}`]);
    expect(await resolver.resolve4("dl.k8s.io")).toEqual(["198.18.32.10"]);
    await expect(resolver.resolve4("example.org")).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(resolver.resolve6("dl.k8s.io")).rejects.toMatchObject({ code: "ENODATA" });
    expect(log).toMatchObject([
      { client: "127.0.0.1", name: "dl.k8s.io", type: "A", found: true },
      { name: "example.org", found: false },
      { name: "dl.k8s.io", type: "AAAA", found: true },
    ]);
  });

  test("two queries on one TCP connection get two answers", async () => {
    const socket = connect(PORT, "127.0.0.1");
    for (const [id, name] of [
      [1, "github.com"],
      [2, "dl.k8s.io"],
    ] as const) {
      socket.write(streamEncode({ type: "query", id, questions: [{ type: "A", name }] }));
    }
    const replies: Packet[] = [];
    let held = Buffer.alloc(0);
    for await (const chunk of socket) {
      held = Buffer.concat([held, chunk as Buffer]);
      while (held.length > 2 && held.length >= held.readUInt16BE(0) + 2) {
        replies.push(streamDecode(held.subarray(0, held.readUInt16BE(0) + 2)));
        held = held.subarray(held.readUInt16BE(0) + 2);
      }
      if (replies.length === 2) break;
    }
    expect(replies.map(({ id }) => id)).toEqual([1, 2]);
  });

  test("what is not DNS ends nothing but its own connection", async () => {
    const udp = createSocket("udp4");
    udp.send("not DNS", PORT, "127.0.0.1");
    const socket = connect(PORT, "127.0.0.1");
    socket.write(Buffer.concat([Buffer.from([0, 7]), Buffer.from("not DNS")]));
    expect(await buffer(socket)).toHaveLength(0);
    udp.close();
    await once(udp, "close");
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${PORT}`]);
    expect(await resolver.resolve4("github.com")).toEqual(["198.18.32.10"]);
  });
});
