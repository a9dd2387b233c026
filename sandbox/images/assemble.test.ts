import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assemble } from "./assemble.ts";
import type { Image } from "./image.ts";

let work: string;
let image: Image;

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "assemble-"));
  writeFileSync(join(work, "program"), "a program");
  image = {
    repository: "some/image",
    tag: "1",
    files: { "usr/bin/program": join(work, "program") },
    texts: { "etc/passwd": "root:x:0:0::/:/bin/sh\n" },
    links: { "usr/bin/other": "program" },
    entrypoint: ["/usr/bin/program"],
    command: ["serve"],
    user: "999",
    env: { USER: "someone" },
    workingDir: "/home",
    writable: ["tmp"],
  };
});

afterEach(() => {
  rmSync(work, { recursive: true });
});

test.runIf(process.platform === "linux")(
  "the same files make the same digest, whatever their modes here",
  async () => {
    const first = await assemble(image);
    chmodSync(join(work, "program"), 0o600);
    const before = process.umask(0o077);
    try {
      expect((await assemble(image)).manifest.digest).toBe(first.manifest.digest);
    } finally {
      process.umask(before);
    }
    writeFileSync(join(work, "program"), "another program");
    expect((await assemble(image)).manifest.digest).not.toBe(first.manifest.digest);
  },
);

test.runIf(process.platform === "linux")(
  "anybody may run what is in it and write where that is allowed",
  async () => {
    const { layer } = await assemble(image);
    const entries = entriesOf(gunzipSync(layer.data));
    expect(entries).toMatchObject({
      "./usr/bin/program": "755",
      "./etc/passwd": "755",
      "./usr/": "755",
      "./tmp/": "1777",
    });
    expect(Object.keys(entries)).toContain("./usr/bin/other");
  },
);

test.runIf(process.platform === "linux")("a container is started as the image says", async () => {
  const { config } = await assemble(image);
  expect(JSON.parse(config.data.toString())).toMatchObject({
    config: {
      Entrypoint: ["/usr/bin/program"],
      Cmd: ["serve"],
      User: "999",
      WorkingDir: "/home",
      Env: [expect.stringMatching(/^PATH=\/usr\/local\/sbin:/), "USER=someone"],
    },
  });
});

/** Names and modes of a tar's entries (https://www.gnu.org/software/tar/manual/html_node/Standard.html). */
function entriesOf(tar: Buffer): Record<string, string> {
  const entries: Record<string, string> = {};
  for (let at = 0; at < tar.length && tar[at] !== 0;) {
    const field = (from: number, length: number): string =>
      tar.toString("latin1", at + from, at + from + length).replace(/\0.*$/, "");
    entries[field(0, 100)] = Number.parseInt(field(100, 8), 8).toString(8);
    at += 512 + Math.ceil(Number.parseInt(field(124, 12), 8) / 512) * 512;
  }
  return entries;
}
