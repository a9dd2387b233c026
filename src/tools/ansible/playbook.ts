import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../output/errors.ts";
import type { Emit, HostSummary } from "../../output/events.ts";
import { controlPathFolder } from "./control-path.ts";
import type { Ansible } from "./install.ts";
import { run } from "../process/process.ts";
import { only, type Secrets } from "../secrets/envrc.ts";

const EventSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("task"), task: z.string() }),
  z.object({
    kind: z.enum(["changed", "failed", "unreachable", "note"]),
    host: z.string(),
    task: z.string(),
    message: z.string(),
  }),
  z.object({
    kind: z.literal("stats"),
    host: z.string(),
    ok: z.number(),
    changed: z.number(),
    failed: z.number(),
  }),
]);

export interface Playbook {
  ansible: Ansible;
  /** The cluster repository. */
  root: string;
  name: "site" | "verify" | "reset";
  /** Stage the events belong to; the tag that selects its tasks when `site` is run. */
  stage: string;
  secrets: Secrets;
  logFile: string;
  /** The hosts it is about; empty: all. */
  limit: readonly string[];
  check?: boolean;
  extraVars?: Readonly<Record<string, string>>;
  /** Secrets that are not the operator's own. */
  environment?: Readonly<Record<string, string>> | undefined;
}

export interface PlaybookResult {
  hosts: Record<string, HostSummary>;
  /** Tasks that changed something, or would have in check mode. */
  changes: { host: string; task: string; message: string }[];
}

/** Runs one playbook with stock Ansible in the cluster repository and turns what it does into events. */
export async function runPlaybook(playbook: Playbook, emit: Emit): Promise<PlaybookResult> {
  const result: PlaybookResult = { hosts: {}, changes: [] };
  const finished = await run({
    argv: argv(playbook),
    cwd: playbook.root,
    env: {
      ...only(playbook.secrets, [
        "ANSIBLE_VAULT_PASSWORD",
        "TAILSCALE_OAUTH_CLIENT_ID",
        "TAILSCALE_OAUTH_CLIENT_SECRET",
        "TAILSCALE_AUTHKEY",
        "INFRA_K3S_SSH_KEY",
        "INFRA_K3S_REPORT_URL",
      ]),
      ...playbook.environment,
      ANSIBLE_CONFIG: join(playbook.root, "ansible.cfg"),
      ANSIBLE_SSH_CONTROL_PATH_DIR:
        process.env["ANSIBLE_SSH_CONTROL_PATH_DIR"] ?? controlPathFolder(playbook.root),
      ANSIBLE_CALLBACK_PLUGINS: join(import.meta.dirname, "callback"),
      ANSIBLE_STDOUT_CALLBACK: "infra_k3s_events",
    },
    onLine: (line) => {
      appendFileSync(playbook.logFile, `${line}\n`);
      collect(line, playbook.stage, result, emit);
    },
  });
  appendFileSync(playbook.logFile, finished.stderr);
  if (finished.exitCode !== 0 && Object.keys(result.hosts).length === 0) {
    throw new UserError({
      what: `Ansible could not run the playbook ${playbook.name}`,
      why: finished.stderr.trim().split("\n").slice(-15).join("\n"),
      fix: `the whole output is in ${playbook.logFile}`,
    });
  }
  return result;
}

function argv({ ansible, name, stage, limit, check, extraVars }: Playbook): [string, ...string[]] {
  return [
    ...ansible("ansible-playbook"),
    "-i",
    "ansible/inventory",
    `ansible/playbooks/${name}.yml`,
    ...(name === "site" ? ["--tags", stage] : []),
    ...(limit.length > 0 ? ["--limit", limit.join(",")] : []),
    ...(check === true ? ["--check"] : []),
    ...Object.entries(extraVars ?? {}).flatMap(([key, value]) => ["-e", JSON.stringify({ [key]: value })]),
  ];
}

function collect(line: string, stage: string, result: PlaybookResult, emit: Emit): void {
  const event = parse(line);
  if (event === undefined) return;
  switch (event.kind) {
    case "task":
      return;
    case "note":
      if (event.message !== "")
        emit({ event: "log", level: "info", message: `${event.host}: ${event.message}` });
      return;
    case "stats":
      result.hosts[event.host] = { ok: event.ok, changed: event.changed, failed: event.failed };
      return;
    case "changed":
      result.changes.push({ host: event.host, task: event.task, message: event.message });
      emit({
        event: "host",
        stage,
        host: event.host,
        state: "changed",
        task: event.task,
        message: event.message,
      });
      return;
    case "failed":
    case "unreachable":
      emit({
        event: "host",
        stage,
        host: event.host,
        state: "failed",
        task: event.task,
        message: event.message,
      });
  }
}

function parse(line: string): z.output<typeof EventSchema> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return EventSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
