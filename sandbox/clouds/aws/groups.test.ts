import * as ec2 from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeWire, refused } from "./wire.fake.ts";

let wire: FakeWire;
let client: ec2.EC2Client;
beforeEach(() => {
  wire = new FakeWire();
  client = wire.ec2();
});
afterEach(() => wire.close());

const create = async (GroupName: string) =>
  (await client.send(new ec2.CreateSecurityGroupCommand({ GroupName, Description: "d" }))).GroupId ?? "";
const tcp = (port: number, ...ranges: string[]): ec2.IpPermission => ({
  IpProtocol: "tcp",
  FromPort: port,
  ToPort: port,
  IpRanges: ranges.map((CidrIp) => ({ CidrIp })),
});
const allow = (GroupId: string, ...IpPermissions: ec2.IpPermission[]) =>
  client.send(new ec2.AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }));
const launch = async (SecurityGroupIds?: string[]) => {
  const { Images } = await client.send(new ec2.DescribeImagesCommand({ Filters: [{ Name: "architecture", Values: ["x86_64"] }] })); // prettier-ignore
  const input = {
    ImageId: Images?.[0]?.ImageId,
    InstanceType: "t3.small",
    MinCount: 1,
    MaxCount: 1,
  } as const;
  const { Instances } = await client.send(new ec2.RunInstancesCommand({ ...input, ...(SecurityGroupIds === undefined ? {} : { SecurityGroupIds }) })); // prettier-ignore
  return Instances?.[0]?.InstanceId ?? "";
};

test("a new group lets everything out and nothing in; a rule has an id, tags, and is there once", async () => {
  const id = await create("g");
  const { SecurityGroups } = await client.send(new ec2.DescribeSecurityGroupsCommand({ GroupIds: [id] }));
  expect(SecurityGroups).toMatchObject([{ IpPermissions: [], IpPermissionsEgress: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }] }]); // prettier-ignore

  const { SecurityGroupRules } = await client.send(
    new ec2.AuthorizeSecurityGroupIngressCommand({
      GroupId: id,
      IpPermissions: [tcp(22, "0.0.0.0/0")],
      TagSpecifications: [{ ResourceType: "security-group-rule", Tags: [{ Key: "a", Value: "b" }] }],
    }),
  );
  expect(SecurityGroupRules).toMatchObject([{ IsEgress: false, FromPort: 22, CidrIpv4: "0.0.0.0/0", Tags: [{ Key: "a", Value: "b" }] }]); // prettier-ignore
  expect(await refused(allow(id, tcp(22, "0.0.0.0/0")))).toBe("400 InvalidPermission.Duplicate");
  expect(await refused(allow(id, tcp(22, "10.0.0.0")))).toBe("400 InvalidParameterValue");
  expect(await refused(create("g"))).toBe("400 InvalidGroup.Duplicate");
  const revoke = new ec2.RevokeSecurityGroupEgressCommand({ GroupId: id, IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }] }); // prettier-ignore
  await client.send(revoke);
  expect(await refused(client.send(revoke))).toBe("400 InvalidPermission.NotFound");
  const { SecurityGroupRules: left } = await client.send(new ec2.DescribeSecurityGroupRulesCommand({ Filters: [{ Name: "group-id", Values: [id] }] })); // prettier-ignore
  expect(left).toHaveLength(1);
});

test("the rules of its groups are in force at a server, and a change of them at once", async () => {
  const web = await create("web");
  const inner = await create("inner");
  const id = await launch([web, inner]);
  const inbound = () => wire.machines.hosts.get(id)?.inbound;

  expect(inbound()).toEqual([]);
  await allow(web, tcp(22, "0.0.0.0/0"), { IpProtocol: "udp", FromPort: 41_641, ToPort: 41_642, Ipv6Ranges: [{ CidrIpv6: "::/0" }] }); // prettier-ignore
  await allow(inner, { IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: inner }] });
  expect(inbound()).toEqual([
    { protocol: "tcp", port: "22", from: ["0.0.0.0/0"] },
    { protocol: "udp", port: "41641-41642", from: ["::/0"] },
    ...["tcp", "udp", "icmp"].map((protocol) => ({ protocol, from: ["172.31.0.10/32"] })),
  ]);
  const { SecurityGroupRules } = await client.send(new ec2.DescribeSecurityGroupRulesCommand({ Filters: [{ Name: "group-id", Values: [web] }] })); // prettier-ignore
  const ssh = SecurityGroupRules?.find(({ FromPort }) => FromPort === 22)?.SecurityGroupRuleId ?? "";
  await client.send(
    new ec2.ModifySecurityGroupRulesCommand({
      GroupId: web,
      SecurityGroupRules: [{ SecurityGroupRuleId: ssh, SecurityGroupRule: { IpProtocol: "tcp", FromPort: 2222, ToPort: 2222, CidrIpv4: "10.0.0.0/8" } }], // prettier-ignore
    }),
  );
  expect(inbound()?.[0]).toEqual({ protocol: "tcp", port: "2222", from: ["10.0.0.0/8"] });
  await client.send(new ec2.ModifyInstanceAttributeCommand({ InstanceId: id, Groups: [inner] }));
  expect(inbound()).toHaveLength(3);
});

test("a group can't be deleted before the servers in it have ended, nor the default one ever", async () => {
  const group = await create("g");
  const id = await launch([group]);
  const remove = () => refused(client.send(new ec2.DeleteSecurityGroupCommand({ GroupId: group })));
  const { SecurityGroups } = await client.send(new ec2.DescribeSecurityGroupsCommand({ GroupNames: ["default"] })); // prettier-ignore

  expect(await remove()).toBe("400 DependencyViolation");
  await client.send(new ec2.TerminateInstancesCommand({ InstanceIds: [id] }));
  expect(await remove()).toBe("400 DependencyViolation");
  wire.ahead = 1000;
  expect(await remove()).toBe("done");
  expect(await remove()).toBe("400 InvalidGroup.NotFound");
  expect(await refused(client.send(new ec2.DeleteSecurityGroupCommand({ GroupId: SecurityGroups?.[0]?.GroupId })))).toBe("400 CannotDelete"); // prettier-ignore
});

test("without a group a server is in the default one, which lets its own members in", async () => {
  const id = await launch();

  expect(wire.machines.hosts.get(id)?.inbound).toEqual(["tcp", "udp", "icmp"].map((protocol) => ({ protocol, from: ["172.31.0.10/32"] }))); // prettier-ignore
});

test("a key pair has a fingerprint and is there once; deleting one that is not there is done", async () => {
  const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvbw me";
  const make = (text: string) =>
    client.send(new ec2.ImportKeyPairCommand({ KeyName: "k", PublicKeyMaterial: Buffer.from(text) }));
  const made = await make(key);
  const { KeyPairs } = await client.send(new ec2.DescribeKeyPairsCommand({ KeyNames: ["k"], IncludePublicKey: true })); // prettier-ignore

  expect(KeyPairs).toMatchObject([
    { KeyFingerprint: made.KeyFingerprint, KeyType: "ed25519", PublicKey: key },
  ]);
  expect(await refused(make(key))).toBe("400 InvalidKeyPair.Duplicate");
  expect(await refused(make("mine"))).toBe("400 InvalidKey.Format");
  for (const _ of [1, 2]) await client.send(new ec2.DeleteKeyPairCommand({ KeyName: "k" }));
  expect(await refused(client.send(new ec2.DescribeKeyPairsCommand({ KeyNames: ["k"] })))).toBe("400 InvalidKeyPair.NotFound"); // prettier-ignore
});
