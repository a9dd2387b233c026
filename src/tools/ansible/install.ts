import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ToolError } from "../../output/errors.ts";
import { PRODUCT_ROOT } from "../../repository/shipped.ts";
import { cacheFolder } from "../cache.ts";
import { run, runOrFail } from "../process/process.ts";

/** Every package with version and hash; pip refuses anything else. */
const REQUIREMENTS = join(PRODUCT_ROOT, "ansible/requirements.txt");
const OLDEST_PYTHON = [3, 11] as const;

/** How to start one of Ansible's programs. */
export type Ansible = (program: "ansible-playbook" | "ansible-vault") => [string, string];

/** Ansible at the pinned versions; installed into the user's cache when missing, whole or not at all. */
export async function ensureAnsible(progress: (line: string) => void): Promise<Ansible> {
  const key = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex").slice(0, 12);
  const folder = cacheFolder("tools", `ansible-${key}`);
  if (existsSync(join(folder, "bin/ansible-playbook"))) return programs(folder);
  const python = await findPython();
  progress("installing ansible-core into the user's cache (about 20 s)");
  const building = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  try {
    await runOrFail(
      { argv: [python, "-m", "venv", building] },
      "can't make a Python environment for Ansible",
    );
    await runOrFail(
      {
        argv: [join(building, "bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r", REQUIREMENTS], // prettier-ignore
        timeout: 600_000,
      },
      "can't install ansible-core",
    );
    if (!existsSync(folder)) renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return programs(folder);
}

/** Named through the interpreter: pip wrote the folder's first name into the programs' first line. */
function programs(folder: string): Ansible {
  return (program) => [join(folder, "bin/python"), join(folder, "bin", program)];
}

/** The first Python of these that can run Ansible. */
export async function findPython(
  names: readonly string[] = ["python3", "/usr/bin/python3", "python3.13", "python3.12", "python3.11"],
): Promise<string> {
  const found: string[] = [];
  for (const name of names) {
    const result = await run({
      argv: [name, "-c", "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"],
    }).catch(() => undefined);
    if (result?.exitCode !== 0) continue;
    const version = result.stdout.trim();
    found.push(`${name} ${version}`);
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1]) return name;
  }
  throw new ToolError({
    what: "no Python that can run Ansible",
    why: `ansible-core needs Python ${OLDEST_PYTHON.join(".")} or newer with venv; found: ${found.join(", ") || "none"}`,
    fix: "Debian: apt-get install python3-venv",
  });
}
