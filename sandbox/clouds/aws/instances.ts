import type { Xml } from "./answer.ts";
import { invalid, page, Refusal } from "./answer.ts";
import { action, type Action, type Call, tagSet } from "./call.ts";
import { DEBIAN, imagesOf, ROOT_DEVICE, TYPES } from "./catalogue.ts";
import { findInstances, remembered, showState, stateOf } from "./life.ts";
import { subnetOf, vpcOf } from "./places.ts";
import { Filters, Flag, Paged, selected, Texts } from "./query.ts";
import type { Instance, Region } from "./state.ts";

export const instanceActions: Record<string, Action> = {
  DescribeInstances: action({ InstanceId: Texts, Filter: Filters, ...Paged }, (wanted, call) => {
    if (wanted.MaxResults !== undefined && wanted.InstanceId.length > 0)
      throw new Refusal("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults"); // prettier-ignore
    if (wanted.MaxResults !== undefined && (wanted.MaxResults < 5 || wanted.MaxResults > 1000))
      throw invalid(`Value ( ${wanted.MaxResults} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.`); // prettier-ignore
    const region = call.read();
    const kept = selectedInstances(region, wanted, call);
    const { items, nextToken } = page(kept, wanted);
    return {
      reservationSet: items.map((one) => ({
        reservationId: one.reservation,
        ownerId: call.account,
        groupSet: [],
        instancesSet: [showInstance(one, region, call)],
      })),
      nextToken,
    };
  }),

  DescribeInstanceStatus: action(
    { InstanceId: Texts, Filter: Filters, IncludeAllInstances: Flag.default(false), ...Paged },
    (wanted, call) => {
      const all = selectedInstances(call.read(), wanted, call).filter(
        (one) => wanted.IncludeAllInstances || state(one, call) === "running",
      );
      const { items, nextToken } = page(all, wanted);
      return {
        instanceStatusSet: items.map((one) => {
          const running = state(one, call) === "running";
          const status = {
            status: running ? "ok" : "not-applicable",
            details: running ? [{ name: "reachability", status: "passed" }] : [],
          };
          return {
            instanceId: one.id,
            availabilityZone: one.zone,
            instanceState: showState(state(one, call)),
            systemStatus: status,
            instanceStatus: status,
          };
        }),
        nextToken,
      };
    },
  ),

  DescribeInstanceCreditSpecifications: action(
    { InstanceId: Texts, Filter: Filters, ...Paged },
    (wanted, call) => ({
      instanceCreditSpecificationSet: selectedInstances(call.read(), wanted, call)
        .filter(({ type }) => TYPES.find(({ name }) => name === type)?.burstable === true)
        .map((one) => ({ instanceId: one.id, cpuCredits: one.attributes.credits })),
    }),
  ),

  DescribeNetworkInterfaces: action(
    { NetworkInterfaceId: Texts, Filter: Filters, ...Paged },
    (wanted, call) => {
      const region = call.read();
      const all = remembered(region, call.now).filter((one) => state(one, call) !== "terminated");
      const named = all.filter(
        ({ interfaceId }) => wanted.NetworkInterfaceId.length === 0 || wanted.NetworkInterfaceId.includes(interfaceId), // prettier-ignore
      );
      const kept = selected(named, wanted.Filter, (one) => ({
        "network-interface-id": one.interfaceId,
        "group-id": one.groups,
        "attachment.instance-id": one.id,
        "vpc-id": vpcOf(call.region),
        description: "",
        status: "in-use",
      }));
      const { items, nextToken } = page(kept, wanted);
      return { networkInterfaceSet: items.map((one) => showInterface(one, region, call)), nextToken };
    },
  ),
};

const state = (one: Instance, { machines, now }: Call) => stateOf(one, machines, now);

function selectedInstances(
  region: Region,
  wanted: { InstanceId: string[]; Filter: { Name: string; Value: string[] }[] },
  call: Call,
): Instance[] {
  const named =
    wanted.InstanceId.length === 0
      ? remembered(region, call.now)
      : findInstances(region, wanted.InstanceId, call.now);
  return selected(
    named,
    wanted.Filter,
    (one) => ({
      "instance-id": one.id,
      "instance-state-name": state(one, call),
      "instance-state-code": showState(state(one, call)).code,
      "instance-type": one.type,
      "image-id": one.image,
      "key-name": one.keyName,
      "client-token": one.clientToken,
      "availability-zone": one.zone,
      "vpc-id": vpcOf(call.region),
      "subnet-id": subnetOf(one.zone),
      "ip-address": publicIpv4(one, region, call),
      "private-ip-address": one.privateIpv4,
      "instance.group-id": one.groups,
      "network-interface.group-id": one.groups,
      "reservation-id": one.reservation,
    }),
    ({ id }) => region.tags[id] ?? {},
  );
}

/** A stopped instance gives its address back: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html */
export function publicIpv4(one: Instance, region: Region, call: Call): string | undefined {
  const elastic = region.addresses.find(({ instance }) => instance === one.id)?.ipv4;
  const up = ["pending", "running"].includes(state(one, call)) && one.ipv4 !== "";
  return one.terminated === undefined ? (elastic ?? (up ? one.ipv4 : undefined)) : undefined;
}

