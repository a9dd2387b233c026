import { createHash } from "node:crypto";
import { invalid, Refusal } from "./answer.ts";
import { action, type Action, type Call, each, keepTags } from "./call.ts";
import { type Image, imagesOf, type InstanceType, TYPES, zonesOf } from "./catalogue.ts";
import { findGroup } from "./groups.ts";
import { showInstance } from "./instances.ts";
import { noKeyPair } from "./keys.ts";
import { noImage, noSubnet, subnetOf } from "./places.ts";
import { enforce } from "./rules.ts";
import { Ebs, Parameters, type Wanted } from "./run-parameters.ts";
import { newId, type Instance, type Region } from "./state.ts";

export function runActions(): Record<string, Action> {
  /** Servers that are being made, by client token: who asks again waits for the same. */
  const launches = new Map<string, Promise<void>>();
  return {
    RunInstances: action(Parameters, async (wanted, call) => {
      const request = createHash("sha256").update(JSON.stringify(wanted)).digest("hex");
      const before = call
        .read()
        .instances.filter(
          ({ clientToken }) => clientToken !== undefined && clientToken === wanted.ClientToken,
        );
      if (before.some((one) => one.request !== request))
        throw new Refusal("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."); // prettier-ignore
      const token = wanted.ClientToken ?? newId("token");
      let reservation = before[0]?.reservation;
      if (reservation === undefined) {
        const made = register(call, wanted, choose(call, wanted), request);
        reservation = made.reservation;
        launches.set(
          token,
          launch(call, made.instances).finally(() => launches.delete(token)),
        );
      }
      await launches.get(token);
      return showReservation(call, reservation);
    }),
  };
}

export function showReservation(call: Call, reservation: string) {
  const region = call.read();
  const instances = region.instances.filter((one) => one.reservation === reservation);
  return {
    reservationId: reservation,
    ownerId: call.account,
    groupSet: [],
    instancesSet: instances.map((one) => showInstance(one, region, call)),
  };
}

interface Choice {
  image: Image;
  type: InstanceType;
  zone: string;
  groups: string[];
  publicKey: string | undefined;
}

/** Everything that can be refused. */
function choose(call: Call, wanted: Wanted): Choice {
  const region = call.read();
  const [image] = each(imagesOf(call.region), [wanted.ImageId], ({ id }) => id, noImage) as [Image]; // prettier-ignore
  const type = TYPES.find(({ name }) => name === wanted.InstanceType);
  if (type === undefined) throw invalid(`Invalid value '${wanted.InstanceType}' for InstanceType.`);
  if (type.architecture !== image.architecture)
    throw invalid(`The architecture '${type.architecture}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.`); // prettier-ignore
  if (wanted.MinCount < 1 || wanted.MaxCount < wanted.MinCount)
    throw invalid(`Invalid value '${wanted.MaxCount}' for MaxCount`);
  // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
  if (Buffer.from(wanted.UserData, "base64").length > 16_384)
    throw invalid("User data is limited to 16384 bytes");
  const [device] = wanted.NetworkInterface;
  if (device !== undefined && (wanted.SubnetId !== undefined || wanted.SecurityGroupId.length > 0))
    throw new Refusal("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request"); // prettier-ignore
  const groups = device?.SecurityGroupId ?? wanted.SecurityGroupId;
  for (const id of groups) findGroup(region, id);
  const key = region.keys.find(({ name }) => name === wanted.KeyName);
  if (wanted.KeyName !== undefined && key === undefined) throw noKeyPair(wanted.KeyName);
  const group = region.groups.find(({ name }) => name === "default")?.id ?? "";
  const zone = chooseZone(
    call,
    type.name,
    device?.SubnetId ?? wanted.SubnetId,
    wanted.Placement.AvailabilityZone,
  );
  refuseOverLimit(call, type, wanted.MaxCount);
  return { image, type, zone, groups: groups.length > 0 ? groups : [group], publicKey: key?.publicKey };
}

function chooseZone(call: Call, type: string, subnet: string | undefined, asked: string | undefined): string {
  const zones = zonesOf(call.region);
  const bySubnet = zones.find((zone) => subnetOf(zone) === subnet);
  if (subnet !== undefined && bySubnet === undefined) throw noSubnet(subnet);
  if (asked !== undefined && !zones.includes(asked)) throw invalid(`Invalid availability zone: [${asked}]`);
  const { soldOut } = call.readAccount();
  const wanted = bySubnet ?? asked;
  const left = zones.filter((zone) => !soldOut.includes(`${type}@${zone}`) && !soldOut.includes(`${type}@${call.region}`)); // prettier-ignore
  const zone = wanted ?? left[0];
  if (zone === undefined || !left.includes(zone))
    throw new Refusal("InsufficientInstanceCapacity", `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone ?? zones[0] ?? ""}). Our system will be working on provisioning additional capacity.`, 500); // prettier-ignore
  return zone;
}

