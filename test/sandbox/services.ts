import assert from "node:assert/strict";
import { join } from "node:path";
import { command, type Case } from "./harness.ts";
import { clone, infraCommand, must } from "./place.ts";

/** What the sandbox's README says of its services, seen with real clients in a small sandbox of their own. */
export const services: readonly Case[] = [
  {
    name: "DNS, trust, mirror, Debian's repository, headscale and Tailscale's API answer as the real ones",
    async run() {
      const node = join(clone, "node_modules/.bin/node");
      const check = join(clone, "sandbox/services/services.check.ts");
      const { env } = infraCommand([]);
      const { all } = await must(command([node, check], { clean: true, env }));

      assert.ok((all.match(/^ok /gm)?.length ?? 0) >= 5, all);
    },
  },
];
