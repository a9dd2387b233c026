import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildApplication, run, text_en } from "@stricli/core";
import type { Context } from "./commands/flags.ts";
import { root } from "./commands/index.ts";
import { logHint } from "./commands/outcome.ts";
import { EXIT, UserError } from "./output/errors.ts";
import { Interrupted, interruption } from "./output/interruption.ts";
import type { Io } from "./output/io.ts";
import { runLog } from "./output/run-log.ts";
import { explain } from "./output/system-errors.ts";
import { PRODUCT_ROOT } from "./repository/shipped.ts";
import { endOnSignals } from "./tools/process/children.ts";
import { describe, traceTo } from "./tools/process/trace.ts";

const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};

const { version } = JSON.parse(readFileSync(join(PRODUCT_ROOT, "package.json"), "utf8")) as {
  version: string;
};

const application = buildApplication(root, {
  name: "infra-k3s",
  versionInfo: { currentVersion: version },
  scanner: { caseStyle: "allow-kebab-for-camel" },
  determineExitCode: exitCodeOf,
  localization: {
    text: { ...text_en, exceptionWhileRunningCommand: describeError, commandErrorResult: describeError },
  },
  documentation: { caseStyle: "convert-camel-to-kebab", useAliasInUsageLine: true },
});

/** Runs one command line and returns its exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv;
  switch (verb) {
    case "kubectl": {
      const { runKubectl } = await import("./commands/access.ts");
      const { cluster, args } = takeCluster(rest);
      return runKubectl({ cluster }, args);
    }
    case "ssh": {
      const { runSsh } = await import("./commands/access.ts");
      const { cluster, args } = takeCluster(rest);
      return runSsh({ cluster }, args[0], args.slice(1));
    }
    // What the shells' completion asks: completion.ts.
    case "__complete": {
      const { complete } = await import("./commands/completion.ts");
      return complete(application, rest, io);
    }
    case "sandbox": {
      const { runSandbox } = await import("../sandbox/commands.ts");
      return runSandbox(rest, io);
    }
    default:
      return runApplication(argv);
  }
}

async function runApplication(argv: readonly string[]): Promise<number> {
  if (argv.includes("--verbose")) traceTo((line) => io.err(`${line}\n`));
  const streams: Context["process"] & { exitCode?: number } = {
    stdout: process.stdout,
    stderr: process.stderr,
  };
  let code: number | undefined;
  const drill: Context["drill"] = async (options) =>
    (await import("../sandbox/drill/drill.ts")).runDrill(options, io);
  await run(application, argv, { process: streams, io, finish: (result) => (code = result), drill });
  const outcome = streams.exitCode ?? EXIT.ok;
  // stricli's own codes, for wrong usage, are negative.
  const isTheirs = outcome !== EXIT.interrupted && (outcome < 0 || outcome > 128);
  return code ?? (isTheirs ? EXIT.usage : outcome);
}

function exitCodeOf(error: unknown): number {
  return error instanceof UserError ? error.exitCode : EXIT.failed;
}

function describeError(thrown: unknown): string {
  // A wait that was given up says so in words of its own.
  const error = interruption.reason ?? explain(thrown) ?? thrown;
  if (error instanceof Interrupted) return error.message;
  const log = logHint(runLog());
  if (error instanceof UserError) return log === "" ? error.message : `${error.message}\n${log.trimEnd()}`;
  return `this is a bug of infra-k3s, please report it:\n${error instanceof Error ? error.stack : String(error)}`;
}

/** `--cluster DIR` before another program's arguments is ours; the rest is handed over unread. */
function takeCluster(args: readonly string[]): { cluster: string | undefined; args: readonly string[] } {
  if (args[0] === "--cluster") return { cluster: args[1], args: args.slice(2) };
  if (args[0]?.startsWith("--cluster=") === true) return { cluster: args[0].slice(10), args: args.slice(1) };
  return { cluster: undefined, args };
}

const argv = process.argv.slice(2);
endOnSignals((text) => io.err(text));
try {
  process.exitCode = await Promise.race([main(argv), interruption.over]);
} catch (error) {
  io.err(`${describeError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
if (interruption.reason !== undefined) {
  io.err(`to go on, run the same again: infra-k3s ${describe({ argv })}\n`);
  // What was given up may still hold the process: a request, a wait.
  process.exit(interruption.reason.exitCode);
}
