import type { ComparisonEvent, DoneEvent, Emit, Event } from "./events.ts";
import type { Io } from "./io.ts";

/** Events as people read them, one line each, on stderr. */
export function terminalEmit(io: Io): Emit {
  return (event) => {
    const text = describe(event);
    if (text !== "") io.err(`${text}\n`);
  };
}

/** Events as programs read them: one JSON object a line on stdout, people's text still on stderr. */
export function jsonEmit(io: Io): Emit {
  const people = terminalEmit(io);
  return (event) => {
    io.out(`${JSON.stringify(event)}\n`);
    people(event);
  };
}

function describe(event: Event): string {
  switch (event.event) {
    case "stage":
      if (event.state === "start") return `▸ ${event.stage}`;
      return `${event.state === "done" ? "✔" : "✘"} ${event.stage} (${event.seconds} s)`;
    case "host":
      return `  ${event.host}: ${event.task}: ${event.state}${detail(event.message)}`;
    case "log":
      return `  ${event.level === "info" ? "" : `${event.level}: `}${indent(event.message)}`;
    case "comparison":
      return comparison(event);
    case "done":
      return summary(event);
  }
}

/** More than a person reads; all of them are in the JSON. */
const MOST_DIFFERENCES = 20;

function comparison({ equal, compared, differing }: ComparisonEvent): string {
  const rows = differing
    .slice(0, MOST_DIFFERENCES)
    .map(({ where, what, how }) => `${where}: ${what} ${how}`.trimEnd());
  const more = differing.length - rows.length;
  const told = [equal ? "equal to what was saved" : "NOT EQUAL to what was saved", ...compared, ...rows];
  return `  ${[...told, ...(more > 0 ? [`and ${more} more: --json has all`] : [])].join("\n  ")}`;
}

function summary(done: DoneEvent): string {
  const changed = `changed: ${done.changed}`;
  const end = done.ok
    ? `done in ${done.seconds} s, ${changed}`
    : `${done.interrupted === true ? "interrupted" : "failed"} after ${done.seconds} s, ${changed}`;
  return end + tasks(done);
}

/** How much ran on each host, so that one sees what was left alone. */
function tasks({ stages }: DoneEvent): string {
  const counts = new Map<string, { ran: number; changed: number }>();
  for (const [host, { ok, changed, failed }] of stages.flatMap(({ hosts }) => Object.entries(hosts))) {
    const before = counts.get(host) ?? { ran: 0, changed: 0 };
    counts.set(host, { ran: before.ran + ok + failed, changed: before.changed + changed });
  }
  if (counts.size === 0) return "";
  const each = [...counts].map(([host, { ran, changed }]) => `${host} ${ran}, changed ${changed}`);
  return `\ntasks run: ${each.join("; ")}`;
}

function detail(message: string): string {
  if (message === "") return "";
  return message.includes("\n") ? `\n    ${message.replaceAll("\n", "\n    ")}` : `: ${message}`;
}

function indent(message: string): string {
  return message.replaceAll("\n", "\n  ");
}
