import * as ec2 from "@aws-sdk/client-ec2";
import { GetProductsCommand } from "@aws-sdk/client-pricing";
import { AssumeRoleCommand, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeWire, refused } from "./wire.fake.ts";

let wire: FakeWire;
beforeEach(() => {
  wire = new FakeWire();
});
afterEach(() => wire.close());

const filter = (Field: string, Value: string) => ({ Type: "TERM_MATCH" as const, Field, Value });
const regions = new ec2.DescribeRegionsCommand({});

test("STS tells whom a key belongs to, in every region", async () => {
  const who = await wire.sts().send(new GetCallerIdentityCommand({}));

  expect(who).toMatchObject({ Account: "123456789012", Arn: "arn:aws:iam::123456789012:user/infra-k3s" });
  expect(await wire.sts({}, "us-east-1").send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: "123456789012" }); // prettier-ignore
});

test("an unknown key, a wrong secret and a stale signature are refused in each service's words", async () => {
  const unknown = { accessKeyId: "AKIAUNKNOWN" };
  const wrong = { secretAccessKey: "wrong" };
  const identity = new GetCallerIdentityCommand({});
  const products = new GetProductsCommand({ ServiceCode: "AmazonEC2" });

  expect(await refused(wire.ec2(unknown).send(regions))).toBe("401 AuthFailure");
  expect(await refused(wire.ec2(wrong).send(regions))).toBe("401 AuthFailure");
  expect(await refused(wire.sts(unknown).send(identity))).toBe("403 InvalidClientTokenId");
  expect(await refused(wire.sts(wrong).send(identity))).toBe("403 SignatureDoesNotMatch");
  expect(await refused(wire.pricing(unknown).send(products))).toBe("400 UnrecognizedClientException");
  expect(await refused(wire.pricing(wrong).send(products))).toBe("400 InvalidSignatureException");
  wire.ahead = 6 * 60_000;
  expect(await refused(wire.ec2().send(regions))).toBe("400 RequestExpired");
  expect(await refused(wire.sts().send(identity))).toBe("403 SignatureDoesNotMatch");
});

test("a key may do what it is allowed, and a dry run tells beforehand", async () => {
  const reader = wire.addKey({ user: "reader", accessKeyId: "AKIAREADER", secretAccessKey: "s", allow: ["ec2:Describe*"] }); // prettier-ignore
  const untagging = wire.addKey({ user: "u", accessKeyId: "AKIAUNTAGGED", secretAccessKey: "s", allow: ["ec2:CreateSecurityGroup"] }); // prettier-ignore
  const group = { GroupName: "g", Description: "d" };
  const tags = { TagSpecifications: [{ ResourceType: "security-group" as const, Tags: [{ Key: "a", Value: "b" }] }] }; // prettier-ignore
  const create = (input: object) => new ec2.CreateSecurityGroupCommand({ ...group, ...input });

  expect(await refused(wire.ec2(reader).send(regions))).toBe("done");
  expect(await refused(wire.ec2(reader).send(create({ DryRun: true })))).toBe("403 UnauthorizedOperation");
  expect(await refused(wire.ec2(untagging).send(create({ ...tags, DryRun: true })))).toBe("403 UnauthorizedOperation"); // prettier-ignore
  expect(await refused(wire.ec2(untagging).send(create({ DryRun: true })))).toBe("412 DryRunOperation");
  expect(await refused(wire.ec2().send(new ec2.DescribeVpcsCommand({ DryRun: true })))).toBe("412 DryRunOperation"); // prettier-ignore
  expect(wire.store.read().regions).toEqual({});
  expect(await refused(wire.pricing(reader).send(new GetProductsCommand({ ServiceCode: "AmazonEC2" })))).toBe("400 AccessDeniedException"); // prettier-ignore
});

test("what is not simulated is said so, also of a parameter", async () => {
  expect(await refused(wire.ec2().send(new ec2.DescribeHostsCommand({})))).toBe("501 NotSimulated");
  expect(await refused(wire.ec2().send(new ec2.DescribeVpcsCommand({ Filters: [{ Name: "mistyped", Values: ["x"] }] })))).toBe("400 InvalidParameterValue"); // prettier-ignore
  await expect(
    wire.ec2().send(new ec2.AllocateAddressCommand({ Domain: "vpc", CustomerOwnedIpv4Pool: "mine" })),
  ).rejects.toThrow("AllocateAddress: not simulated: CustomerOwnedIpv4Pool");
  expect(await refused(wire.sts().send(new AssumeRoleCommand({ RoleArn: "arn:aws:iam::123456789012:role/x", RoleSessionName: "x" })))).toBe("501 NotSimulated"); // prettier-ignore
});

