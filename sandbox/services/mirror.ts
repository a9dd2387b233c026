import { createHash } from "node:crypto";
import {
  cpSync,
  createReadStream,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { K3S, PINS } from "../artifacts/pins.ts";
import { run } from "../command.ts";

/** Lays out the upstreams' release files, with the checksums as each upstream publishes them. */
export async function fillMirror(stateDir: string, artifacts: Artifacts): Promise<void> {
  const mirror = join(stateDir, "mirror");
  if (existsSync(mirror)) return;
  mkdirSync(join(stateDir, "logs"), { recursive: true });
  const filling = mkdtempSync(join(stateDir, "mirror-"));
  const put = (from: string, to: string): string => {
    const path = join(filling, to);
    mkdirSync(dirname(path), { recursive: true });
    place(from, path);
    return path;
  };

  const release = `github.com/k3s-io/k3s/releases/download/${K3S.release}`;
  const k3s = put(artifacts.k3s, `${release}/k3s`);
  writeFileSync(join(filling, release, "sha256sum-amd64.txt"), `${await sha256(k3s)}  k3s\n`);

  const kubectl = put(artifacts.kubectl, `dl.k8s.io/release/${K3S.kubernetes}/bin/linux/amd64/kubectl`);
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
  const sops = put(artifacts.sops, `${sopsRelease}/${sopsFile}`);
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

function place(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
