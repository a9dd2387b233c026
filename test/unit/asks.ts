import { ask } from "../../src/commands/confirm.ts";
import { readStdin } from "../../src/commands/secrets-place.ts";
import { interruption } from "../../src/output/interruption.ts";
import { endOnSignals } from "../../src/tools/process/children.ts";

/** Asks what terminal.test.ts answers: `node asks.ts line|hidden`. */
endOnSignals((text) => void process.stderr.write(text));
try {
  const question = process.argv[2] === "hidden" ? readStdin("Value: ") : ask("Name: ");
  process.stdout.write(`got <${await Promise.race([question, interruption.over])}>\n`);
} catch (error) {
  process.stdout.write(`${String(error)}\n`);
}
if (interruption.reason !== undefined) process.exit(interruption.reason.exitCode);
