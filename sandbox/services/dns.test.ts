import { decode, encode, type Packet, type RecordType } from "dns-packet";
import { describe, expect, test } from "vitest";
import { answer } from "./dns.ts";
import { CONTROL_NAMES, DEBIAN_HOST, FRONT_NAMES, zone } from "./names.ts";

const names = zone({ name: "test", index: 2 });

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
