import { interruption } from "../../src/output/interruption.ts";
import { terminalEmit } from "../../src/output/terminal.ts";
import { runStages } from "../../src/run/runner.ts";
import type { Step } from "../../src/run/stage.ts";
import { withLock } from "../../src/tools/lock/lock.ts";
import { endOnSignals } from "../../src/tools/process/children.ts";
import { run } from "../../src/tools/process/process.ts";

/** What a long command is made of, for interruption.test.ts: `node interrupted.ts FOLDER [SCRIPT]`; without a script it waits. */
const [folder = "", script] = process.argv.slice(2);
const io = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
  isTerminal: false,
};
const quick = (name: string): Step<undefined> => ({
  name,
  apply: () => Promise.resolve({ host: { ok: 1, changed: 0, failed: 0 } }),
});
const long: Step<undefined> = {
  name: "long",
  async apply() {
    io.err("begun\n");
    if (script === undefined) await new Promise((done) => setTimeout(done, 60_000));
    else await run({ argv: ["sh", "-c", script] });
    return {};
  },
};

endOnSignals(io.err);
try {
  const steps = [quick("first"), long, quick("last")];
  await withLock(folder, "long command", () => runStages(steps, undefined, terminalEmit(io), Date.now));
} catch (error) {
  io.err(`${String(error)}\n`);
}
if (interruption.reason !== undefined) process.exit(interruption.reason.exitCode);
