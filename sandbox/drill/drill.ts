import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import type { Comparison } from "../../src/backup-inventory/compare.ts";
import { readModel } from "../../src/commands/cluster.ts";
import { keepDrill } from "../../src/commands/drill-history.ts";
import type { DrillOptions } from "../../src/commands/flags.ts";
import type { ClusterModel } from "../../src/config/model.ts";
import { worstPoint } from "../../src/drill/choose.ts";
import { type DrillImport, LAYOUT } from "../../src/drill/import.ts";
import { drillPage } from "../../src/drill/page.ts";
import type { DrillResult } from "../../src/drill/result.ts";
import { drillText } from "../../src/drill/text.ts";
import { EXIT, UserError } from "../../src/output/errors.ts";
import type { Io } from "../../src/output/io.ts";
import { age, size } from "../../src/output/table.ts";
import { chooseRepository } from "../../src/repository/locate.ts";
import { PRODUCT_ROOT } from "../../src/repository/shipped.ts";
import { withLock } from "../../src/tools/lock/lock.ts";
import { DRILL_KEY_FILE } from "../../src/tools/sops/drill-key.ts";
import { down } from "../lifecycle/down.ts";
import { clusterFolder, drillName, importFolder, stateFolder } from "../paths.ts";
import { steps } from "../prepare.ts";
import { productCommand } from "../product.ts";
import { listSandboxes } from "../state.ts";
import { type Credentials, raise, requireClosed, requireDrillable } from "./place.ts";
import { compare, restoreAll } from "./restore.ts";
import { Timeline } from "./timeline.ts";

/** What is known of a drill, whichever step it comes to. */
interface Drill {
  root: string;
  model: ClusterModel;
  name: string;
  folder: string;
  credentials: Credentials;
  timeline: Timeline;
  progress: (line: string) => void;
  imported?: DrillImport;
  comparison?: Comparison;
  rtoSeconds?: number;
}

/** A drill from import to report, whatever becomes of it; leaves nothing but its result. Returns the exit code. */
export async function runDrill(options: DrillOptions, io: Io): Promise<number> {
  const root = chooseRepository(options.cluster ?? process.env["INFRA_K3S_CLUSTER"], process.cwd());
  const model = readModel(root);
  requireDrillable(model);
  const name = drillName(root);
  const began = new Date().toISOString();
  const drill: Drill = {
    root,
    model,
    name,
    folder: importFolder(name),
    credentials: {
      kit: resolve(options.kit ?? join(root, `${model.name}.recovery-kit.age`)),
      identity: resolve(options.identity ?? join(root, DRILL_KEY_FILE)),
    },
    timeline: new Timeline(Date.now),
    progress: steps((text) => io.err(text)),
  };
  const result = await withLock(importLock(name), "drill", async () => {
    await down(name);
    let fault = "";
    try {
      await perform(drill, options.of);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      fault = error.message;
    }
    const made = resultOf(drill, options.of, began, fault);
    drill.progress("taking the sandbox down");
    await down(name);
    // An import that broke off is gone on with; one that was used is of no use to the next.
    if (drill.imported !== undefined) rmSync(drill.folder, { recursive: true, force: true });
    return made;
  });
  keepDrill(root, result);
  if (options.report !== undefined)
    writeFileSync(resolve(options.report), drillPage(result), { mode: 0o600 });
  io.out(options.json ? `${JSON.stringify(result)}\n` : drillText(result));
  return result.passed ? EXIT.ok : EXIT.failed;
}

/** One drill of a repository at a time; the cluster itself may be changed meanwhile. */
const importLock = (name: string) => join(importFolder(name), "../locks", name);

async function perform(drill: Drill, of: string): Promise<void> {
  const { name, folder, model, credentials, timeline, progress } = drill;
  const imported = await timeline.step("import", async () => {
    await runImport(drill, of);
    const result = JSON.parse(readFileSync(join(folder, LAYOUT.about), "utf8")) as DrillImport;
    return { result, note: noteOf(result) };
  });
  drill.imported = imported;
  const place = await timeline.step("sandbox", async () => ({
    result: await raise(name, folder, imported, model, credentials, progress),
    note: `${model.nodes.length} nodes to make, none there`,
  }));
  await timeline.step("closed", async () => ({ result: undefined, note: await requireClosed(place) }));
  const start = timeline.seconds();
  await restoreAll(place, credentials.identity, imported, timeline, progress);
  progress("comparing every object and every byte");
  drill.comparison = await timeline.step("compare", async () => {
    const result = await compare(place, credentials.identity, folder, imported);
    return { result, note: result.equal ? "equal" : "not equal" };
  });
  if (drill.comparison.equal) drill.rtoSeconds = Math.round((timeline.seconds() - start) * 10) / 10;
}

function noteOf({ backup, snapshot, objects, bytes, images, points, notes }: DrillImport): string {
  const told = points.map(({ what, name, ageSeconds }) => `newest of ${what}: ${name ?? "none"}${ageSeconds === null ? "" : `, ${age(Math.round(ageSeconds))} old`}`); // prettier-ignore
  const own = `${backup} of ${snapshot.at}: ${objects} objects, ${size(bytes)}; ${images.length} images`;
  return [own, ...told, ...notes].join("; ");
}

/** The import, which alone is given the open network: that of the operator of the cluster, which may be in a sandbox itself. */
async function runImport({ root, folder, credentials }: Drill, of: string): Promise<void> {
  const { kit, identity } = credentials;
  const args = ["drill", "import", "--cluster", root, "--of", of, "--kit", kit, "--identity", identity, "--to", folder]; // prettier-ignore
  const around = listSandboxes().find((one) => clusterFolder(one.name) === root);
  const own: [string, ...string[]] = [process.execPath, ...process.execArgv, join(PRODUCT_ROOT, "src/cli.ts"), ...args]; // prettier-ignore
  const argv = around === undefined ? own : productCommand(around, stateFolder(around.name), args).argv;
  const [file, ...rest] = argv;
  const { exitCode, stderr } = await execa(file, rest, { reject: false, stdin: "ignore", stderr: ["pipe", "inherit"] }); // prettier-ignore
  if (exitCode === 0) return;
  const said = stderr.trim().split("\n").slice(-12).join("\n");
  throw new UserError({ what: `the import did not come to its end: ${said}` });
}

const NOTHING: Pick<DrillResult, "objects" | "volumes"> = {
  objects: { compared: 0, differing: [], unsettled: 0 },
  volumes: { filesCompared: 0, bytesCompared: 0, differing: [], unsettled: 0 },
};

function resultOf(drill: Drill, of: string, began: string, fault: string): DrillResult {
  const { model, imported, comparison, timeline, rtoSeconds } = drill;
  const { objects, volumes } = comparison ?? NOTHING;
  return {
    passed: fault === "" && comparison?.equal === true,
    cluster: model.name,
    backup: imported?.backup ?? of,
    commit: imported?.commit ?? "",
    k3s: imported?.k3s ?? "",
    began,
    rpoSeconds: imported === undefined ? null : worstPoint(imported.points),
    rtoSeconds: rtoSeconds ?? null,
    steps: timeline.steps,
    objects,
    volumes,
    reason: fault || comparison?.reason || "",
    leftOut: comparison?.leftOut ?? [],
  };
}
