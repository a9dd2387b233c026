import { createHash } from "node:crypto";
import {
  cpSync,
  createReadStream,
  existsSync,
  globSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Artifacts, GitopsArtifacts } from "../artifacts/artifacts.ts";
import { CERT_MANAGER, GATEWAY_API, K3S, PINS } from "../artifacts/pins.ts";
import { run } from "../command.ts";

/** Lays out the upstreams' release files, with the checksums as each upstream publishes them. */
export async function fillMirror(
  stateDir: string,
  artifacts: Artifacts,
  gitops?: GitopsArtifacts,
): Promise<void> {
  const mirror = join(stateDir, "mirror");
  if (!existsSync(mirror)) await fill(stateDir, mirror, artifacts);
  if (gitops === undefined) return;
  const { argocd, gatewayApi, certManager, velero } = gitops.manifests;
  const kubernetes = "github.com/kubernetes-sigs/gateway-api/releases/download";
  const jetstack = "github.com/cert-manager/cert-manager/releases/download";
  const definitions = `raw.githubusercontent.com/vmware-tanzu/velero/v${PINS.velero.version}/config/crd`;
  for (const [from, to] of [
    ...globSync("v*/bases/*.yaml", { cwd: velero }).map(
      (file) => [join(velero, file), `${definitions}/${file}`] as const,
    ),
    [argocd, `raw.githubusercontent.com/argoproj/argo-cd/v${PINS.argocd.version}/manifests/install.yaml`],
    [gatewayApi, `${kubernetes}/v${GATEWAY_API.version}/standard-install.yaml`],
    [certManager, `${jetstack}/v${CERT_MANAGER.version}/cert-manager.yaml`],
  ] as const) {
    if (!existsSync(join(mirror, to))) put(from, join(mirror, to));
  }
}

async function fill(stateDir: string, mirror: string, artifacts: Artifacts): Promise<void> {
  mkdirSync(join(stateDir, "logs"), { recursive: true });
  const filling = mkdtempSync(join(stateDir, "mirror-"));

  const release = `github.com/k3s-io/k3s/releases/download/${K3S.release}`;
  const k3s = put(artifacts.k3s, join(filling, release, "k3s"));
  writeFileSync(join(filling, release, "sha256sum-amd64.txt"), `${await sha256(k3s)}  k3s\n`);

  const kubernetes = `dl.k8s.io/release/${K3S.kubernetes}/bin/linux/amd64/kubectl`;
  const kubectl = put(artifacts.kubectl, join(filling, kubernetes));
  writeFileSync(`${kubectl}.sha256`, await sha256(kubectl));

  const name = `tailscale_${PINS.tailscale.version}_amd64`;
  const stable = join(filling, "pkgs.tailscale.com/stable");
  await pack(join(stable, `${name}.tgz`), artifacts, ["tailscale", "tailscaled"], name);
  writeFileSync(join(stable, `${name}.tgz.sha256`), `${await sha256(join(stable, `${name}.tgz`))}\n`);

  const tofu = join(filling, `github.com/opentofu/opentofu/releases/download/v${PINS.tofu.version}`);
  const archive = `tofu_${PINS.tofu.version}_linux_amd64.tar.gz`;
  await pack(join(tofu, archive), artifacts, ["tofu"], "");
  const sums = `${await sha256(join(tofu, archive))}  ${archive}\n`;
  writeFileSync(join(tofu, `tofu_${PINS.tofu.version}_SHA256SUMS`), sums);

  const sopsRelease = `github.com/getsops/sops/releases/download/v${PINS.sops.version}`;
  const sopsFile = `sops-v${PINS.sops.version}.linux.amd64`;
  const sops = put(artifacts.sops, join(filling, sopsRelease, sopsFile));
  const listed = `${await sha256(sops)}  ${sopsFile}\n`;
  writeFileSync(join(filling, sopsRelease, `sops-v${PINS.sops.version}.checksums.txt`), listed);

  await run(["mv", filling, mirror]);
}

/** Packs programs, in `folder` inside the archive: the same ones make the same bytes, as upstream's do not change. */
async function pack(
  archive: string,
  artifacts: Artifacts,
  programs: readonly ("tailscale" | "tailscaled" | "tofu")[],
  folder: string,
): Promise<void> {
  const content = `${archive}.content`;
  mkdirSync(join(content, folder), { recursive: true });
  // Copies: tar gives up when another sandbox links the same file meanwhile, which changes its ctime.
  for (const program of programs) cpSync(artifacts[program], join(content, folder, program));
  await run([
    "tar", "--create", "--use-compress-program=gzip -1n", "--sort=name", "--mtime=@0", "--owner=0", "--group=0",
    "--numeric-owner", "--mode=0755", `--file=${archive}`, "-C", content, ...(folder === "" ? programs : [folder]),
  ]); // prettier-ignore
  rmSync(content, { recursive: true });
}

/** Lays a file at a path, and returns the path. */
function put(from: string, to: string): string {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
  return to;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
