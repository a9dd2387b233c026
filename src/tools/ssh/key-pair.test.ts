import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../process/process.ts";
import { newKeyPair } from "./key-pair.ts";
import { withData } from "./python.ts";

test("OpenSSH reads the private key, whatever its comment's length, and finds the public one in it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "infra-k3s-key-"));
  try {
    for (const comment of ["", "a", "infra-k3s", "infra-k3s three-clouds"]) {
      const { privateKey, publicKey } = newKeyPair(comment);
      const file = join(folder, "key");
      writeFileSync(file, privateKey, { mode: 0o600 });
      const { exitCode, stdout, stderr } = await run({ argv: ["ssh-keygen", "-y", "-P", "", "-f", file] });
      expect([exitCode, stdout.trim(), stderr]).toEqual([0, publicKey.trim(), ""]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a Python program gets its data as it is, quotes, newlines and all", async () => {
  const data = { text: `"quoted" 'so' \\n \n\u2028 ü 😀`, list: [1, null, true] };
  const program = withData("import sys\njson.dump(DATA, sys.stdout)\n", data);
  const { stdout } = await run({ argv: ["python3", "-"], stdin: program });
  expect(JSON.parse(stdout)).toEqual(data);
});
