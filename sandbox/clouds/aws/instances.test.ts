import * as ec2 from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { billed } from "./state.ts";
import { FakeWire, refused } from "./wire.fake.ts";

let wire: FakeWire;
let client: ec2.EC2Client;
let image: string;

beforeEach(async () => {
  wire = new FakeWire();
  client = wire.ec2();
  const found = await client.send(new ec2.DescribeImagesCommand({ Filters: [{ Name: "name", Values: ["debian-12-amd64-20261019-*"] }] })); // prettier-ignore
  image = found.Images?.[0]?.ImageId ?? "";
});
afterEach(() => wire.close());

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvbw me";
const tagged = (type: ec2.ResourceType, name: string) => ({
  ResourceType: type,
  Tags: [{ Key: "Name", Value: name }, { Key: "infra-k3s-cluster", Value: "demo" }], // prettier-ignore
});
const run = (input: Partial<ec2.RunInstancesCommandInput> = {}) =>
  new ec2.RunInstancesCommand({ ImageId: image, InstanceType: "t3.medium", MinCount: 1, MaxCount: 1, ...input }); // prettier-ignore
const one = async (InstanceId: string | undefined) => {
  const { Reservations } = await client.send(new ec2.DescribeInstancesCommand({ InstanceIds: [InstanceId ?? ""] })); // prettier-ignore
  return Reservations?.[0]?.Instances?.[0];
};
const start = async (input: Partial<ec2.RunInstancesCommandInput> = {}) =>
  (await client.send(run(input))).Instances?.[0]?.InstanceId ?? "";
const settle = () => (wire.ahead += 1000);

test("a server is a machine with its key and its user data, and is running after a while", async () => {
  await client.send(new ec2.ImportKeyPairCommand({ KeyName: "k", PublicKeyMaterial: Buffer.from(KEY) }));
  const made = await client.send(
    run({
      KeyName: "k",
      UserData: Buffer.from("#cloud-config\n").toString("base64"),
      MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1, HttpEndpoint: "enabled" },
      NetworkInterfaces: [{ DeviceIndex: 0, AssociatePublicIpAddress: true }],
      BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { VolumeSize: 30, VolumeType: "gp3", Encrypted: true } }], // prettier-ignore
      TagSpecifications: [tagged("instance", "aws-1"), tagged("volume", "aws-1")],
    }),
  );
  const id = made.Instances?.[0]?.InstanceId;

  expect(made.Instances).toMatchObject([{ State: { Name: "pending", Code: 0 }, PrivateIpAddress: "172.31.0.10" }]); // prettier-ignore
  expect(wire.machines.hosts.get("aws-1")).toMatchObject({ userData: "#cloud-config\n", authorizedKeys: [KEY] }); // prettier-ignore
  settle();
  const running = await one(id);
  expect(running).toMatchObject({
    State: { Name: "running", Code: 16 },
    PublicIpAddress: "198.18.1.10",
    MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1, State: "applied" },
    Tags: [{ Key: "Name", Value: "aws-1" }, { Key: "infra-k3s-cluster", Value: "demo" }], // prettier-ignore
  });
  const VolumeIds = running?.BlockDeviceMappings?.map(({ Ebs }) => Ebs?.VolumeId ?? "");
  expect((await client.send(new ec2.DescribeVolumesCommand({ VolumeIds }))).Volumes).toMatchObject([{ Size: 30, Encrypted: true, State: "in-use" }]); // prettier-ignore
  const data = await client.send(new ec2.DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: "userData" })); // prettier-ignore
  expect(Buffer.from(data.UserData?.Value ?? "", "base64").toString()).toBe("#cloud-config\n");
  expect(billed(wire.store.read())).toEqual({ instances: 1, running: 1, volumes: 1, publicIpv4: 1 });
});

test("a call whose answer is lost is repeated by the SDK with its token, and makes one server", async () => {
  wire.lose = 1;
  await wire.ec2({}, "eu-central-1", 3).send(run());

  expect(wire.statuses.filter((status) => status === 200)).toHaveLength(3);
  expect(wire.machines.hosts.size).toBe(1);
  // Also at the same time, and with something else it is no repetition.
  await Promise.all([1, 2, 3].map(() => client.send(run({ ClientToken: "t" }))));
  expect(wire.machines.hosts.size).toBe(2);
  settle();
  expect(await refused(client.send(run({ ClientToken: "t", InstanceType: "t3.small" })))).toBe("400 IdempotentParameterMismatch"); // prettier-ignore
});

