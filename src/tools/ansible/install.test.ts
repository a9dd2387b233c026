import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findPython } from "./install.ts";

const folder = mkdtempSync(join(tmpdir(), "python-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that says of itself that it is this version; without one: that it has no venv. */
function python(version?: string): string {
  const path = join(folder, `python-${version ?? "bare"}`);
  writeFileSync(path, version === undefined ? "#!/bin/sh\nexit 1\n" : `#!/bin/sh\necho ${version}\n`, {
    mode: 0o755,
  });
  return path;
}

test("the first Python that is new enough is taken", async () => {
  expect(await findPython([python("3.10"), python("3.11"), python("3.13")])).toBe(python("3.11"));
});

test("where all are too old, have no venv or are not there, it says what was found and what to install", async () => {
  const names = [python("2.7"), python("3.10"), python(), join(folder, "no-such")];

  await expect(findPython(names)).rejects.toMatchObject({
    fault: {
      what: "no Python that can run Ansible",
      why: `ansible-core needs Python 3.11 or newer with venv; found: ${python("2.7")} 2.7, ${python("3.10")} 3.10`,
      fix: "Debian: apt-get install python3-venv",
    },
  });
  await expect(findPython([python()])).rejects.toThrow("found: none");
});
