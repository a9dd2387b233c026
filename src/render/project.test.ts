import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadCluster } from "../config/load.ts";
import { renderReadme } from "./project.ts";

function readme(example: string): string {
  const text = readFileSync(new URL(`../../examples/${example}/cluster.yaml`, import.meta.url), "utf8");
  const loaded = loadCluster(text, "cluster.yaml");
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return renderReadme(loaded.value);
}

test("the README of a cluster that follows its repository says to push, and where apps are", () => {
  const text = readme("everything");

  expect(text).toMatch(/^# everything\n\nThe Kubernetes cluster of /);
  expect(text).toContain("\ninfra-k3s up --push   # makes it so\n");
  expect(text).toContain("\n| `kubernetes/apps/` | yours: a folder for each app |\n| `.envrc.local`");
});

test("the README of any other cluster says neither", () => {
  const text = readme("existing-hosts");

  expect(text).toContain("\ninfra-k3s up          # makes it so\n");
  expect(text).toMatch(/, encrypted \|\n\| `\.envrc\.local`/);
});