test("what EC2 refuses is refused in its words, and nothing is made", async () => {
  const why = (input: Partial<ec2.RunInstancesCommandInput>) => {
    settle();
    return refused(client.send(run(input)));
  };

  expect(await why({ ImageId: "ami-0123" })).toBe("400 InvalidAMIID.NotFound");
  expect(await why({ InstanceType: "t4g.medium" })).toBe("400 InvalidParameterValue");
  expect(await why({ InstanceType: "t9.huge" as never })).toBe("400 InvalidParameterValue");
  expect(await why({ KeyName: "none" })).toBe("400 InvalidKeyPair.NotFound");
  expect(await why({ SecurityGroupIds: ["sg-0123"] })).toBe("400 InvalidGroup.NotFound");
  expect(await why({ SubnetId: "subnet-0123" })).toBe("400 InvalidSubnetID.NotFound");
  expect(await why({ UserData: Buffer.alloc(16_385).toString("base64") })).toBe("400 InvalidParameterValue");
  expect(await why({ MaxCount: 17 })).toBe("400 VcpuLimitExceeded");
  expect(await why({ DryRun: true })).toBe("412 DryRunOperation");
  wire.store.change((account) => void account.soldOut.push("t3.medium@eu-central-1"));
  expect(await why({})).toBe("500 InsufficientInstanceCapacity");
  wire.store.change((account) => Object.assign(account, { soldOut: ["t3.medium@eu-central-1a"] }));
  expect(await why({ Placement: { AvailabilityZone: "eu-central-1a" } })).toBe("500 InsufficientInstanceCapacity"); // prettier-ignore
  expect(wire.machines.hosts.size).toBe(0);
  expect((await client.send(run())).Instances?.[0]?.Placement?.AvailabilityZone).toBe("eu-central-1b");
});

test("a host that can't be made leaves no instance, and one that can't be made whole no host", async () => {
  wire.machines.setInbound = async () => Promise.reject(new Error("no firewall"));
  expect(await refused(client.send(run()))).toBe("500 InternalError");
  expect(wire.machines.hosts.size).toBe(0);
  wire.machines.create = async () => Promise.reject(new Error("no room"));

  expect(await refused(client.send(run()))).toBe("500 InternalError");
  expect(billed(wire.store.read())).toEqual({ instances: 0, running: 0, volumes: 0, publicIpv4: 0 });
});

test("stop, change, start: its address is gone meanwhile; a host that has ended by itself is stopped, too", async () => {
  const id = await start();
  settle();
  const type = new ec2.ModifyInstanceAttributeCommand({
    InstanceId: id,
    InstanceType: { Value: "t3.large" },
  });
  expect(await refused(client.send(type))).toBe("400 IncorrectInstanceState");
  const stopping = await client.send(new ec2.StopInstancesCommand({ InstanceIds: [id] }));
  expect(stopping.StoppingInstances).toMatchObject([{ PreviousState: { Name: "running" } }]);
  settle();
  const stopped = await one(id);
  expect([stopped?.State?.Name, stopped?.PublicIpAddress]).toEqual(["stopped", undefined]);
  expect(wire.machines.isRunning(id)).toBe(false);
  expect(billed(wire.store.read())).toEqual({ instances: 1, running: 0, volumes: 1, publicIpv4: 0 });
  await client.send(type);
  await client.send(new ec2.StartInstancesCommand({ InstanceIds: [id] }));
  settle();
  expect(await one(id)).toMatchObject({ InstanceType: "t3.large", State: { Name: "running" } });
  await wire.machines.powerOff(id);
  wire.ahead += 20_000;
  expect((await one(id))?.State?.Name).toBe("stopped");
  await client.send(new ec2.StartInstancesCommand({ InstanceIds: [id] }));
  expect(wire.machines.isRunning(id)).toBe(true);
});

