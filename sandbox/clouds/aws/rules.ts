import ipaddr from "ipaddr.js";
import { z } from "zod";
import type { InboundRule } from "../firewall.ts";
import type { Machines } from "../machines.ts";
import { absent, invalid, page, Refusal, type Xml } from "./answer.ts";
import { action, type Action, type Call, DONE, each, keepTags, tagSet } from "./call.ts";
import { findGroup } from "./groups.ts";
import { Filters, Int, Paged, selected, TagSpecifications, Texts } from "./query.ts";
import { type Group, newId, type Region, type Rule } from "./state.ts";

const Permissions = z
  .array(
    z.strictObject({
      IpProtocol: z.string(),
      FromPort: Int.default(-1),
      ToPort: Int.default(-1),
      IpRanges: z
        .array(z.strictObject({ CidrIp: z.string(), Description: z.string().optional() }))
        .default([]),
      Ipv6Ranges: z
        .array(z.strictObject({ CidrIpv6: z.string(), Description: z.string().optional() }))
        .default([]),
      Groups: z
        .array(
          z.strictObject({
            GroupId: z.string(),
            UserId: z.string().optional(),
            Description: z.string().optional(),
          }),
        )
        .default([]),
    }),
  )
  .default([]);

type Found = { group: Group; rule: Rule };
type NewRule = Omit<Rule, "id">;

export const ruleActions: Record<string, Action> = {
  AuthorizeSecurityGroupIngress: authorize(false),
  AuthorizeSecurityGroupEgress: authorize(true),
  RevokeSecurityGroupIngress: revoke(false),
  RevokeSecurityGroupEgress: revoke(true),

  ModifySecurityGroupRules: action(
    {
      GroupId: z.string(),
      SecurityGroupRule: z.array(
        z.strictObject({
          SecurityGroupRuleId: z.string(),
          SecurityGroupRule: z.strictObject({
            IpProtocol: z.string(),
            FromPort: Int.default(-1),
            ToPort: Int.default(-1),
            CidrIpv4: z.string().optional(),
            CidrIpv6: z.string().optional(),
            ReferencedGroupId: z.string().optional(),
            Description: z.string().optional(),
          }),
        }),
      ),
    },
    async (wanted, call) => {
      call.change((region) => {
        const group = findGroup(region, wanted.GroupId);
        for (const { SecurityGroupRuleId, SecurityGroupRule: now } of wanted.SecurityGroupRule) {
          const [{ rule }] = rulesById([group], [SecurityGroupRuleId]) as [Found];
          const changed = checked({
            egress: rule.egress,
            protocol: now.IpProtocol,
            from: now.FromPort,
            to: now.ToPort,
            ipv4: now.CidrIpv4,
            ipv6: now.CidrIpv6,
            group: now.ReferencedGroupId,
            description: now.Description,
          });
          Object.assign(rule, changed);
        }
      });
      await enforce(call, wanted.GroupId);
      return DONE;
    },
  ),

  DescribeSecurityGroupRules: action(
    { SecurityGroupRuleId: Texts, Filter: Filters, ...Paged },
    (wanted, call) => {
      const { groups, tags } = call.read();
      const all = groups.flatMap((group) => group.rules.map((rule) => ({ group, rule })));
      const named =
        wanted.SecurityGroupRuleId.length === 0 ? all : rulesById(groups, wanted.SecurityGroupRuleId);
      const kept = selected(
        named,
        wanted.Filter,
        ({ group, rule }) => ({ "group-id": group.id, "security-group-rule-id": rule.id }),
        ({ rule }) => tags[rule.id] ?? {},
      );
      const { items, nextToken } = page(kept, wanted);
      return { securityGroupRuleSet: items.map(({ group, rule }) => show(call, group, rule, tags[rule.id])), nextToken }; // prettier-ignore
    },
  ),
};

function authorize(egress: boolean): Action {
  return action(
    { GroupId: z.string(), IpPermissions: Permissions, TagSpecification: TagSpecifications },
    async (wanted, call) => {
      const made = call.change((region) => {
        const group = findGroup(region, wanted.GroupId);
        const rules = wanted.IpPermissions.flatMap((one) => rulesOf(one, egress)).map((rule) => {
          if (rule.group !== undefined) findGroup(region, rule.group);
          if (group.rules.some((other) => same(other, rule)))
            throw new Refusal("InvalidPermission.Duplicate", `the specified rule "peer: ${rule.ipv4 ?? rule.ipv6 ?? rule.group}, ${rule.protocol}, from port: ${rule.from}, to port: ${rule.to}, ALLOW" already exists`); // prettier-ignore
          const own = { id: newId("sgr"), ...rule };
          group.rules.push(own);
          return own;
        });
        if (rules.length === 0) throw new Refusal("MissingParameter", "The request must contain the parameter ipPermissions"); // prettier-ignore
        keepTags(region, wanted.TagSpecification, { "security-group-rule": rules.map(({ id }) => id) });
        return rules.map((rule) => show(call, group, rule, region.tags[rule.id]));
      });
      await enforce(call, wanted.GroupId);
      return { ...DONE, securityGroupRuleSet: made };
    },
  );
}

