import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { replaceBlock } from "../../src/config/edit.ts";
import { placeOf } from "../../src/config/gitops.ts";
import { UserError } from "../../src/output/errors.ts";
import { CLUSTER, type Entries } from "../../src/recovery-kit/contents.ts";
import { writeKit } from "../../src/recovery-kit/kit.ts";
import { openKit } from "../../src/commands/recovery-kit-verify.ts";
import { PRODUCT_ROOT } from "../../src/repository/shipped.ts";
import { DEPLOY_KEY_PUBLIC } from "../../src/stages/gitops/sealed.ts";
import { encryptTo } from "../../src/tools/sops/age-file.ts";
import { parse } from "yaml";
import { run } from "../command.ts";
import { addKey, ensureHostKey, repositoryFolder } from "../services/git-accounts.ts";

/** The sandbox's git host serves one user at one port. */
export function requirePlace(repository: string): { host: string; path: string } {
  const place = placeOf(repository);
  if (place?.user === "git" && place.port === 22) return { host: place.host, path: place.path };
  throw new UserError({
    what: `a drill can't serve ${repository}`,
    why: "its git host knows the user git at port 22 alone",
    fix: "drill a cluster whose repository is at such a place",
  });
}

/**
 * The imported repository at the sandbox's git host, with one commit more: host and SSH key of the drill's place in cluster.yaml,
 * and what is rendered of them. Nobody can have the real ones. Returns cluster.yaml as it is then.
 */
export async function serveRepository(
  stateDir: string,
  imported: string,
  { repository, branch }: { repository: string; branch: string },
  operatorKey: string,
): Promise<string> {
  const { path } = requirePlace(repository);
  const bare = repositoryFolder(stateDir, path);
  if (!existsSync(bare)) {
    mkdirSync(dirname(bare), { recursive: true, mode: 0o700 });
    await run(["cp", "--archive", imported, bare]);
  }
  addKey(stateDir, readFileSync(`${operatorKey}.pub`, "utf8"), null);
  const work = join(stateDir, "drill-work");
  rmSync(work, { recursive: true, force: true });
  await run(["git", "clone", "--quiet", "--branch", branch, bare, work]);
  const file = join(work, "cluster.yaml");
  const text = inPlace(readFileSync(file, "utf8"), await hostKey(stateDir), readFileSync(`${operatorKey}.pub`, "utf8"));
  writeFileSync(file, text);
  const cli = join(PRODUCT_ROOT, "src/cli.ts");
  await run([process.execPath, ...process.execArgv, cli, "render", "--cluster", work]);
  const author = ["-c", "user.name=infra-k3s drill", "-c", "user.email=drill@infra-k3s.invalid"];
  await run(["git", "-C", work, "add", "--all"]);
  await run(["git", "-C", work, ...author, "commit", "--quiet", "--message", "Drill: the git host and the SSH key of its place"]);
  await run(["git", "-C", work, "push", "--quiet", "origin", `HEAD:refs/heads/${branch}`]);
  const deployKey = join(work, DEPLOY_KEY_PUBLIC);
  if (existsSync(deployKey)) addKey(stateDir, readFileSync(deployKey, "utf8"), path);
  return text;
} // prettier-ignore

async function hostKey(stateDir: string): Promise<string> {
  await ensureHostKey(stateDir);
  const told = readFileSync(join(stateDir, "git/host_ed25519.pub"), "utf8");
  return told.split(" ").slice(0, 2).join(" ");
}

/** `cluster.yaml` with what the drill's place has of its own; all else stays, to the byte. */
export function inPlace(text: string, gitHostKey: string, publicKey: string): string {
  const { gitops, ssh } = parse(text) as { gitops?: object; ssh?: object };
  const trusted = replaceBlock(text, "gitops", { ...gitops, hostKeys: [gitHostKey] }, "nodes");
  return replaceBlock(trusted, "ssh", { ...ssh, publicKey: publicKey.trim() }, "nodes");
}

/** The kit for that repository: the same, but for cluster.yaml; opened with the drill's key, and encrypted to it. Returns its entries. */
export async function tailorKit(kit: string, identity: string, clusterYaml: string, to: string): Promise<Entries> {
  const { manifest, entries, keys } = await openKit(kit, identity);
  const { made, madeBy, cluster, k3s, git } = manifest;
  const tailored = new Map(entries).set(CLUSTER, clusterYaml);
  const plain = writeKit({ made, madeBy, cluster, k3s, git }, tailored);
  writeFileSync(to, await encryptTo(keys.map(({ recipient }) => recipient), plain), { mode: 0o600 });
  return tailored;
} // prettier-ignore
