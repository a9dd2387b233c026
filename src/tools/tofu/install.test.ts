import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Lock } from "../../config/lock.ts";
import { operatorPlatform } from "../downloads/lock.ts";
import { ensureTofu } from "./install.ts";

let folder: string;
let server: Server;
let requests = 0;
let lock: Lock;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-tofu-"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  for (const name of ["tofu", "LICENSE"])
    writeFileSync(join(folder, name), `the file ${name}`, { mode: 0o755 });
  execFileSync("tar", ["-czf", join(folder, "archive"), "-C", folder, "LICENSE", "tofu"]);
  const archive = readFileSync(join(folder, "archive"));
  requests = 0;
  server = createServer((_request, response) => {
    requests += 1;
    response.end(archive);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const sha256 = createHash("sha256").update(archive).digest("hex");
  lock = { tofu: { version: "1.12.6", files: { [operatorPlatform()]: { url, sha256 } } } } as unknown as Lock;
});
afterEach(() => {
  server.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const quiet = () => undefined;

test("takes the program out of the archive, once; one that was changed is made anew", async () => {
  const program = await ensureTofu(lock, quiet);
  expect(readFileSync(program, "utf8")).toBe("the file tofu");
  await ensureTofu(lock, quiet);
  expect(requests).toBe(1);
  writeFileSync(program, "something else");
  await ensureTofu(lock, quiet);
  expect(readFileSync(program, "utf8")).toBe("the file tofu");
  expect(requests).toBe(2);
});

test("an archive that is not the locked one is not unpacked", async () => {
  const file = lock.tofu?.files[operatorPlatform()];
  if (file !== undefined) file.sha256 = "a".repeat(64);
  await expect(ensureTofu(lock, quiet)).rejects.toThrow("is not what was locked");
});

test("a lock without OpenTofu for this machine says how to complete it", async () => {
  await expect(ensureTofu({ ...lock, tofu: undefined }, quiet)).rejects.toThrow("infra-k3s init");
});
