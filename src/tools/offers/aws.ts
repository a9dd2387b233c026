import { z } from "zod";
import { openEc2 } from "../inventory/aws.ts";
import type { Secrets } from "../secrets/envrc.ts";
import type { Offer } from "./offer.ts";

/** As the module aws-server has it by default. */
const DISK_GB = 30;
const HOURS = 730;

/** These sizes in these regions, with the disk and the public address that a server has; the prices are on demand. */
export async function awsOffers(
  secrets: Secrets,
  wanted: readonly { region: string; size: string }[],
): Promise<Offer[]> {
  const regions = [...new Set(wanted.map(({ region }) => region))];
  const all = await Promise.all(
    regions.map((region) => {
      const sizes = wanted.filter((one) => one.region === region).map(({ size }) => size);
      return inRegion(secrets, region, [...new Set(sizes)]);
    }),
  );
  return all.flat();
}

async function inRegion(secrets: Secrets, region: string, sizes: readonly string[]): Promise<Offer[]> {
  const { ec2, client } = await openEc2(secrets, region);
  const Filters = [{ Name: "instance-type", Values: [...sizes] }];
  const [types, prices] = await Promise.all([
    client.send(new ec2.DescribeInstanceTypesCommand({ Filters })),
    pricesOf(secrets, region, sizes),
  ]);
  return (types.InstanceTypes ?? []).map(
    ({ InstanceType: size = "", VCpuInfo, MemoryInfo, ProcessorInfo }) => {
      const arm = ProcessorInfo?.SupportedArchitectures?.some((one) => one === "arm64") ?? false;
      return {
        size,
        region,
        available: true,
        arch: arm ? ("arm64" as const) : ("amd64" as const),
        cores: VCpuInfo?.DefaultVCpus ?? 0,
        memoryGb: (MemoryInfo?.SizeInMiB ?? 0) / 1024,
        currency: "USD",
        ...("reason" in prices ? { monthly: null, note: prices.reason } : prices.of(size)),
      };
    },
  );
}

type Prices = { reason: string } | { of: (size: string) => Pick<Offer, "monthly" | "note"> };

/** https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-list-query-api.html */
async function pricesOf(secrets: Secrets, region: string, sizes: readonly string[]): Promise<Prices> {
  const sdk = await import("@aws-sdk/client-pricing");
  const { TF_VAR_aws_access_key_id: accessKeyId = "", TF_VAR_aws_secret_access_key: secretAccessKey = "" } =
    secrets;
  // The API is in a few regions only, and tells of all.
  const client = new sdk.PricingClient({
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey },
  });
  const price = async (ServiceCode: string, fields: Record<string, string>) => {
    const Filters = Object.entries({ regionCode: region, ...fields }).map(([Field, Value]) => ({
      Type: "TERM_MATCH" as const,
      Field,
      Value,
    }));
    const { PriceList = [] } = await client.send(new sdk.GetProductsCommand({ ServiceCode, Filters }));
    return usd(PriceList[0]);
  };
  const machine = {
    operatingSystem: "Linux",
    tenancy: "Shared",
    preInstalledSw: "NA",
    capacitystatus: "Used",
  };
  try {
    const [disk, address, ...machines] = await Promise.all([
      price("AmazonEC2", { productFamily: "Storage", volumeApiName: "gp3" }),
      price("AmazonVPC", { group: "VPCPublicIPv4Address" }),
      ...sizes.map((instanceType) => price("AmazonEC2", { instanceType, ...machine })),
    ]);
    return {
      of(size) {
        const hourly = machines[sizes.indexOf(size)];
        if (hourly === undefined || disk === undefined || address === undefined)
          return { monthly: null, note: "unknown: AWS's price list does not have it" };
        const parts = {
          server: hourly * HOURS,
          "IPv4 address": address * HOURS,
          [`${DISK_GB} GB disk`]: disk * DISK_GB,
        };
        const told = Object.entries(parts).map(([what, amount]) => `${what} ${amount.toFixed(2)}`);
        const monthly = Object.values(parts).reduce((sum, amount) => sum + amount, 0);
        return { monthly: Math.round(monthly * 100) / 100, note: told.join(", ") };
      },
    };
  } catch (error) {
    const why = error instanceof Error ? error.name : String(error);
    return { reason: `unknown: the key may not ask for prices, pricing:GetProducts (${why})` };
  }
}

const Product = z.object({
  terms: z.object({
    OnDemand: z.record(
      z.string(),
      z.object({
        priceDimensions: z.record(
          z.string(),
          z.object({ pricePerUnit: z.object({ USD: z.coerce.number() }) }),
        ),
      }),
    ),
  }),
});

/** The one price of a product on demand: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-an-offer.html */
export function usd(product: { toString(): string } | undefined): number | undefined {
  // AWS's SDK gives an object that is a string when it is asked.
  const parsed = Product.safeParse(product === undefined ? undefined : JSON.parse(String(product)));
  const [term] = Object.values(parsed.data?.terms.OnDemand ?? {});
  const [dimension] = Object.values(term?.priceDimensions ?? {});
  return dimension?.pricePerUnit.USD;
}
