import type { Artifacts, GitopsArtifacts } from "../artifacts/artifacts.ts";
import { PINS } from "../artifacts/pins.ts";
import { type GitopsPrograms, gitopsImages } from "./gitops.ts";
import type { Image } from "./image.ts";

/** Programs that only images hold. */
export interface ImagePrograms {
  pause: string;
  probe: string;
  busybox: string;
  /** Applets of that busybox. */
  applets: readonly string[];
  gitops: GitopsPrograms;
}

const BUSYBOX = "1.35.0";

/** Every image of the sandbox's registry. A tag says the version of the program that is really in it (but see README). */
export function catalogue(
  artifacts: Artifacts,
  /** Without them, what a cluster pulls that follows no repository. */
  gitops: GitopsArtifacts | undefined,
  programs: ImagePrograms,
): readonly Image[] {
  const busybox = {
    files: { "bin/busybox": programs.busybox },
    links: Object.fromEntries(programs.applets.map((applet) => [`bin/${applet}`, "busybox"])),
  };
  return [
    // K3s's --pause-image.
    {
      repository: "rancher/mirrored-pause",
      tag: "3.6",
      files: { pause: programs.pause },
      entrypoint: ["/pause"],
      user: "65535:65535",
    },
    {
      repository: "rancher/mirrored-coredns-coredns",
      tag: PINS.coredns.version,
      files: { coredns: artifacts.coredns },
      entrypoint: ["/coredns"],
    },
    {
      repository: "rancher/mirrored-metrics-server",
      tag: `v${PINS["metrics-server"].version}`,
      files: { "metrics-server": artifacts["metrics-server"] },
      entrypoint: ["/metrics-server"],
      user: "65534",
      writable: ["tmp"],
    },
    {
      repository: "rancher/local-path-provisioner",
      tag: `v${PINS["local-path-provisioner"].version}`,
      files: { "usr/bin/local-path-provisioner": artifacts["local-path-provisioner"] },
      entrypoint: ["local-path-provisioner"],
    },
    {
      repository: "library/busybox",
      tag: BUSYBOX,
      ...busybox,
      entrypoint: ["sh"],
      writable: ["tmp"],
    },
    {
      repository: "infra-k3s/probe",
      tag: "1",
      files: { "usr/bin/probe": programs.probe, ...busybox.files },
      links: busybox.links,
      entrypoint: ["probe", "serve"],
      user: "65534:65534",
      writable: ["tmp"],
    },
    ...(gitops === undefined ? [] : gitopsImages(gitops, programs.gitops, busybox)),
  ];
}

/**
 * The images that manifests name and the sandbox's registry has not, each once. ArgoCD's and cert-manager's manifests
 * come from upstream: a new version of theirs may name another image, which nobody would see before a pod waits for it.
 */
export function unserved(manifests: readonly string[], images: readonly Image[]): string[] {
  const served = new Set(images.map(({ repository, tag }) => `${repository}:${tag}`));
  const named = manifests.flatMap((text) =>
    [...text.matchAll(/^\s*(?:- )?image:\s*"?([^\s"#]+)/gm)].flatMap(([, name]) => name ?? []),
  );
  return [...new Set(named)].filter(
    (name) => !served.has(name.slice(name.indexOf("/") + 1).replace(/@.*/, "")),
  );
}
