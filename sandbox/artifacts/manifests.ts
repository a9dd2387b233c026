import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "../command.ts";
import { buildOwn, moduleFolder } from "./build.ts";
import { CERT_MANAGER, GATEWAY_API, GO_NEXT, PINS } from "./pins.ts";

/** The manifests that upstreams release, made from their modules as the upstreams' own release builds make them. */
export interface Manifests {
  argocd: string;
  gatewayApi: string;
  certManager: string;
  /** A folder: Velero's definitions, each in a file as in its repository below `config/crd`. */
  velero: string;
}

/** Of each: its version, and the year that upstream's release wrote into its licence. */
export const MANIFESTS = {
  argocd: { version: PINS.argocd.version, year: undefined },
  gatewayApi: { version: GATEWAY_API.version, year: 2025 },
  certManager: { version: CERT_MANAGER.version, year: 2022 },
  velero: { version: PINS.velero.version, year: undefined },
} as const;

export function pathsIn(folder: string): Manifests {
  return {
    argocd: join(folder, "argocd-install.yaml"),
    gatewayApi: join(folder, "gateway-api.yaml"),
    certManager: join(folder, "cert-manager.yaml"),
    velero: join(folder, "velero-crds"),
  };
}

export async function makeManifests(folder: string, progress: (line: string) => void): Promise<void> {
  progress("manifests of ArgoCD, the Gateway API, cert-manager and Velero, from their modules (about 1 min)");
  const { argocd, gatewayApi, certManager, velero } = pathsIn(folder);

  const { module, version } = PINS.argocd;
  const argo = await moduleFolder({ path: module, version }, progress, GO_NEXT);
  writeFileSync(argocd, release(readFileSync(join(argo, "manifests/install.yaml"), "utf8"), version));

  const gateway = await moduleFolder({ path: GATEWAY_API.module, ...GATEWAY_API }, progress);
  writeFileSync(gatewayApi, gatewayRelease(gateway, MANIFESTS.gatewayApi.year));

  const source = await moduleFolder({ path: CERT_MANAGER.module, ...CERT_MANAGER }, progress);
  writeFileSync(certManager, await certManagerRelease(source, progress));

  const definitions = join(
    await moduleFolder({ path: PINS.velero.module, ...PINS.velero }, progress),
    "config/crd",
  );
  for (const file of globSync("v*/bases/*.yaml", { cwd: definitions })) {
    mkdirSync(dirname(join(velero, file)), { recursive: true });
    copyFileSync(join(definitions, file), join(velero, file));
  }
}

/** ArgoCD's: the file of the tag has the release's images already; one that has not is not upstream's release. */
function release(text: string, version: string): string {
  const images = new Set(text.match(/quay\.io\/argoproj\/argocd:\S+/g));
  const expected = `quay.io/argoproj/argocd:v${version}`;
  if (images.size !== 1 || !images.has(expected))
    throw new Error(`ArgoCD's install.yaml names ${[...images].join(", ")}, not ${expected}`);
  return text;
}

/** The Gateway API's, as its hack/build-install-yaml.sh puts it together. */
function gatewayRelease(source: string, year: number): string {
  const licence = readFileSync(join(source, "hack/boilerplate/boilerplate.sh.txt"), "utf8");
  const title = "#\n# Gateway API Standard channel install\n#\n";
  const definitions = globSync("config/crd/standard/gateway*.yaml", { cwd: source })
    .sort()
    .map((file) => `---\n#\n# ${file}\n#\n${readFileSync(join(source, file), "utf8")}`);
  return [licence.replaceAll("YEAR", String(year)), title, ...definitions].join("");
}

/**
 * cert-manager's, as its make/manifests.mk makes it: a licence, the namespace, the CRDs, and the rest of the chart
 * rendered without them. The chart is rendered by Helm's own library.
 */
async function certManagerRelease(source: string, progress: (line: string) => void): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), "infra-k3s-manifests-"));
  try {
    await buildOwn(join(import.meta.dirname, "../cert-manager/manifest"), work, progress);
    const chart = join(source, "deploy/charts/cert-manager");
    const rendered = async (crds: boolean): Promise<string> =>
      run([join(work, "manifest"), chart, `v${CERT_MANAGER.version}`, String(crds)], { cwd: work });
    const [all, rest] = [await rendered(true), await rendered(false)];
    const licence = readFileSync(join(source, "hack/boilerplate-yaml.txt"), "utf8");
    return [
      licence.replaceAll("YEAR", String(MANIFESTS.certManager.year)),
      [
        readFileSync(join(source, "deploy/manifests/namespace.yaml"), "utf8"),
        definitionsOf(all),
        `${rest.replace(/^---\n/, "")}\n`,
      ].join("\n---\n"),
    ].join("");
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The custom resource definitions among a text's documents, as upstream's hack/extractcrd prints them. */
function definitionsOf(text: string): string {
  return text
    .split("\n---")
    .filter((one) => /^kind: CustomResourceDefinition$/m.test(one))
    .map((one) => `${one.replace(/^---/, "").trim()}\n`)
    .join("---\n");
}
