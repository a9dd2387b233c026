import { z } from "zod";
import { absent, Refusal, type Xml } from "./answer.ts";
import { action, type Action, type Call, DONE, each, keepTags, tagSet } from "./call.ts";
import { findInstances } from "./life.ts";
import { Filters, Flag, selected, TagSpecifications, Texts } from "./query.ts";
import { type Address, type Instance, newId, type Region } from "./state.ts";

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html#using-instance-addressing-limit: 5; the sandbox's networks spare fewer. */
const LIMIT = 4;

const missing = absent("InvalidAllocationID.NotFound", "The allocation ID '%' does not exist");
const find = (region: Region, id: string) => each(region.addresses, [id], (one) => one.id, missing)[0] as Address; // prettier-ignore

export const addressActions: Record<string, Action> = {
  AllocateAddress: action(
    { Domain: z.literal("vpc").optional(), TagSpecification: TagSpecifications },
    (wanted, { change, readAccount, machines }) => {
      // The sandbox's addresses are those of all regions.
      const taken = new Set(Object.values(readAccount().regions).flatMap(({ addresses }) => addresses.map(({ ipv4 }) => ipv4))); // prettier-ignore
      const free = Array.from({ length: LIMIT }, (_, index) => machines.spareIpv4("aws", index)).find((ipv4) => !taken.has(ipv4)); // prettier-ignore
      if (free === undefined)
        throw new Refusal("AddressLimitExceeded", "The maximum number of addresses has been reached.");
      return change((region) => {
        const one: Address = {
          id: newId("eipalloc"),
          ipv4: free,
          association: undefined,
          instance: undefined,
        };
        region.addresses.push(one);
        keepTags(region, wanted.TagSpecification, { "elastic-ip": [one.id] });
        return { publicIp: free, allocationId: one.id, domain: "vpc", publicIpv4Pool: "amazon" };
      });
    },
  ),

  AssociateAddress: action(
    { AllocationId: z.string(), InstanceId: z.string(), AllowReassociation: Flag.default(true) },
    async (wanted, call) => {
      const { association, left, host, ipv4 } = call.change((region) => {
        const one = find(region, wanted.AllocationId);
        const [instance] = findInstances(region, [wanted.InstanceId], call.now) as [Instance];
        if (one.instance !== undefined && one.instance !== instance.id && !wanted.AllowReassociation)
          throw new Refusal("Resource.AlreadyAssociated", `resource ${one.id} is already associated with associate-id ${one.association ?? ""}`); // prettier-ignore
        const before = region.instances.find(({ id }) => id === one.instance && id !== instance.id);
        for (const other of region.addresses)
          if (other.instance === instance.id && other !== one) Object.assign(other, { instance: undefined, association: undefined }); // prettier-ignore
        one.association = one.instance === instance.id ? one.association : newId("eipassoc");
        one.instance = instance.id;
        return { association: one.association, left: before?.host, host: instance.host, ipv4: one.ipv4 };
      });
      if (left !== undefined) await call.machines.setPublicIpv4(left, undefined);
      await call.machines.setPublicIpv4(host, ipv4);
      return { ...DONE, associationId: association };
    },
  ),

  DisassociateAddress: action({ AssociationId: z.string() }, async ({ AssociationId }, call) => {
    const host = call.change((region) => {
      const one = region.addresses.find(({ association }) => association === AssociationId);
      if (one === undefined)
        throw new Refusal("InvalidAssociationID.NotFound", `The association ID '${AssociationId}' does not exist`); // prettier-ignore
      const instance = region.instances.find(({ id }) => id === one.instance);
      Object.assign(one, { instance: undefined, association: undefined });
      return instance?.host;
    });
    if (host !== undefined) await call.machines.setPublicIpv4(host, undefined);
    return DONE;
  }),

  ReleaseAddress: action({ AllocationId: z.string() }, ({ AllocationId }, { change }) =>
    change((region) => {
      const one = find(region, AllocationId);
      if (one.association !== undefined)
        throw new Refusal("InvalidIPAddress.InUse", `The address '${one.ipv4}' is in use.`);
      region.addresses = region.addresses.filter((other) => other !== one);
      delete region.tags[AllocationId];
      return DONE;
    }),
  ),

  DescribeAddresses: action(
    { AllocationId: Texts, PublicIp: Texts, Filter: Filters },
    (wanted, { read, region: name }) => {
      const region = read();
      const byId = each(region.addresses, wanted.AllocationId, ({ id }) => id, missing);
      const byIp = each(region.addresses, wanted.PublicIp, ({ ipv4 }) => ipv4, absent("InvalidAddress.NotFound", "Address '%' not found.")); // prettier-ignore
      const all = wanted.AllocationId.length + wanted.PublicIp.length === 0 ? region.addresses : [...byId, ...byIp]; // prettier-ignore
      const kept = selected(
        all,
        wanted.Filter,
        (one) => ({
          "allocation-id": one.id,
          "association-id": one.association,
          "instance-id": one.instance,
          "public-ip": one.ipv4,
          domain: "vpc",
        }),
        ({ id }) => region.tags[id] ?? {},
      );
      return { addressesSet: kept.map((one) => show(one, region, name)) };
    },
  ),

  // Names of addresses, which nobody here has: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddressesAttribute.html
  DescribeAddressesAttribute: action(
    { AllocationId: Texts, Attribute: z.literal("domain-name").optional() },
    ({ AllocationId }, { read }) => ({
      addressSet: each(read().addresses, AllocationId, ({ id }) => id, missing).map(({ id, ipv4 }) => ({ allocationId: id, publicIp: ipv4 })), // prettier-ignore
    }),
  ),
};

function show(one: Address, region: Region, name: Call["region"]): Xml {
  const instance = region.instances.find(({ id }) => id === one.instance);
  return {
    publicIp: one.ipv4,
    allocationId: one.id,
    domain: "vpc",
    instanceId: one.instance,
    associationId: one.association,
    networkInterfaceId: instance?.interfaceId,
    networkInterfaceOwnerId: undefined,
    privateIpAddress: instance?.privateIpv4,
    publicIpv4Pool: "amazon",
    networkBorderGroup: name,
    tagSet: tagSet(region.tags[one.id]),
  };
}
