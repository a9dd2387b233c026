import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, UserError } from "../../src/output/errors.ts";
import type { Io } from "../../src/output/io.ts";
import { table } from "../../src/output/table.ts";
import { writeAtomically } from "../../src/repository/write.ts";
import { stateFolder } from "../paths.ts";
import { both, currentLink, defaultLinks, type End, ENDS, hostEnd, type LinkChange, type Links, networkEnd, toLinks } from "./links.ts"; // prettier-ignore
import { hostPlace } from "./create.ts";
import type { Plan } from "./plan.ts";

export interface LinkOptions {
  delay?: string | undefined;
  loss?: string | undefined;
  down: boolean;
  "udp-down": boolean;
  up: boolean;
  reset: boolean;
  "one-way": boolean;
  json: boolean;
}

export function linksFile(name: string): string {
  return join(stateFolder(name), "links.json");
}

export function writeLinks(plan: Plan, changes: readonly LinkChange[]): void {
  writeAtomically(linksFile(plan.name), JSON.stringify(toLinks(plan, changes)), 0o600);
}

/** `sandbox link [A B]`: shows the links, or changes one; in force at once. */
export async function runLink(
  plan: Plan,
  [a, b]: readonly string[],
  options: LinkOptions,
  io: Io,
): Promise<number> {
  const { changes } = JSON.parse(readFileSync(linksFile(plan.name), "utf8")) as Links;
  if (options.reset) writeLinks(plan, []);
  else if (a !== undefined && b !== undefined) {
    const asked = change(plan, changes, await endOf(plan, a), await endOf(plan, b), options);
    writeLinks(plan, [...changes, ...(options["one-way"] ? [asked] : both(asked))]);
  } else if (a !== undefined) {
    throw new UserError(
      { what: "a link has two ends", fix: "infra-k3s sandbox link A B [FLAGS]" },
      EXIT.usage,
    );
  }
  show(plan, options.json, io);
  return EXIT.ok;
}

function change(
  plan: Plan,
  changes: readonly LinkChange[],
  from: End,
  to: End,
  options: LinkOptions,
): LinkChange {
  const now = currentLink(plan, changes, from, to);
  if (options.up) return { ...now, loss: 0, down: false, udpDown: false };
  return {
    ...now,
    ...(options.delay === undefined ? {} : { delayMs: upTo("delay", options.delay, 10_000) }),
    ...(options.loss === undefined ? {} : { loss: upTo("loss", options.loss, 100) }),
    ...(options.down ? { down: true } : {}),
    ...(options["udp-down"] ? { udpDown: true } : {}),
  };
}

function upTo(flag: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= most) return value;
  throw new UserError({ what: `--${flag} ${text} is no number from 0 to ${most}` }, EXIT.usage);
}

async function endOf(plan: Plan, name: string): Promise<End> {
  const network = ENDS.find((one) => one === name);
  if (network !== undefined) return networkEnd(plan, network);
  const place = await hostPlace(plan, name);
  if (place !== undefined) return hostEnd(plan, name, place.network, place.number);
  const hosts = join(stateFolder(plan.name), "hosts");
  const fix = `ends: ${[...ENDS, ...(existsSync(hosts) ? readdirSync(hosts).sort() : [])].join(", ")}`;
  throw new UserError({ what: `there is no "${name}" to link`, fix }, EXIT.usage);
}

function show(plan: Plan, json: boolean, io: Io): void {
  const { changes } = JSON.parse(readFileSync(linksFile(plan.name), "utf8")) as Links;
  const latest = new Map<string, LinkChange>();
  for (const one of [...defaultLinks(plan), ...changes]) latest.set(`${one.from.name} ${one.to.name}`, one);
  const links = [...latest.values()].map(({ from, to, ...rest }) => ({
    from: from.name,
    to: to.name,
    ...rest,
  }));
  if (json) io.out(`${JSON.stringify({ links })}\n`);
  else {
    const rows = links.map(({ from, to, delayMs, loss, down, udpDown }) => [
      from,
      to,
      `${delayMs} ms`,
      `${loss} %`,
      down ? "down" : udpDown ? "UDP down" : "up",
    ]);
    io.out(table(["FROM", "TO", "DELAY", "LOSS", "STATE"], rows));
  }
}
