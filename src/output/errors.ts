import { type Diagnostic, formatDiagnostics } from "../config/diagnostic.ts";

/** Exit codes that other programs rely on. */
export const EXIT = {
  ok: 0,
  failed: 1,
  changes: 2,
  config: 3,
  tool: 4,
  usage: 64,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Fault {
  what: string;
  why?: string;
  fix?: string;
}

/** A failure a person can act on: what happened, why, and what to do. Anything else thrown is a bug of ours. */
export class UserError extends Error {
  readonly fault: Fault;
  readonly exitCode: ExitCode;
  constructor(fault: Fault, exitCode: ExitCode = EXIT.failed) {
    super(formatFault(fault));
    this.name = "UserError";
    this.fault = fault;
    this.exitCode = exitCode;
  }
}

/** Every fault of a configuration file at once. */
export class ConfigError extends UserError {
  readonly diagnostics: Diagnostic[];
  constructor(diagnostics: Diagnostic[], source: string) {
    super({ what: formatDiagnostics(diagnostics, source) }, EXIT.config);
    this.name = "ConfigError";
    this.diagnostics = diagnostics;
  }
}

/** A program this needs is missing, too old, or not the one that was locked. */
export class ToolError extends UserError {
  constructor(fault: Fault) {
    super(fault, EXIT.tool);
    this.name = "ToolError";
  }
}

/** What happened, why, and what to do, each on its line. */
export function formatFault({ what, why, fix }: Fault): string {
  return [what, why && `  why: ${indent(why)}`, fix && `  fix: ${indent(fix)}`].filter(Boolean).join("\n");
}

function indent(text: string): string {
  return text.trimEnd().replaceAll("\n", "\n       ");
}
