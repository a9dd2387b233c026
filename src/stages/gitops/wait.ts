import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../output/errors.ts";
import type { Emit } from "../../output/events.ts";
import { surveyCluster } from "../../tools/cluster/look.ts";
import { runPython } from "../../tools/ssh/python.ts";
import { sshVerdict } from "../../tools/ssh/ssh.ts";
import { type ClusterContext, masterTarget } from "../context.ts";
import { LOOK } from "./observe.ts";
import { type Application, ApplicationSchema, causeOf, describe, isReady, unready } from "./parse.ts";

const PROGRAM = `${LOOK}\n\n${readFileSync(join(import.meta.dirname, "wait.py"), "utf8")}`;
/** Without any progress. */
const PATIENCE_MS = 10 * 60_000;
const LONGEST_MS = 2 * 60 * 60_000;
const CONNECTIONS = 5;

/** Waits until every Application is what the commit says; tells of each when it is, and of what stands in the way. */
export async function waitFor(context: ClusterContext, commit: string, emit: Emit): Promise<void> {
  const progress = new Progress(commit, emit, Date.now);
  const target = masterTarget(context);
  for (let connection = 1; ; connection++) {
    const ended = await runPython(
      target,
      PROGRAM,
      {},
      {
        timeout: LONGEST_MS,
        onLine: (line) => {
          if (line !== "") progress.take(z.array(ApplicationSchema).parse(JSON.parse(line)));
          return progress.isOver() ? "enough" : undefined;
        },
      },
    );
    if (progress.isReady()) return;
    if (progress.isOver()) break;
    // A connection may get lost; what is waited for goes on without it.
    if (connection === CONNECTIONS)
      throw new UserError({ what: "the master can't be watched", ...sshVerdict(ended.stderr, target) });
  }
  // What ArgoCD does not say: why a pod waits, why a certificate is not issued.
  const nodes = context.model.nodes.map(({ name }) => name);
  const { problems } = await surveyCluster(target, nodes);
  const found = problems.map(({ what, why, fix }) => `${what}: ${why}; ${fix}`);
  throw new UserError({
    what: `not everything in the cluster became what git says: ${progress.missing().join(", ")}`,
    why: [...progress.causes(), ...found].join("\n"),
    fix: "mend it, commit and push, or run infra-k3s up again to wait on; infra-k3s status shows the same",
  });
}

/** What was seen so far, and since when nothing has moved. */
export class Progress {
  #applications: Application[] = [];
  #since: number;
  readonly #told = new Map<string, string>();
  readonly #commit: string;
  readonly #emit: Emit;
  readonly #now: () => number;

  constructor(commit: string, emit: Emit, now: () => number) {
    this.#commit = commit;
    this.#emit = emit;
    this.#now = now;
    this.#since = now();
  }

  take(applications: Application[]): void {
    if (standing(applications) !== standing(this.#applications)) this.#since = this.#now();
    this.#applications = applications;
    for (const application of applications) this.#tell(application);
  }

  isReady(): boolean {
    return this.missing().length === 0;
  }

  /** Nothing more is to be waited for: all is ready, or nothing has moved for too long. */
  isOver(): boolean {
    return this.isReady() || this.#now() - this.#since > PATIENCE_MS;
  }

  missing(): string[] {
    return unready(this.#applications, this.#commit);
  }

  causes(): string[] {
    const late = this.#applications.filter((application) => !isReady(application, this.#commit));
    const ahead = late.find(
      ({ sync, health, revision }) => sync === "Synced" && health === "Healthy" && revision !== "",
    );
    return [
      ...late.map((application) => describe(application, this.#commit)),
      ...(ahead === undefined
        ? []
        : [`ArgoCD is at ${ahead.revision.slice(0, 7)}: was something else pushed meanwhile?`]),
    ];
  }

  #tell(application: Application): void {
    const text = describe(application, this.#commit);
    const ready = isReady(application, this.#commit);
    const cause = causeOf(application);
    // That it has not come to it yet is no news.
    if (!ready && (cause === "" || cause.startsWith("waiting for "))) return;
    // The same with another number in it is told once.
    const gist = text.replaceAll(/\d+/g, "#");
    if (this.#told.get(application.name) === gist) return;
    this.#told.set(application.name, gist);
    this.#emit({ event: "log", level: ready ? "info" : "warning", message: text });
  }
}

/** What counts as progress: a message alone does not, since attempts are counted in it. */
function standing(all: readonly Application[]): string {
  return JSON.stringify(all.map(({ name, sync, health, revision }) => [name, sync, health, revision]));
}
