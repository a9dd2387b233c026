import type { Service } from "./access.ts";
import { PRICING_REGIONS, REGIONS } from "./catalogue.ts";

/** https://docs.aws.amazon.com/general/latest/gr/ec2-service.html; the names without a region are those of us-east-1. */
export const AWS_NAMES: readonly { name: string; service: Service; region: string }[] = [
  { name: "ec2.amazonaws.com", service: "ec2", region: "us-east-1" },
  { name: "sts.amazonaws.com", service: "sts", region: "us-east-1" },
  ...Object.keys(REGIONS).flatMap((region) => [
    { name: `ec2.${region}.amazonaws.com`, service: "ec2" as const, region },
    { name: `sts.${region}.amazonaws.com`, service: "sts" as const, region },
  ]),
  ...PRICING_REGIONS.map((region) => ({
    name: `api.pricing.${region}.amazonaws.com`,
    service: "pricing" as const,
    region,
  })),
];
