import assert from "node:assert/strict";
import { globSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { GO } from "../../sandbox/artifacts/pins.ts";
import { command, type Case } from "./harness.ts";
import { caches, clone, must } from "./place.ts";

const SOURCE = join(clone, "sandbox/k3s");

/** The newest build of a program in the caches. */
function newest(program: string): string {
  const built = globSync(join(caches, `infra-k3s/artifacts/${program}-*/${program}`)).toSorted(
    (a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs,
  );
  return built[0] ?? "";
}

async function goTest(packages: readonly string[]): Promise<string> {
  const cache = join(caches, "infra-k3s");
  // The toolchain that has built it: another would compile all of Kubernetes anew.
  const go = `tools/go-${GO.version}/go/bin/go`;
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
        K3S_BINARY: process.env["K3S_BINARY"] ?? newest("k3s"),
        S3_SERVER: newest("versitygw"),
      },
    }),
  );
  return all;
}

/** The K3s stand-in by itself: sandbox/k3s. */
export const standIn: readonly Case[] = [
  {
    name: "the K3s stand-in's own unit tests: rules of NetworkPolicies, bootstrap data, encryption, snapshots",
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