test("a call that comes too often is throttled until its bucket fills again; other calls and regions are not", async () => {
  const many = await Promise.all(
    Array.from({ length: 130 }, () => refused(wire.ec2().send(new ec2.DescribeVpcsCommand({})))),
  );

  expect(new Set(many)).toEqual(new Set(["done", "503 RequestLimitExceeded"]));
  expect(await refused(wire.ec2().send(regions))).toBe("done");
  expect(await refused(wire.ec2({}, "eu-west-1").send(new ec2.DescribeVpcsCommand({})))).toBe("done");
  wire.ahead = 2000;
  expect(await refused(wire.ec2().send(new ec2.DescribeVpcsCommand({})))).toBe("done");
});

test("a region has zones, a default network with a subnet in each, and Debian's images by their owner", async () => {
  const client = wire.ec2();
  const zones = await client.send(new ec2.DescribeAvailabilityZonesCommand({}));
  const [vpc] = (await client.send(new ec2.DescribeVpcsCommand({ Filters: [{ Name: "is-default", Values: ["true"] }] }))).Vpcs ?? []; // prettier-ignore
  const subnets = await client.send(new ec2.DescribeSubnetsCommand({ Filters: [{ Name: "vpc-id", Values: [vpc?.VpcId ?? ""] }] })); // prettier-ignore
  const images = async (Owners: string[], name: string) => {
    const filters = [{ Name: "name", Values: [name] }, { Name: "virtualization-type", Values: ["hvm"] }]; // prettier-ignore
    const found = await client.send(new ec2.DescribeImagesCommand({ Owners, Filters: filters }));
    return found.Images?.map(({ Name }) => Name);
  };

  expect(zones.AvailabilityZones?.map(({ ZoneName }) => ZoneName)).toEqual(["eu-central-1a", "eu-central-1b", "eu-central-1c"]); // prettier-ignore
  expect(subnets.Subnets?.map(({ AvailabilityZone, DefaultForAz }) => [AvailabilityZone, DefaultForAz])).toHaveLength(3); // prettier-ignore
  expect(await images(["136693071363"], "debian-12-amd64-*")).toEqual(["debian-12-amd64-20260914-2236", "debian-12-amd64-20261019-2271"]); // prettier-ignore
  expect(await images(["1"], "debian-12-amd64-*")).toEqual([]);
  expect((await client.send(new ec2.DescribeRegionsCommand({}))).Regions?.map(({ RegionName }) => RegionName)).toContain("us-east-1"); // prettier-ignore
});

test("lists come in pages", async () => {
  const sizes: number[] = [];
  for await (const { InstanceTypes } of ec2.paginateDescribeInstanceTypes(
    { client: wire.ec2(), pageSize: 5 },
    {},
  ))
    sizes.push(InstanceTypes?.length ?? 0);

  expect(sizes).toEqual([5, 4]);
  expect(await refused(wire.ec2().send(new ec2.DescribeInstanceTypesCommand({ NextToken: "x" })))).toBe("400 InvalidPaginationToken"); // prettier-ignore
});

test("a type's processors, where it is offered, and what it costs", async () => {
  const client = wire.ec2();
  const types = await client.send(new ec2.DescribeInstanceTypesCommand({ InstanceTypes: ["t4g.medium"] }));
  const offered = await client.send(
    new ec2.DescribeInstanceTypeOfferingsCommand({
      LocationType: "availability-zone",
      Filters: [{ Name: "instance-type", Values: ["t3.medium"] }],
    }),
  );
  const { PriceList = [] } = await wire.pricing().send(
    new GetProductsCommand({
      ServiceCode: "AmazonEC2",
      Filters: [filter("instanceType", "t3.medium"), filter("regionCode", "eu-central-1"), filter("operatingSystem", "Linux")], // prettier-ignore
    }),
  );
  interface Offer { terms: { OnDemand: Record<string, { priceDimensions: Record<string, unknown> }> } } // prettier-ignore
  const [offer] = (PriceList as unknown[]).map((one) => JSON.parse(String(one)) as Offer);
  const [term] = Object.values(offer?.terms.OnDemand ?? {});

  expect(types.InstanceTypes).toMatchObject([{ ProcessorInfo: { SupportedArchitectures: ["arm64"] }, VCpuInfo: { DefaultVCpus: 2 }, MemoryInfo: { SizeInMiB: 4096 } }]); // prettier-ignore
  expect(await refused(client.send(new ec2.DescribeInstanceTypesCommand({ InstanceTypes: ["t9.huge" as never] })))).toBe("400 InvalidInstanceType"); // prettier-ignore
  expect(offered.InstanceTypeOfferings).toHaveLength(3);
  expect(PriceList).toHaveLength(1);
  expect(Object.values(term?.priceDimensions ?? {})).toMatchObject([{ unit: "Hrs", pricePerUnit: { USD: "0.0480000000" } }]); // prettier-ignore
});