function showInterface(one: Instance, region: Region, call: Call) {
  const publicIp = publicIpv4(one, region, call);
  const privateIpAddress = one.privateIpv4 === "" ? undefined : one.privateIpv4;
  const association = publicIp === undefined ? undefined : { publicIp, ipOwnerId: "amazon" };
  return {
    networkInterfaceId: one.interfaceId,
    subnetId: subnetOf(one.zone),
    vpcId: vpcOf(call.region),
    ownerId: call.account,
    status: "in-use",
    description: "",
    interfaceType: "interface",
    privateIpAddress,
    sourceDestCheck: one.attributes.sourceDestCheck,
    groupSet: groupSet(one, region),
    attachment: {
      attachmentId: one.interfaceId.replace("eni-", "eni-attach-"),
      instanceId: one.id,
      deviceIndex: 0,
      networkCardIndex: 0,
      status: "attached",
      attachTime: new Date(one.launched).toISOString(),
      deleteOnTermination: true,
    },
    association,
    privateIpAddressesSet: [{ privateIpAddress, primary: true, association }],
    ipv6AddressesSet: [],
    tagSet: tagSet(region.tags[one.interfaceId]),
  };
}

const groupSet = (one: Instance, region: Region): Xml =>
  one.groups.map((groupId) => ({
    groupId,
    groupName: region.groups.find(({ id }) => id === groupId)?.name,
  }));

export function showInstance(one: Instance, region: Region, call: Call): Xml {
  const now = state(one, call);
  const gone = now === "terminated";
  const type = TYPES.find(({ name }) => name === one.type);
  const privateIpAddress = gone || one.privateIpv4 === "" ? undefined : one.privateIpv4;
  const ipAddress = publicIpv4(one, region, call);
  const internal = `ip-${one.privateIpv4.replaceAll(".", "-")}.${call.region}.compute.internal`;
  const volume = region.volumes.find(({ id }) => id === one.rootVolume);
  const { metadata, attributes } = one;
  return {
    instanceId: one.id,
    imageId: one.image,
    instanceState: showState(now),
    stateReason: gone ? { code: "Client.UserInitiatedShutdown", message: "Client.UserInitiatedShutdown: User initiated shutdown" } : undefined, // prettier-ignore
    privateDnsName: privateIpAddress === undefined ? "" : internal,
    dnsName: ipAddress === undefined ? "" : `ec2-${ipAddress.replaceAll(".", "-")}.${call.region}.compute.amazonaws.com`, // prettier-ignore
    reason: "",
    keyName: one.keyName,
    amiLaunchIndex: 0,
    productCodes: [],
    instanceType: one.type,
    launchTime: new Date(one.launched).toISOString(),
    placement: { availabilityZone: one.zone, groupName: "", tenancy: "default" },
    monitoring: { state: attributes.monitoring ? "enabled" : "disabled" },
    subnetId: gone ? undefined : subnetOf(one.zone),
    vpcId: gone ? undefined : vpcOf(call.region),
    privateIpAddress,
    ipAddress,
    sourceDestCheck: attributes.sourceDestCheck,
    groupSet: gone ? [] : groupSet(one, region),
    architecture: imagesOf(call.region).find(({ id }) => id === one.image)?.architecture,
    rootDeviceType: "ebs",
    rootDeviceName: ROOT_DEVICE,
    blockDeviceMapping:
      volume === undefined
        ? []
        : [{ deviceName: ROOT_DEVICE, ebs: { volumeId: volume.id, status: "attached", attachTime: new Date(volume.created).toISOString(), deleteOnTermination: volume.deleteOnTermination } }], // prettier-ignore
    virtualizationType: "hvm",
    clientToken: one.clientToken ?? "",
    tagSet: tagSet(region.tags[one.id]),
    hypervisor: "xen",
    networkInterfaceSet: gone ? [] : [showInterface(one, region, call)],
    ebsOptimized: attributes.ebsOptimized,
    enaSupport: true,
    cpuOptions: { coreCount: type?.vcpus, threadsPerCore: 1 },
    capacityReservationSpecification: { capacityReservationPreference: "open" },
    hibernationOptions: { configured: false },
    enclaveOptions: { enabled: false },
    metadataOptions: showMetadata(metadata),
    maintenanceOptions: { autoRecovery: "default" },
    currentInstanceBootMode: "legacy-bios",
    platformDetails: "Linux/UNIX",
    usageOperation: "RunInstances",
    usageOperationUpdateTime: new Date(one.launched).toISOString(),
    privateDnsNameOptions: { hostnameType: "ip-name", enableResourceNameDnsARecord: false, enableResourceNameDnsAAAARecord: false }, // prettier-ignore
    imageOwnerId: DEBIAN,
  };
}

export const showMetadata = ({ tokens, endpoint, hops, tags }: Instance["metadata"]) => ({
  state: "applied",
  httpTokens: tokens,
  httpPutResponseHopLimit: hops,
  httpEndpoint: endpoint,
  httpProtocolIpv6: "disabled",
  instanceMetadataTags: tags,
});
