import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { faultOf, fillFolder } from "./store.ts";

let parent: string;
let folder: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "infra-k3s-store-"));
  folder = join(parent, "tool-1.0-key");
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const fill = async (building: string) => writeFileSync(join(building, "tool"), "program");

test("a folder is whole once it is filled", async () => {
  expect(faultOf(folder)).toBe("it is not there");
  await fillFolder(folder, fill);
  expect(faultOf(folder)).toBeUndefined();
  expect(readdirSync(parent)).toEqual(["tool-1.0-key"]);
});

test("a changed or lost file is found, and named", async () => {
  await fillFolder(folder, fill);
  appendFileSync(join(folder, "tool"), "x");
  expect(faultOf(folder)).toMatch(/tool has changed: its sha256 is [0-9a-f]{64}, it was made with/);
  rmSync(join(folder, "tool"));
  expect(faultOf(folder)).toMatch(/tool is gone/);
  await fillFolder(folder, fill);
  expect(faultOf(folder)).toBeUndefined();
});

test("a fill that fails leaves nothing", async () => {
  const failing = fillFolder(folder, async (building) => {
    await fill(building);
    throw new Error("no network");
  });
  await expect(failing).rejects.toThrow("no network");
  expect(readdirSync(parent)).toEqual([]);
});

test("a fill that fails leaves what stood there before", async () => {
  await fillFolder(folder, fill);
  const failing = fillFolder(folder, () => Promise.reject(new Error("no network")));
  await expect(failing).rejects.toThrow("no network");
  expect(faultOf(folder)).toBeUndefined();
});

test("killed half-way, nothing stands at its name, and the next fill clears up", async () => {
  const script = `
    import { writeFileSync } from "node:fs";
    import { fillFolder } from ${JSON.stringify(join(import.meta.dirname, "store.ts"))};
    await fillFolder(process.argv[1], async (building) => {
      writeFileSync(building + "/tool", "half");
      console.log("half");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(existsSync(folder)).toBe(false);
  expect(readdirSync(parent)).toEqual([`tool-1.0-key.${child.pid}`]);
  await fillFolder(folder, fill);
  expect(readdirSync(parent)).toEqual(["tool-1.0-key"]);
  expect(readFileSync(join(folder, "tool"), "utf8")).toBe("program");
});