export function refuseOverLimit(call: Call, type: InstanceType, count: number): void {
  const limit = call.readAccount().vcpuLimit;
  const used = call
    .read()
    .instances.filter(({ on, terminated }) => on && terminated === undefined)
    .reduce((sum, one) => sum + (TYPES.find(({ name }) => name === one.type)?.vcpus ?? 0), 0);
  if (used + type.vcpus * count > limit)
    throw new Refusal("VcpuLimitExceeded", `You have requested more vCPU capacity than your current vCPU limit of ${limit} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.`); // prettier-ignore
}

/** Instances exist from now on, if without a host: a second call with the token finds them. */
function register(call: Call, wanted: Wanted, choice: Choice, request: string) {
  const reservation = newId("r");
  const instances = call.change((region) => {
    const made = Array.from({ length: wanted.MaxCount }, () => {
      const one = newInstance(call, wanted, choice, { reservation, request });
      region.instances.push(one);
      const ebs = wanted.BlockDeviceMapping[0]?.Ebs ?? Ebs.parse({});
      region.volumes.push({
        id: one.rootVolume,
        zone: choice.zone,
        size: ebs.VolumeSize ?? 8,
        type: ebs.VolumeType,
        iops: ebs.Iops ?? 3000,
        throughput: ebs.Throughput ?? 125,
        encrypted: ebs.Encrypted,
        created: call.now,
        deleteOnTermination: ebs.DeleteOnTermination,
        instance: one.id,
      });
      return one;
    });
    keepTags(region, wanted.TagSpecification, {
      instance: made.map(({ id }) => id),
      volume: made.map(({ rootVolume }) => rootVolume),
      "network-interface": made.map(({ interfaceId }) => interfaceId),
    });
    return made;
  });
  return { reservation, instances };
}

function newInstance(
  call: Call,
  wanted: Wanted,
  { image, type, zone, groups, publicKey }: Choice,
  of: { reservation: string; request: string },
): Instance {
  const { MetadataOptions: metadata } = wanted;
  return {
    ...of,
    id: newId("i"),
    clientToken: wanted.ClientToken,
    image: image.id,
    type: type.name,
    zone,
    keyName: wanted.KeyName,
    publicKey,
    userData: wanted.UserData,
    groups,
    interfaceId: newId("eni"),
    rootVolume: newId("vol"),
    attributes: {
      disableApiTermination: wanted.DisableApiTermination,
      disableApiStop: wanted.DisableApiStop,
      sourceDestCheck: true,
      ebsOptimized: wanted.EbsOptimized,
      monitoring: wanted.Monitoring.Enabled,
      shutdownBehavior: wanted.InstanceInitiatedShutdownBehavior,
      credits: wanted.CreditSpecification?.CpuCredits ?? "unlimited",
    },
    metadata: {
      tokens: metadata.HttpTokens ?? "optional",
      endpoint: metadata.HttpEndpoint ?? "enabled",
      hops: metadata.HttpPutResponseHopLimit ?? 1,
      tags: metadata.InstanceMetadataTags ?? "disabled",
    },
    launched: call.now,
    on: true,
    since: call.now,
    terminated: undefined,
    host: "",
    ipv4: "",
    privateIpv4: "",
  };
}

/** What can't be made whole is not there: a call that is repeated makes it anew. */
async function launch(call: Call, instances: readonly Instance[]): Promise<void> {
  const hosts: string[] = [];
  try {
    for (const one of instances) hosts.push(await boot(call, one));
    await enforce(call);
  } catch (error) {
    call.change((region) => instances.forEach((one) => forget(region, one)));
    for (const host of hosts) await call.machines.delete(host);
    throw error;
  }
}

async function boot(call: Call, one: Instance): Promise<string> {
  const name = call.read().tags[one.id]?.["Name"] ?? "";
  const { host, ipv4, privateIpv4 } = await call.machines.create({
    name: /^[a-z][a-z0-9-]{0,40}$/.test(name) ? name : one.id,
    provider: "aws",
    userData: Buffer.from(one.userData, "base64").toString(),
    authorizedKeys: one.publicKey === undefined ? [] : [one.publicKey],
  });
  call.change((region) => {
    const own = region.instances.find(({ id }) => id === one.id);
    if (own !== undefined) Object.assign(own, { host, ipv4, privateIpv4 });
  });
  await call.machines.setMetadataHops(host, one.metadata.hops);
  return host;
}

function forget(region: Region, one: Instance): void {
  region.instances = region.instances.filter(({ id }) => id !== one.id);
  region.volumes = region.volumes.filter(({ id }) => id !== one.rootVolume);
  for (const id of [one.id, one.rootVolume, one.interfaceId]) delete region.tags[id];
}
