import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { loadCluster } from "../config/load.ts";
import { LockSchema } from "../config/lock.ts";
import { renderGroupVars } from "./group-vars.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const EXAMPLE = read("examples/everything/cluster.yaml");
const lockText = read("test/golden/everything/versions.lock.json");

function hasRanges(text: string): boolean {
  const loaded = loadCluster(text, "cluster.yaml");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  const vars = parse(renderGroupVars(loaded.value, LockSchema.parse(JSON.parse(lockText)))) as object;
  return "cloudflare_ranges" in vars;
}

test("80 and 443 are for Cloudflare's edge alone where it is in front, and only there", () => {
  expect(hasRanges(EXAMPLE)).toBe(true);
  expect(hasRanges(EXAMPLE.replace("  proxied: true\n", ""))).toBe(false);
});
