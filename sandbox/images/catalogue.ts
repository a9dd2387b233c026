import type { Artifacts } from "../artifacts/artifacts.ts";
import { PINS } from "../artifacts/pins.ts";

/** One image: the name that manifests use, and what is in it. */
export interface Image {
  /** Repository at its registry, without the registry's name. */
  repository: string;
  tag: string;
  /** Where a file of this machine stands in the image. */
  files: Readonly<Record<string, string>>;
  /** Symbolic links and their targets. */
  links?: Readonly<Record<string, string>>;
  entrypoint: readonly string[];
  user?: string;
  /** Folders any user may write to. */
  writable?: readonly string[];
}

/** Programs that only images hold. */
export interface ImagePrograms {
  pause: string;
  probe: string;
  busybox: string;
  /** Applets of that busybox. */
  applets: readonly string[];
}

const BUSYBOX = "1.35.0";

/** Every image of the sandbox's registry. A tag says the version of the program that is really in it. */
export function catalogue(artifacts: Artifacts, programs: ImagePrograms): readonly Image[] {
  const busybox = Object.fromEntries(programs.applets.map((applet) => [`bin/${applet}`, "busybox"]));
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
      files: { "bin/busybox": programs.busybox },
      links: busybox,
      entrypoint: ["sh"],
      writable: ["tmp"],
    },
    {
      repository: "infra-k3s/probe",
      tag: "1",
      files: { "usr/bin/probe": programs.probe, "bin/busybox": programs.busybox },
      links: busybox,
      entrypoint: ["probe", "serve"],
      user: "65534:65534",
      writable: ["tmp"],
    },
  ];
}
