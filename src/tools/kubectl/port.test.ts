import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "./kubectl.ts";

test("a port that something listens on is told with a way out; another is given", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  await expect(freePort(port)).rejects.toThrow(
    new RegExp(`^port ${port} can't be had\\n  why: .*EADDRINUSE[^]*fix: name another one`),
  );
  expect(await freePort()).not.toBe(port);
  server.close();
});
