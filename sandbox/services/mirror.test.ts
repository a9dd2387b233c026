import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Artifacts, GitopsArtifacts } from "../artifacts/artifacts.ts";
import { pathsIn } from "../artifacts/manifests.ts";
import { run } from "../command.ts";
import { fillMirror } from "./mirror.ts";

let folder: string;
const states = ["one", "two"] as const;
const read = (path: string) => readFileSync(join(folder, "one/mirror", path));
const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-mirror-"));
  const names = ["tailscale", "tailscaled", "headscale", "k3s", "kubectl", "tofu", "sops"] as const;
  const programs = Object.fromEntries(names.map((name) => [name, join(folder, name)]));
  for (const [name, path] of Object.entries(programs)) writeFileSync(path, `program ${name}`);
  const manifests = pathsIn(folder);
  const { velero, ...files } = manifests;
  for (const [name, path] of Object.entries(files)) writeFileSync(path, `manifest ${name}`);
  mkdirSync(join(velero, "v1/bases"), { recursive: true });
  writeFileSync(join(velero, "v1/bases/velero.io_backups.yaml"), "manifest velero");
  for (const state of states) {
    mkdirSync(join(folder, state));
    await fillMirror(join(folder, state), programs as Artifacts);
    // A cluster that is given a repository later.
    await fillMirror(join(folder, state), programs as Artifacts, { manifests } as GitopsArtifacts);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("K3s: the program and a list of checksums with its line", () => {
  const release = "github.com/k3s-io/k3s/releases/download/v1.36.3+k3s1";
  expect(read(`${release}/k3s`).toString()).toBe("program k3s");
  expect(read(`${release}/sha256sum-amd64.txt`).toString()).toBe(`${sha256(read(`${release}/k3s`))}  k3s\n`);
});

test("kubectl: the program and its bare checksum", () => {
  const path = "dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubectl";
  expect(read(path).toString()).toBe("program kubectl");
  expect(read(`${path}.sha256`).toString()).toBe(sha256(read(path)));
});

test("Tailscale: an archive with both programs in a folder of its name, and its checksum", async () => {
  const path = "pkgs.tailscale.com/stable/tailscale_1.98.10_amd64.tgz";
  expect(read(`${path}.sha256`).toString().trim()).toBe(sha256(read(path)));
  const listing = await run(["tar", "--list", "--verbose", `--file=${join(folder, "one/mirror", path)}`]);
  expect(listing).toMatch(/^-rwxr-xr-x (root\/root|0\/0) .* tailscale_1\.98\.10_amd64\/tailscale$/m);
  expect(listing).toMatch(/^-rwxr-xr-x (root\/root|0\/0) .* tailscale_1\.98\.10_amd64\/tailscaled$/m);
  expect(listing.split("\n")).toHaveLength(3);
  // Two sandboxes of the same programs publish the same bytes.
  expect(sha256(readFileSync(join(folder, "two/mirror", path)))).toBe(sha256(read(path)));
});

test("OpenTofu: an archive with the program at its top, and a list of checksums with its line", async () => {
  const release = "github.com/opentofu/opentofu/releases/download/v1.12.6";
  const archive = `${release}/tofu_1.12.6_linux_amd64.tar.gz`;
  const sums = read(`${release}/tofu_1.12.6_SHA256SUMS`).toString();
  expect(sums).toBe(`${sha256(read(archive))}  tofu_1.12.6_linux_amd64.tar.gz\n`);
  const listing = await run(["tar", "--list", "--verbose", `--file=${join(folder, "one/mirror", archive)}`]);
  expect(listing).toMatch(/^-rwxr-xr-x (root\/root|0\/0) .* tofu\n?$/);
});

test("SOPS: the program and a list of checksums with its line", () => {
  const release = "github.com/getsops/sops/releases/download/v3.13.3";
  const file = "sops-v3.13.3.linux.amd64";
  expect(read(`${release}/${file}`).toString()).toBe("program sops");
  expect(read(`${release}/sops-v3.13.3.checksums.txt`).toString()).toBe(
    `${sha256(read(`${release}/${file}`))}  ${file}\n`,
  );
});

test.each([
  ["argocd", "raw.githubusercontent.com/argoproj/argo-cd/v3.6.1/manifests/install.yaml"],
  ["gatewayApi", "github.com/kubernetes-sigs/gateway-api/releases/download/v1.4.0/standard-install.yaml"],
  [
    "velero",
    "raw.githubusercontent.com/vmware-tanzu/velero/v1.18.3/config/crd/v1/bases/velero.io_backups.yaml",
  ],
  ["certManager", "github.com/cert-manager/cert-manager/releases/download/v1.20.0/cert-manager.yaml"],
])("%s: the manifest is where upstream has it", (name, path) => {
  expect(read(path).toString()).toBe(`manifest ${name}`);
});
