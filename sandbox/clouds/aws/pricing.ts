import { createHash } from "node:crypto";
import { z } from "zod";
import type { Reply } from "../../services/api.ts";
import { REGIONS, TYPES } from "./catalogue.ts";
import type { Refusal } from "./answer.ts";

const Query = z.strictObject({
  ServiceCode: z.string(),
  FormatVersion: z.literal("aws_v1").optional(),
  Filters: z
    .array(z.strictObject({ Type: z.literal("TERM_MATCH"), Field: z.string(), Value: z.string() }))
    .default([]),
  MaxResults: z.int().min(1).max(100).default(100),
  NextToken: z.string().optional(),
});

const JSON_TYPE = { "content-type": "application/x-amz-json-1.1" };

export const pricingRefusal = ({ code, message, status }: Refusal): Reply => ({
  status,
  body: { __type: code, Message: message, message },
  headers: JSON_TYPE,
});

/** https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html */
export function getProducts(body: string): Reply {
  const parsed = Query.safeParse(JSON.parse(body === "" ? "{}" : body));
  if (!parsed.success) {
    const { message = "", path = [] } = parsed.error.issues[0] ?? {};
    const text = `Input Parameters are invalid: ${path.join(".")} ${message}`;
    return { status: 400, body: { __type: "InvalidParameterException", Message: text }, headers: JSON_TYPE };
  }
  const { ServiceCode, Filters, MaxResults, NextToken } = parsed.data;
  const kept = PRODUCTS.filter(
    (one) =>
      one.serviceCode === ServiceCode &&
      Filters.every(({ Field, Value }) => {
        const own = Field === "productFamily" ? one.product.productFamily : one.product.attributes[Field];
        return own?.toLowerCase() === Value.toLowerCase();
      }),
  );
  const from = NextToken === undefined ? 0 : Number(NextToken);
  const next = from + MaxResults < kept.length ? { NextToken: String(from + MaxResults) } : {};
  const PriceList = kept.slice(from, from + MaxResults).map((one) => JSON.stringify(one));
  return { status: 200, body: { FormatVersion: "aws_v1", PriceList, ...next }, headers: JSON_TYPE };
}

/** Codes that AWS has for "on demand" and "by the hour": https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-an-offer.html */
const ON_DEMAND = "JRTCKXETXF";
const RATE = "6YS6EN2CT7";

/** What a server comes to: itself, its disk, and its public address. */
const PRODUCTS = Object.entries(REGIONS).flatMap(([regionCode, { location, usage }]) => {
  const here = { location, locationType: "AWS Region", regionCode };
  const compute = TYPES.map((type) =>
    product("AmazonEC2", "Compute Instance", "Hrs", type.hourly[regionCode] ?? 0, {
      ...here,
      servicecode: "AmazonEC2",
      instanceType: type.name,
      operatingSystem: "Linux",
      tenancy: "Shared",
      preInstalledSw: "NA",
      capacitystatus: "Used",
      licenseModel: "No License required",
      operation: "RunInstances",
      vcpu: String(type.vcpus),
      memory: `${type.memoryMib / 1024} GiB`,
      usagetype: `${usage}BoxUsage:${type.name}`,
      marketoption: "OnDemand",
    }),
  );
  const disk = product("AmazonEC2", "Storage", "GB-Mo", regionCode.startsWith("us-") ? 0.08 : 0.0952, {
    ...here,
    servicecode: "AmazonEC2",
    volumeApiName: "gp3",
    volumeType: "General Purpose",
    storageMedia: "SSD-backed",
    usagetype: `${usage}EBS:VolumeUsage.gp3`,
  });
  const address = product("AmazonVPC", "VpcPublicIPv4Address", "Hrs", 0.005, {
    ...here,
    servicecode: "AmazonVPC",
    group: "VPCPublicIPv4Address",
    groupDescription: "Hourly charge for In-use Public IPv4 Addresses",
    usagetype: `${usage}PublicIPv4:InUseAddress`,
  });
  return [...compute, disk, address];
});

function product(
  serviceCode: string,
  productFamily: string,
  unit: string,
  usd: number,
  attributes: Record<string, string>,
) {
  // prettier-ignore
  const sku = createHash("sha256").update(attributes["usagetype"] ?? "").digest("hex").slice(0, 16).toUpperCase(); // prettier-ignore
  const rateCode = `${sku}.${ON_DEMAND}.${RATE}`;
  const price = { unit, rateCode, beginRange: "0", endRange: "Inf", appliesTo: [], description: `$${usd} per ${unit}`, pricePerUnit: { USD: usd.toFixed(10) } }; // prettier-ignore
  const term = { sku, offerTermCode: ON_DEMAND, effectiveDate: "2026-11-01T00:00:00Z", termAttributes: {}, priceDimensions: { [rateCode]: price } }; // prettier-ignore
  return {
    serviceCode,
    product: { productFamily, attributes, sku },
    terms: { OnDemand: { [`${sku}.${ON_DEMAND}`]: term } },
    version: "20261101000000",
    publicationDate: "2026-11-01T00:00:00Z",
  };
}
