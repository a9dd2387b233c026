import { EXIT } from "../../src/output/errors.ts";
import { type ToldFault, toldFaults } from "./faults.ts";

/** Where a message comes from, as a person meets it; the first that matches. */
const AREAS: readonly [title: string, files: RegExp][] = [
  ["The repository and the lock", /^src\/(repository|tools\/lock|run|commands\/(cluster|read-file|outcome|confirm|up|render|validate|completion))/],
  ["The system and its programs", /^src\/(tools\/(process|ansible|downloads|cache)|output)/],
  ["Hosts and SSH", /^ansible|^src\/(tools\/(ssh|kubectl|cluster)|stages\/(base|mesh|k3s|verify|context|playbook)|commands\/(access|status))/],
  ["Tailscale", /^src\/tools\/tailscale/],
  ["Clouds, servers and names", /^src\/(tools\/(tofu|hetzner|vultr|aws|cloudflare|inventory|offers|s3|http)|stages\/(servers|dns|stack)|commands\/(plan|orphans|destroy))/],
  ["Nodes", /^src\/commands\/(node|join)/],
  ["Git, ArgoCD and apps", /^src\/(tools\/(git|registry)|stages\/gitops|commands\/(app|argocd|init|publishing))/],
  ["Secrets and the recovery key", /^src\/(secrets|tools\/(sops|secrets)|commands\/secrets|recovery-kit|commands\/recovery-kit)/],
  ["Backups and restore", /^src\/(backup|backup-inventory|drill|tools\/velero|commands\/(backup|restore|drill))/],
  ["What `doctor` finds", /^src\/(doctor|commands\/doctor)/],
  ["The sandbox", /^sandbox\//],
  ["Anything else", /./],
]; // prettier-ignore

const CODES: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "done",
  failed: "it failed; cause and fix were told",
  changes: "`plan`: there are changes",
  config: "`cluster.yaml`, or another file of yours, has a fault: [reference](cluster-yaml.md); `infra-k3s validate` tells all of them",
  tool: "a program is missing, too old, or not the one that was locked",
  usage: "wrong usage: `--help`",
  hungUp: "the terminal went away (SIGHUP); run the same again",
  interrupted: "Ctrl-C (SIGINT); run the same again",
  terminated: "SIGTERM; run the same again",
}; // prettier-ignore

/** The page, made of the sources: `GOLDEN=update npx vitest run test/docs` writes it. */
export function troubleshootingPage(): string {
  const all = toldFaults();
  const sections = AREAS.map(([title]) => ({
    title,
    faults: all.filter(({ file }) => areaOf(file) === title),
  }));
  return `${[
    "<!-- Made of the sources by test/docs/troubleshooting.ts: GOLDEN=update npx vitest run test/docs -->",
    "",
    "# Troubleshooting",
    "",
    "Every failure says what happened, why, and what to do. This page has them all, as the sources have them; what is known only when it runs stands in ‹›. Search it for the words you were told.",
    "",
    "- The whole output of Ansible and OpenTofu is in a file whose path is told when a command fails: `.infra-k3s/logs/` of the cluster repository.",
    "- `--verbose` tells each program that is run, and how it ended; secrets are never among it.",
    "- `infra-k3s status` says what is wrong with the cluster, `infra-k3s doctor` with the hosts, `infra-k3s doctor credentials` with what the providers allow.",
    "- Nothing is half-done for good: each command looks first, and run again it goes on where it stopped.",
    "- Text that begins with *this is a bug of infra-k3s* is one.",
    "",
    "## Exit codes",
    "",
    ...table(["code", "means"], Object.entries(EXIT).toSorted(([, a], [, b]) => a - b).map(([name, code]) => [String(code), CODES[name as keyof typeof EXIT]])),
    "",
    "`kubectl`, `ssh` and `sandbox exec` exit with what the program did.",
    ...sections.flatMap(({ title, faults }) => section(title, faults)),
  ].join("\n")}\n`; // prettier-ignore
}

export function areaOf(file: string): string {
  return AREAS.find(([, files]) => files.test(file))?.[0] ?? "";
}

function section(title: string, faults: readonly ToldFault[]): string[] {
  if (faults.length === 0) return [];
  const rows = faults.map(({ what, why, fix }) => [what, why, fix]);
  return ["", `## ${title}`, "", ...table(["it says", "why", "what to do"], unique(rows))];
}

const unique = (rows: string[][]) => [...new Map(rows.map((row) => [row.join("\0"), row])).values()];

const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;

function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [line(header), `|${header.map(() => "---|").join("")}`, ...rows.map(line)];
}

const cell = (text: string) =>
  text.trim().replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll(/\s*\n\s*/g, "; "); // prettier-ignore
