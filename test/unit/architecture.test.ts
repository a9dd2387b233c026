import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

interface Import {
  target: string;
  typeOnly: boolean;
}

const files = globSync(["src/**/*.ts", "sandbox/**/*.ts"], { cwd: ROOT }).filter(
  (file) => !file.endsWith(".test.ts"),
);

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/(?:import|export)\s+(type\s)?[^"';]*?from\s+"([^"]+)"|import\("([^"]+)"\)/g)].map(
    (match) => {
      const target = match[2] ?? match[3] ?? "";
      const local = target.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), target)) : target;
      return { target: local, typeOnly: match[1] !== undefined };
    },
  );
}

/** Pure files get everything as arguments: they are the ones a reader can trust without running anything. */
function isPure(file: string): boolean {
  return (
    /^src\/(config|render|secrets|recovery-kit|backup|drill)\//.test(file) ||
    /^src\/backup-inventory\/(?!(take|store|volume\.fake)\.ts$)/.test(file) ||
    /^src\/(stages\/.*\/(plan|parse)|doctor\/(cluster\/)?(judge|facts|finding))\.ts$/.test(file)
  );
}

const EFFECTS = /^(node:(fs|child_process|net|http|https|dgram|os|process|timers)|execa)/;

describe("import rules", () => {
  test.each(files.filter(isPure))("%s is pure", (file) => {
    const text = readFileSync(join(ROOT, file), "utf8");

    expect(
      importsOf(file).filter(
        ({ target, typeOnly }) => !typeOnly && (EFFECTS.test(target) || target.startsWith("src/tools/")),
      ),
    ).toEqual([]);
    expect(text).not.toMatch(/process\.env|Date\.now|new Date\(\)|Math\.random|fetch\(/);
  });

  /** Folder → the folders of src/ that it may use. */
  const ALLOWED: Record<string, string[]> = {
    config: ["config"],
    render: ["render", "config"],
    output: ["output", "config"],
    secrets: ["secrets", "config", "output"],
    "recovery-kit": ["recovery-kit", "secrets", "output"],
    backup: ["backup"],
    repository: ["repository", "render", "output"],
    run: ["run", "output"],
    tools: ["tools", "config", "output", "repository"],
    stages: ["stages", "run", "tools", "secrets", "config", "output"],
    "backup-inventory": ["backup-inventory", "stages", "tools", "config", "output"],
    drill: ["drill", "backup-inventory", "output"],
    doctor: ["doctor", "stages", "tools", "config", "output"],
    commands: [
      "commands",
      "doctor",
      "drill",
      "backup-inventory",
      "recovery-kit",
      "backup",
      "secrets",
      "stages",
      "run",
      "tools",
      "repository",
      "render",
      "config",
      "output",
    ],
  };

  test.each(files.filter((file) => file.split("/").length > 2 && file.startsWith("src/")))(
    "%s stays in its layer",
    (file) => {
      const allowed = ALLOWED[file.split("/")[1] ?? ""] ?? [];
      const foreign = importsOf(file)
        .map(({ target }) => target)
        .filter((target) => target.startsWith("src/") && !allowed.includes(target.split("/")[1] ?? ""));

      expect(foreign).toEqual([]);
    },
  );

  test("src/ reaches sandbox/ by the lazy imports of cli.ts only", () => {
    const reaching = files
      .filter((file) => file.startsWith("src/"))
      .flatMap((file) => importsOf(file).map(({ target }) => `${file} -> ${target}`))
      .filter((arrow) => arrow.includes("-> sandbox/"));

    expect(reaching.toSorted()).toEqual([
      "src/cli.ts -> sandbox/commands.ts",
      "src/cli.ts -> sandbox/drill/drill.ts",
    ]);
  });

  test("nothing shipped knows the sandbox", () => {
    const shipped = globSync(["ansible/**/*", "tofu/**/*", "scripts/*", "ansible.cfg", ".envrc"], {
      cwd: ROOT,
      withFileTypes: true,
    })
      .filter((entry) => entry.isFile())
      .filter((entry) => /sandbox/i.test(readFileSync(join(entry.parentPath, entry.name), "utf8")));

    expect(shipped.map((entry) => entry.name)).toEqual([]);
  });

  test("the rules see what they look for", () => {
    expect(importsOf("src/cli.ts").map(({ target }) => target)).toContain("src/output/errors.ts");
    expect(files.filter(isPure).length).toBeGreaterThan(10);
  });
});

test.each([...files, ...globSync("sandbox/{k3s,providers}/**/*.go", { cwd: ROOT })])(
  "%s is short",
  (file) => {
    expect(readFileSync(join(ROOT, file), "utf8").split("\n").length).toBeLessThanOrEqual(260);
  },
);