function revoke(egress: boolean): Action {
  return action(
    { GroupId: z.string(), IpPermissions: Permissions, SecurityGroupRuleId: Texts },
    async (wanted, call) => {
      call.change((region) => {
        const group = findGroup(region, wanted.GroupId);
        const byId = rulesById([group], wanted.SecurityGroupRuleId).map(({ rule }) => rule);
        const byValue = wanted.IpPermissions.flatMap((one) => rulesOf(one, egress)).map((gone) => {
          const rule = group.rules.find((other) => same(other, gone));
          if (rule === undefined)
            throw new Refusal("InvalidPermission.NotFound", "The specified rule does not exist in this security group."); // prettier-ignore
          return rule;
        });
        const gone = [...byId, ...byValue];
        if (gone.some((rule) => rule.egress !== egress))
          throw invalid(`The rule is not one of ${egress ? "egress" : "ingress"}`);
        group.rules = group.rules.filter((rule) => !gone.includes(rule));
        for (const { id } of gone) delete region.tags[id];
      });
      await enforce(call, wanted.GroupId);
      return DONE;
    },
  );
}

function rulesOf(one: z.output<typeof Permissions>[number], egress: boolean): NewRule[] {
  const ports = { egress, protocol: one.IpProtocol, from: one.FromPort, to: one.ToPort };
  return [
    ...one.IpRanges.map(({ CidrIp, Description }) => ({ ...ports, ipv4: CidrIp, description: Description })),
    ...one.Ipv6Ranges.map(({ CidrIpv6, Description }) => ({ ...ports, ipv6: CidrIpv6, description: Description })), // prettier-ignore
    ...one.Groups.map(({ GroupId, Description }) => ({ ...ports, group: GroupId, description: Description })),
  ].map(checked);
}

const PROTOCOLS: Record<string, string> = { "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6" };

function checked(rule: NewRule): NewRule {
  const protocol = PROTOCOLS[rule.protocol] ?? rule.protocol;
  if (!["tcp", "udp", "icmp", "icmpv6", "-1"].includes(protocol))
    throw invalid(`Invalid value '${protocol}' for IP protocol. Unknown protocol.`);
  for (const cidr of [rule.ipv4, rule.ipv6])
    if (cidr !== undefined && !ipaddr.isValidCIDR(cidr)) throw invalid(`CIDR block ${cidr} is malformed`);
  const ports = protocol === "tcp" || protocol === "udp";
  if (ports && !(rule.from >= 0 && rule.to >= rule.from && rule.to <= 65_535))
    throw invalid(
      `Invalid value '${rule.from}' for portRange. Must specify both from and to ports with TCP/UDP.`,
    );
  // Of all protocols the ports say nothing: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
  return protocol === "-1" ? { ...rule, protocol, from: -1, to: -1 } : { ...rule, protocol };
}

const same = (a: NewRule, b: NewRule) =>
  (["egress", "protocol", "from", "to", "ipv4", "ipv6", "group"] as const).every(
    (name) => a[name] === b[name],
  );

function rulesById(groups: readonly Group[], ids: readonly string[]): Found[] {
  const all = groups.flatMap((group) => group.rules.map((rule) => ({ group, rule })));
  return each(all, ids, ({ rule }) => rule.id, absent("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%' does not exist")); // prettier-ignore
}

function show(
  { account, region }: Call,
  group: Group,
  rule: Rule,
  tags: Record<string, string> | undefined,
): Xml {
  return {
    securityGroupRuleId: rule.id,
    securityGroupRuleArn: `arn:aws:ec2:${region}:${account}:security-group-rule/${rule.id}`,
    groupId: group.id,
    groupOwnerId: account,
    isEgress: rule.egress,
    ipProtocol: rule.protocol,
    fromPort: rule.from,
    toPort: rule.to,
    cidrIpv4: rule.ipv4,
    cidrIpv6: rule.ipv6,
    referencedGroupInfo: rule.group === undefined ? undefined : { groupId: rule.group, userId: account },
    description: rule.description,
    tagSet: tagSet(tags),
  };
}

/** Puts the rules of a group, or of all, in force at the hosts of their instances. */
export async function enforce(
  { read, machines }: Pick<Call, "read" | "machines">,
  group?: string,
): Promise<void> {
  const region = read();
  for (const one of region.instances)
    if (
      one.terminated === undefined &&
      one.host !== "" &&
      (group === undefined || one.groups.includes(group))
    )
      await setInbound(machines, region, one.host, one.groups);
}

async function setInbound(
  machines: Machines,
  region: Region,
  host: string,
  groups: readonly string[],
): Promise<void> {
  const rules = region.groups.filter(({ id }) => groups.includes(id)).flatMap((group) => group.rules);
  await machines.setInbound(
    host,
    rules.filter(({ egress }) => !egress).flatMap((rule) => toInbound(region, rule)),
  );
}

function toInbound(region: Region, rule: Rule): InboundRule[] {
  const members = region.instances
    .filter((one) => rule.group !== undefined && one.groups.includes(rule.group) && one.privateIpv4 !== "")
    .map((one) => `${one.privateIpv4}/32`);
  const from = [rule.ipv4, rule.ipv6].filter((cidr) => cidr !== undefined).concat(members);
  if (rule.protocol === "-1")
    return (["tcp", "udp", "icmp"] as const).map((protocol) => ({ protocol, from }));
  if (rule.protocol !== "tcp" && rule.protocol !== "udp") return [{ protocol: "icmp", from }];
  const port = rule.from === rule.to ? String(rule.from) : `${rule.from}-${rule.to}`;
  return [{ protocol: rule.protocol, port, from }];
}
