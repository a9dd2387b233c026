import { STACKS } from "../config/model.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import { table } from "../output/table.ts";
import { type Owned, owned } from "../stages/stack/owned.ts";
import { hasCredentials, thingsAt } from "../tools/inventory/inventory.ts";
import { strayDevices } from "../tools/tailscale/tailscale.ts";
import { type ClusterOption, openCluster } from "./cluster.ts";

/** The shape of `orphans --json`. */
export interface Orphans {
  cluster: string;
  /** Nothing but what is declared, and everybody has answered. */
  ok: boolean;
  things: Owned[];
  /** Providers that could not be asked, and why. */
  unknown: { provider: string; reason: string }[];
}

/** Asks every provider there are credentials for, also those that no node stands at any more. Reads only. */
export async function runOrphans(options: ClusterOption & { json: boolean }, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const { model, servers, secrets } = cluster;
  const asked = STACKS.filter((stack) => hasCredentials(secrets, stack));
  const inUse = Object.values(servers).flatMap(({ id }) => id ?? []);
  const questions: [string, Promise<Owned[]>][] = [
    ...asked.map((stack): [string, Promise<Owned[]>] => [
      stack,
      thingsAt(stack, cluster, true).then((things) => owned(model, things, inUse)),
    ]),
    ...(secrets.TAILSCALE_OAUTH_CLIENT_ID === undefined
      ? []
      : [["tailscale", devices()] as [string, Promise<Owned[]>]]),
  ];
  const answers = await Promise.allSettled(questions.map(([, question]) => question));
  const result: Orphans = { cluster: model.name, ok: true, things: [], unknown: [] };
  for (const [index, answer] of answers.entries()) {
    if (answer.status === "fulfilled") result.things.push(...answer.value);
    else if (answer.reason instanceof UserError)
      result.unknown.push({ provider: questions[index]?.[0] ?? "", reason: answer.reason.message });
    else throw answer.reason;
  }
  result.ok = result.unknown.length === 0 && result.things.every(({ state }) => state === "declared");
  io.out(options.json ? `${JSON.stringify(result)}\n` : describe(result));
  return result.ok ? EXIT.ok : EXIT.failed;

  async function devices(): Promise<Owned[]> {
    const type = "tailscale_device";
    const known = { provider: "tailscale", type, billed: false, state: "orphan" } as const;
    return (await strayDevices(secrets, model)).map(({ id, hostname }) => ({ ...known, id, name: hostname }));
  }
}

function describe({ cluster, things, unknown }: Orphans): string {
  const strange = things.filter(({ state }) => state !== "declared");
  const rows = strange.map(({ state, provider, type, name, id, billed }) => [
    state,
    provider,
    type,
    name,
    id,
    billed ? "yes" : "",
  ]);
  const declared = things.length - strange.length;
  return [
    `${cluster}: ${declared} declared, ${strange.length === 0 ? "and nothing else" : `${strange.length} not`}\n`,
    strange.length === 0 ? "" : `\n${table(["STATE", "PROVIDER", "WHAT", "NAME", "ID", "BILLED"], rows)}`,
    strange.length === 0
      ? ""
      : "\ndeclare it again and run infra-k3s up, which adopts it; or delete it at its provider\n",
    ...unknown.map(({ provider, reason }) => `\n${provider} could not be asked: ${reason}\n`),
  ].join("");
}
