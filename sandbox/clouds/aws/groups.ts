import { z } from "zod";
import { absent, page, Refusal } from "./answer.ts";
import { action, type Action, type Call, DONE, each, keepTags, tagSet } from "./call.ts";
import { noVpc, vpcOf } from "./places.ts";
import { Filters, Paged, selected, TagSpecifications, Texts } from "./query.ts";
import { everywhereOut, type Group, newId, type Region, type Rule } from "./state.ts";
import { isGone } from "./life.ts";

const missing = absent("InvalidGroup.NotFound", "The security group '%' does not exist");

export function findGroup(region: Region, id: string): Group {
  const [group] = each(region.groups, [id], (one) => one.id, missing);
  return group as Group;
}

export const groupActions: Record<string, Action> = {
  CreateSecurityGroup: action(
    {
      GroupName: z.string().min(1).max(255),
      GroupDescription: z.string().min(1).max(255),
      VpcId: z.string().optional(),
      TagSpecification: TagSpecifications,
    },
    (wanted, { region: name, account, change }) => {
      if (wanted.GroupName.startsWith("sg-"))
        throw new Refusal("InvalidParameterValue", "Group names may not be in the format sg-*.");
      if (wanted.VpcId !== undefined && wanted.VpcId !== vpcOf(name)) throw noVpc(wanted.VpcId);
      return change((region) => {
        if (region.groups.some((group) => group.name === wanted.GroupName))
          throw new Refusal("InvalidGroup.Duplicate", `The security group '${wanted.GroupName}' already exists for VPC '${vpcOf(name)}'`); // prettier-ignore
        const id = newId("sg");
        // https://docs.aws.amazon.com/vpc/latest/userguide/creating-security-groups.html: everything may go out.
        region.groups.push({ id, name: wanted.GroupName, description: wanted.GroupDescription, rules: [everywhereOut()] }); // prettier-ignore
        keepTags(region, wanted.TagSpecification, { "security-group": [id] });
        return { ...DONE, groupId: id, tagSet: tagSet(region.tags[id]), securityGroupArn: arn(name, account, id) }; // prettier-ignore
      });
    },
  ),

  DescribeSecurityGroups: action(
    { GroupId: Texts, GroupName: Texts, Filter: Filters, ...Paged },
    (wanted, call) => {
      const { groups, tags } = call.read();
      const byId = each(groups, wanted.GroupId, ({ id }) => id, missing);
      const byName = each(groups, wanted.GroupName, ({ name }) => name, missing);
      const named = wanted.GroupId.length + wanted.GroupName.length === 0 ? groups : [...byId, ...byName];
      const kept = selected(
        named,
        wanted.Filter,
        (group) => ({
          "group-id": group.id,
          "group-name": group.name,
          "vpc-id": vpcOf(call.region),
          "owner-id": call.account,
          description: group.description,
        }),
        ({ id }) => tags[id] ?? {},
      );
      const { items, nextToken } = page(kept, wanted);
      return {
        securityGroupInfo: items.map((group) => ({
          ownerId: call.account,
          groupId: group.id,
          groupName: group.name,
          groupDescription: group.description,
          vpcId: vpcOf(call.region),
          securityGroupArn: arn(call.region, call.account, group.id),
          ipPermissions: permissions(
            call,
            group.rules.filter(({ egress }) => !egress),
          ),
          ipPermissionsEgress: permissions(
            call,
            group.rules.filter(({ egress }) => egress),
          ),
          tagSet: tagSet(tags[group.id]),
        })),
        nextToken,
      };
    },
  ),

  DeleteSecurityGroup: action({ GroupId: z.string() }, ({ GroupId }, { change, now }) =>
    change((region) => {
      const group = findGroup(region, GroupId);
      if (group.name === "default")
        throw new Refusal("CannotDelete", `the specified group: "${group.id}" name: "default" cannot be deleted by a user`); // prettier-ignore
      const used =
        region.instances.some((one) => one.groups.includes(GroupId) && !isGone(one, now)) ||
        region.groups.some((other) => other !== group && other.rules.some((rule) => rule.group === GroupId));
      if (used) throw new Refusal("DependencyViolation", `resource ${GroupId} has a dependent object`);
      region.groups = region.groups.filter((other) => other !== group);
      for (const id of [GroupId, ...group.rules.map((rule) => rule.id)]) delete region.tags[id];
      return { ...DONE, groupId: GroupId };
    }),
  ),
};

const arn = (region: string, account: string, id: string) =>
  `arn:aws:ec2:${region}:${account}:security-group/${id}`;

/** Rules of the same ports are told as one permission. */
function permissions({ account }: Call, rules: readonly Rule[]) {
  const ports = new Map<string, Rule[]>();
  for (const rule of rules) {
    const key = `${rule.protocol} ${rule.from} ${rule.to}`;
    ports.set(key, [...(ports.get(key) ?? []), rule]);
  }
  return [...ports.values()].map((same) => {
    const [first] = same as [Rule, ...Rule[]];
    const numbered = first.protocol !== "-1";
    return {
      ipProtocol: first.protocol,
      fromPort: numbered ? first.from : undefined,
      toPort: numbered ? first.to : undefined,
      groups: same
        .filter(({ group }) => group !== undefined)
        .map(({ group, description }) => ({ userId: account, groupId: group, description })),
      ipRanges: same
        .filter(({ ipv4 }) => ipv4 !== undefined)
        .map(({ ipv4, description }) => ({ cidrIp: ipv4, description })),
      ipv6Ranges: same
        .filter(({ ipv6 }) => ipv6 !== undefined)
        .map(({ ipv6, description }) => ({ cidrIpv6: ipv6, description })),
      prefixListIds: [],
    };
  });
}
