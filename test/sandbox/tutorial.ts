import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { blocksOf, isAsWritten } from "../docs/tutorial.ts";
import { command, type Case } from "./harness.ts";
import { clone, infraCommand, work } from "./place.ts";

/** The tutorial's commands in a shell, as a reader types them; `init` is given the sandbox's internet. */
export const tutorial: readonly Case[] = [
  {
    full: true,
    name: "the tutorial: each command that it has for the sandbox says what it shows",
    async run() {
      const blocks = blocksOf().filter(({ kind }) => kind === "sandbox");
      assert.equal(blocks.length, 3);
      const { env } = infraCommand([]);
      for (const { line, output } of blocks.flatMap(({ commands }) => commands)) {
        const typed = line.startsWith("infra-k3s init") ? `infra-k3s sandbox exec operator -- ${line}` : line;
        const run = await command(["sh", "-c", typed], { cwd: work, clean: true, env: { ...env, PATH: `${clone}:${env["PATH"]}` }, timeout: 900_000 }); // prettier-ignore
        assert.equal(run.exitCode, 0, `${line}\n${run.all}`);
        // What is said for people comes on stderr, an answer on stdout.
        const said = run.stdout === "" ? run.stderr : run.stdout;
        assert.ok(isAsWritten(said, output), `${line}\n${said}`);
      }
      rmSync(join(work, "my-cluster"), { recursive: true });
    },
  },
];
