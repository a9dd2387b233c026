import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { newAgeKey } from "./age.ts";
import { type DrillKey, drillKeyText, parseDrillKey, readDrillKey, writeDrillKey } from "./drill-key.ts";

const folder = mkdtempSync(join(tmpdir(), "infra-k3s-drill-key-"));
afterAll(() => rmSync(folder, { recursive: true }));

const key: DrillKey = { ...(await newAgeKey()), bucket: { accessKeyId: "id", secretAccessKey: "secret" } };

test("it is read as it was written, by its owner alone", async () => {
  const file = join(folder, "key");
  writeDrillKey(file, key);
  chmodSync(file, 0o644);

  expect(await readDrillKey(file)).toEqual(key);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await readDrillKey(join(folder, "none"))).toBeUndefined();
});

test.each([
  ["a file without R2's key", drillKeyText(key).replace(/^# R2.*$/m, "")],
  ["a mistyped key", drillKeyText(key).replace(/^(AGE-SECRET-KEY-1.)(.)/m, (_, head: string, one: string) => head + (one === "Q" ? "P" : "Q"))],
  ["an empty file", ""],
])("%s is refused, and nothing of it is repeated", async (_, text) => {
  const file = join(folder, "broken");
  writeFileSync(file, text);

  expect(await parseDrillKey(text)).toBeUndefined();
  await expect(readDrillKey(file)).rejects.toThrow(/no whole key of a drill/);
  await expect(readDrillKey(file)).rejects.not.toThrow(/secret/);
}); // prettier-ignore
