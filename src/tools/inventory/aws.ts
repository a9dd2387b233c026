import type { Filter, Tag } from "@aws-sdk/client-ec2";
import { UserError } from "../../output/errors.ts";
import type { Secrets } from "../secrets/envrc.ts";
import { ofServer, type Thing, thing } from "./thing.ts";

const provider = "aws";
const TAG = "infra-k3s-cluster";

export type Ec2 = Awaited<ReturnType<typeof openEc2>>;

/** AWS's own SDK, which takes a while to load: only who has nodes there waits for it. */
export async function openEc2(secrets: Secrets, region: string) {
  const ec2 = await import("@aws-sdk/client-ec2");
  const credentials = {
    accessKeyId: secrets.TF_VAR_aws_access_key_id ?? "",
    secretAccessKey: secrets.TF_VAR_aws_secret_access_key ?? "",
  };
  return { ec2, client: new ec2.EC2Client({ region, credentials }) };
}

/** What of the cluster is in these regions, or in all that the account has. */
export async function awsThings(
  secrets: Secrets,
  cluster: string,
  regions: readonly string[] | undefined,
): Promise<Thing[]> {
  const asked = regions ?? (await allRegions(secrets));
  return (await Promise.all(asked.map((region) => inRegion(secrets, cluster, region)))).flat();
}

async function allRegions(secrets: Secrets): Promise<string[]> {
  const { ec2, client } = await openEc2(secrets, "us-east-1");
  const { Regions = [] } = await named(() => client.send(new ec2.DescribeRegionsCommand()));
  return Regions.flatMap(({ RegionName }) => RegionName ?? []);
}

const nodeOf = (tags: Tag[] = []) => tags.find(({ Key }) => Key === "infra-k3s-node")?.Value ?? "";

async function inRegion(secrets: Secrets, cluster: string, region: string): Promise<Thing[]> {
  const { ec2, client } = await openEc2(secrets, region);
  const Filters: Filter[] = [{ Name: `tag:${TAG}`, Values: [cluster] }];
  const states = { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] };
  const [instances, groups, keys] = await named(() =>
    Promise.all([
      all(ec2.paginateDescribeInstances({ client }, { Filters: [...Filters, states] })),
      all(ec2.paginateDescribeSecurityGroups({ client }, { Filters })),
      client.send(new ec2.DescribeKeyPairsCommand({ Filters })),
    ]),
  );
  const own = groups.flatMap(({ SecurityGroups = [] }) => SecurityGroups);
  const ids = own.flatMap(({ GroupId }) => (GroupId === undefined ? [] : [GroupId]));
  const rules =
    ids.length === 0
      ? []
      : await named(() =>
          all(
            ec2.paginateDescribeSecurityGroupRules(
              { client },
              { Filters: [{ Name: "group-id", Values: ids }] },
            ),
          ),
        );
  const at = (id = "") => ({ id: `${region}/${id}`, importId: `${id}@${region}` });
  return [
    ...instances
      .flatMap(({ Reservations = [] }) => Reservations.flatMap(({ Instances = [] }) => Instances))
      .map(({ InstanceId, Tags, LaunchTime, State }) =>
        thing(
          { provider, type: "aws_instance" },
          {
            ...at(InstanceId),
            name: nodeOf(Tags),
            address: ofServer(nodeOf(Tags), "aws_instance.this"),
            created: LaunchTime?.toISOString() ?? "",
            power: State?.Name === "stopped" || State?.Name === "stopping" ? "off" : "on",
            billed: true,
          },
        ),
      ),
    ...own.map(({ GroupId, GroupName = "", Tags }) =>
      thing(
        { provider, type: "aws_security_group" },
        { ...at(GroupId), name: GroupName, address: ofServer(nodeOf(Tags), "aws_security_group.this") },
      ),
    ),
    ...rules
      .flatMap(({ SecurityGroupRules = [] }) => SecurityGroupRules)
      .map((rule) => {
        const group = own.find(({ GroupId }) => GroupId === rule.GroupId);
        const version = rule.CidrIpv6 === undefined ? "v4" : "v6";
        const [kind, key] =
          rule.IsEgress === true
            ? ["egress_rule.out", version]
            : ["ingress_rule.in", `${rule.IpProtocol}-${rule.FromPort}-${version}`];
        return thing(
          { provider, type: `aws_vpc_security_group_${kind.split(".")[0]}` },
          {
            ...at(rule.SecurityGroupRuleId),
            name: `${group?.GroupName} ${key}`,
            address: ofServer(nodeOf(group?.Tags), `aws_vpc_security_group_${kind}["${key}"]`),
          },
        );
      }),
    ...(keys.KeyPairs ?? []).map(({ KeyName = "", Tags }) =>
      thing(
        { provider, type: "aws_key_pair" },
        { ...at(KeyName), name: KeyName, address: ofServer(nodeOf(Tags), "aws_key_pair.this") },
      ),
    ),
  ];
}

export async function awsPowerOn(secrets: Secrets, server: Thing): Promise<void> {
  const [region = "", id = ""] = server.id.split("/");
  const { ec2, client } = await openEc2(secrets, region);
  await named(() => client.send(new ec2.StartInstancesCommand({ InstanceIds: [id] })));
}

/** Of servers and rules alone: nothing else is made twice, since AWS refuses a name that is taken. */
export async function awsDelete(secrets: Secrets, gone: Thing): Promise<void> {
  const [region = "", id = ""] = gone.id.split("/");
  const { ec2, client } = await openEc2(secrets, region);
  if (gone.type === "aws_instance") {
    await named(() => client.send(new ec2.TerminateInstancesCommand({ InstanceIds: [id] })));
    return;
  }
  const ids = { SecurityGroupRuleIds: [id] };
  const { SecurityGroupRules = [] } = await named(() =>
    client.send(new ec2.DescribeSecurityGroupRulesCommand(ids)),
  );
  const [rule] = SecurityGroupRules;
  if (rule?.GroupId === undefined) return;
  const input = { GroupId: rule.GroupId, ...ids };
  await named(() =>
    rule.IsEgress === true
      ? client.send(new ec2.RevokeSecurityGroupEgressCommand(input))
      : client.send(new ec2.RevokeSecurityGroupIngressCommand(input)),
  );
}

async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(page);
  return found;
}

/** AWS's refusals, in our words. */
async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const refused = /AuthFailure|UnauthorizedOperation|InvalidClientTokenId/.test(error.name);
    throw new UserError({
      what: refused ? "AWS does not let this key do what is needed" : "AWS can't be asked",
      why: `${error.name}: ${error.message}`,
      fix: refused
        ? "check TF_VAR_aws_access_key_id and TF_VAR_aws_secret_access_key in .envrc.local, and the policy of its user: infra-k3s doctor credentials"
        : "run it again; check the network",
    });
  }
}
