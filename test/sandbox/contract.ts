import { readdirSync } from "node:fs";
import { join } from "node:path";
import { command, type Case } from "./harness.ts";
import { caches, clone, must } from "./place.ts";

/** The stand-in's contract with K3s's documentation: `sandbox/k3s/README.md`. */
export const contract: readonly Case[] = [
  {
    name: "the K3s stand-in keeps its contract (sandbox/k3s/contract)",
    async run() {
      const tools = join(caches, "infra-k3s/tools");
      const go = readdirSync(tools).find((entry) => entry.startsWith("go-"));
      const artifacts = join(caches, "infra-k3s/artifacts");
      const k3s = readdirSync(artifacts).find((entry) => entry.startsWith("k3s-"));
      await must(
        command([join(tools, go ?? "", "go/bin/go"), "test", "-count=1", "./contract/..."], {
          cwd: join(clone, "sandbox/k3s"),
          env: {
            GOTOOLCHAIN: "local",
            GOCACHE: join(caches, "infra-k3s/go/build"),
            GOMODCACHE: join(caches, "infra-k3s/go/mod"),
            K3S_BINARY: process.env["K3S_BINARY"] ?? join(artifacts, k3s ?? "", "k3s"),
          },
        }),
      );
    },
  },
];
