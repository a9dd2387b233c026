import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ask } from "./ask.ts";

let answers: (Response | Error)[];
let asked: string[];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", async (_: string, { method }: { method: string }) => {
    asked.push(method);
    const next = answers.shift();
    if (next instanceof Error) throw next;
    return next;
  });
});
afterEach(() => void vi.unstubAllGlobals());

const json = (text: string) => new Response(text, { headers: { "content-type": "application/json" } });
const wait = () => new Response("", { status: 429, headers: { "retry-after": "0.01" } });

test.each([
  ["429 with Retry-After", wait()],
  ["a body that is cut", json('{"a":')],
])(
  "a read is repeated: %s",
  async (_, first) => {
    answers = [first, json('{"a":1}')];

    expect(await ask("https://x/", { method: "GET", headers: {} })).toEqual({ status: 200, body: '{"a":1}' });
    expect(asked).toEqual(["GET", "GET"]);
  },
  10_000,
);

test("a write is never repeated: whether it was done is not known", async () => {
  answers = [new Error("socket hang up", { cause: new Error("ECONNRESET") }), json("{}")];

  expect(await ask("https://x/", { method: "POST", headers: {}, body: "{}" })).toEqual({
    status: 0,
    body: "ECONNRESET",
  });
  expect(asked).toEqual(["POST"]);
});

test("what is refused is not asked again", async () => {
  answers = [new Response("no", { status: 403 }), json("{}")];

  expect((await ask("https://x/", { method: "GET", headers: {} })).status).toBe(403);
  expect(asked).toHaveLength(1);
});

test("gives up in the end", async () => {
  answers = [wait(), wait(), wait(), wait(), json("{}")];

  expect((await ask("https://x/", { method: "GET", headers: {} })).status).toBe(429);
  expect(asked).toHaveLength(4);
});