test("a protected server stays; without protection it is seen to end, and nothing is billed", async () => {
  const [id, other] = [await start({ DisableApiTermination: true }), await start()];
  const terminate = new ec2.TerminateInstancesCommand({ InstanceIds: [other, id] });

  expect(await refused(client.send(terminate))).toBe("400 OperationNotPermitted");
  expect(wire.machines.hosts.size).toBe(2);
  await client.send(new ec2.ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value: false } })); // prettier-ignore
  const ended = await client.send(terminate);
  expect(ended.TerminatingInstances?.map(({ CurrentState }) => CurrentState?.Name)).toEqual(["shutting-down", "shutting-down"]); // prettier-ignore
  settle();
  expect((await one(id))?.State).toEqual({ Name: "terminated", Code: 48 });
  expect([wire.machines.hosts.size, billed(wire.store.read())]).toEqual([0, { instances: 0, running: 0, volumes: 0, publicIpv4: 0 }]); // prettier-ignore
  wire.ahead += 3_600_000;
  // The signature is an hour old by then, as the simulator's clock sees it.
  const later = wire.ec2();
  later.config.systemClockOffset = wire.ahead;
  expect(await refused(later.send(new ec2.DescribeInstancesCommand({ InstanceIds: [id] })))).toBe("400 InvalidInstanceID.NotFound"); // prettier-ignore
});

test("servers are found by tag and state, in pages", async () => {
  for (const name of ["a", "b", "c"]) await start({ TagSpecifications: [tagged("instance", name)] });
  const other = await start();
  const found = async (Filters: ec2.Filter[]) => {
    const ids: string[] = [];
    for await (const { Reservations } of ec2.paginateDescribeInstances({ client, pageSize: 5 }, { Filters }))
      ids.push(...(Reservations ?? []).flatMap(({ Instances }) => Instances?.map(({ InstanceId }) => InstanceId ?? "") ?? [])); // prettier-ignore
    return ids;
  };

  expect(await found([{ Name: "tag:infra-k3s-cluster", Values: ["demo"] }])).toHaveLength(3);
  expect(await found([{ Name: "tag:Name", Values: ["b"] }, { Name: "instance-state-name", Values: ["pending", "running"] }])).toHaveLength(1); // prettier-ignore
  await client.send(new ec2.CreateTagsCommand({ Resources: [other], Tags: [{ Key: "infra-k3s-cluster", Value: "demo" }] })); // prettier-ignore
  expect(await found([{ Name: "tag-key", Values: ["infra-*"] }])).toHaveLength(4);
  await client.send(new ec2.DeleteTagsCommand({ Resources: [other], Tags: [{ Key: "infra-k3s-cluster", Value: "another" }] })); // prettier-ignore
  const { Tags } = await client.send(new ec2.DescribeTagsCommand({ Filters: [{ Name: "resource-id", Values: [other] }] })); // prettier-ignore
  expect(Tags).toMatchObject([{ Key: "infra-k3s-cluster", Value: "demo", ResourceType: "instance" }]);
  expect(await refused(client.send(new ec2.CreateTagsCommand({ Resources: ["vol-0123"], Tags: [] })))).toBe("400 InvalidID"); // prettier-ignore
});

test("metadata options are changed while it runs", async () => {
  const id = await start();
  expect(wire.machines.hosts.get(id)?.hops).toBe(1);
  await client.send(new ec2.ModifyInstanceMetadataOptionsCommand({ InstanceId: id, HttpTokens: "required", HttpPutResponseHopLimit: 2 })); // prettier-ignore

  expect((await one(id))?.MetadataOptions).toMatchObject({ HttpTokens: "required", HttpPutResponseHopLimit: 2, HttpEndpoint: "enabled" }); // prettier-ignore
  expect(wire.machines.hosts.get(id)?.hops).toBe(2);
});

test("an elastic address takes the place of a server's own, and is billed until it is released", async () => {
  const id = await start();
  const { AllocationId, PublicIp } = await client.send(new ec2.AllocateAddressCommand({ Domain: "vpc" }));
  const { AssociationId } = await client.send(new ec2.AssociateAddressCommand({ AllocationId, InstanceId: id })); // prettier-ignore

  expect([wire.machines.hosts.get(id)?.publicIpv4, (await one(id))?.PublicIpAddress]).toEqual([PublicIp, PublicIp]); // prettier-ignore
  expect(billed(wire.store.read())["publicIpv4"]).toBe(1);
  expect(await refused(client.send(new ec2.ReleaseAddressCommand({ AllocationId })))).toBe("400 InvalidIPAddress.InUse"); // prettier-ignore
  await client.send(new ec2.DisassociateAddressCommand({ AssociationId }));
  expect(billed(wire.store.read())["publicIpv4"]).toBe(2);
  expect((await one(id))?.PublicIpAddress).not.toBe(PublicIp);
  await client.send(new ec2.ReleaseAddressCommand({ AllocationId }));
  expect((await client.send(new ec2.DescribeAddressesCommand({}))).Addresses).toEqual([]);
});
