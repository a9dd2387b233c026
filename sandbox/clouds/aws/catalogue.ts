/** Regions answered for; an account that is new may use them without asking. */
export const REGIONS: Readonly<Record<string, { location: string; usage: string }>> = {
  "eu-central-1": { location: "EU (Frankfurt)", usage: "EUC1-" },
  "eu-west-1": { location: "EU (Ireland)", usage: "EU-" },
  "eu-north-1": { location: "EU (Stockholm)", usage: "EUN1-" },
  "us-east-1": { location: "US East (N. Virginia)", usage: "" },
  "us-west-2": { location: "US West (Oregon)", usage: "USW2-" },
};

/** https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html#price-list-query-api-endpoints */
export const PRICING_REGIONS = ["us-east-1", "eu-central-1"];

export const zonesOf = (region: string): string[] => ["a", "b", "c"].map((letter) => `${region}${letter}`);

export interface InstanceType {
  name: string;
  vcpus: number;
  memoryMib: number;
  architecture: "x86_64" | "arm64";
  burstable: boolean;
  /** USD per hour with Linux, by region. Of the sandbox's making, about as they were in 2026. */
  hourly: Readonly<Record<string, number>>;
}

type Row = [name: string, vcpus: number, gib: number, architecture: "x86_64" | "arm64", ...prices: number[]];
const ROWS: Row[] = [
  ["t3.small", 2, 2, "x86_64", 0.024, 0.0228, 0.0216, 0.0208, 0.0208],
  ["t3.medium", 2, 4, "x86_64", 0.048, 0.0456, 0.0432, 0.0416, 0.0416],
  ["t3.large", 2, 8, "x86_64", 0.096, 0.0912, 0.0864, 0.0832, 0.0832],
  ["t3.xlarge", 4, 16, "x86_64", 0.192, 0.1824, 0.1728, 0.1664, 0.1664],
  ["t3a.medium", 2, 4, "x86_64", 0.0432, 0.0408, 0.039, 0.0376, 0.0376],
  ["t4g.small", 2, 2, "arm64", 0.0192, 0.0184, 0.0172, 0.0168, 0.0168],
  ["t4g.medium", 2, 4, "arm64", 0.0384, 0.0368, 0.0344, 0.0336, 0.0336],
  ["t4g.large", 2, 8, "arm64", 0.0768, 0.0736, 0.0688, 0.0672, 0.0672],
  ["m7i.large", 2, 8, "x86_64", 0.12075, 0.1124, 0.107, 0.1008, 0.1008],
];

export const TYPES: readonly InstanceType[] = ROWS.map(([name, vcpus, gib, architecture, ...prices]) => ({
  name,
  vcpus,
  memoryMib: gib * 1024,
  architecture,
  burstable: name.startsWith("t"),
  hourly: Object.fromEntries(Object.keys(REGIONS).map((region, index) => [region, prices[index] ?? 0])),
}));

/** Debian's own account: https://wiki.debian.org/Cloud/AmazonEC2Image */
export const DEBIAN = "136693071363";

export interface Image {
  id: string;
  name: string;
  architecture: "x86_64" | "arm64";
  created: string;
  snapshot: string;
}

/** Two of each, so that the newest has to be chosen; the ids differ by region as AWS's do. */
export function imagesOf(region: string): Image[] {
  const number = Object.keys(REGIONS).indexOf(region) + 1;
  return ["20260914-2236", "20261019-2271"].flatMap((build, age) =>
    (["x86_64", "arm64"] as const).map((architecture, which) => {
      const id = `${number}debian12${age}${which}`.replaceAll(/[^0-9a-f]/g, "0").padStart(17, "0");
      const day = `${build.slice(0, 4)}-${build.slice(4, 6)}-${build.slice(6, 8)}`;
      const name = `debian-12-${architecture === "arm64" ? "arm64" : "amd64"}-${build}`;
      return { id: `ami-${id}`, name, architecture, created: `${day}T06:27:10.000Z`, snapshot: `snap-${id}` };
    }),
  );
}

export const ROOT_DEVICE = "/dev/xvda";
