import assert from "node:assert/strict";
import { globSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { command, type Case } from "./harness.ts";
import { caches, clone, must } from "./place.ts";

const SOURCE = join(clone, "sandbox/k3s");

/** The newest build in the caches, unless a real K3s is given. */
function binary(): string {
  const built = globSync(join(caches, "infra-k3s/artifacts/k3s-*/k3s")).toSorted(
    (a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs,
  );
  return process.env["K3S_BINARY"] ?? built[0] ?? "";
}

async function goTest(packages: readonly string[]): Promise<string> {
  const cache = join(caches, "infra-k3s");
  const [go = "go"] = globSync("tools/go-*/go/bin/go", { cwd: cache });
  const { all } = await must(
    command([join(cache, go), "test", "-trimpath", "-count=1", "-v", ...packages], {
      cwd: SOURCE,
      env: {
        GOTOOLCHAIN: "local",
        CGO_ENABLED: "0",
        GOFLAGS: "-mod=readonly",
        GOWORK: "off",
        GOPATH: join(cache, "go"),
        GOCACHE: join(cache, "go/build"),
        GOMODCACHE: join(cache, "go/mod"),
        K3S_BINARY: binary(),
      },
    }),
  );
  return all;
}

/** The K3s stand-in by itself: sandbox/k3s. */
export const standIn: readonly Case[] = [
  {
    name: "the K3s stand-in's own unit tests: rules of NetworkPolicies, bootstrap data, encryption",
    async run() {
      const folders = globSync("internal/*/*_test.go", { cwd: SOURCE }).map(dirname);
      assert.match(
        await goTest([...new Set(folders.map((folder) => `./${folder}`))]),
        /^ok .*internal\/netpol/m,
      );
    },
  },
  {
    name: "the K3s stand-in keeps its contract with K3s's documentation (sandbox/k3s/README.md)",
    async run() {
      const all = await goTest(["./contract/..."]);

      assert.ok((all.match(/^--- PASS: /gm)?.length ?? 0) > 50, all);
      assert.doesNotMatch(all, /^\s*--- SKIP: /m);
    },
  },
];
