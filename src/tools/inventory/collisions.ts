import { z } from "zod";
import type { ClusterModel, StackName } from "../../config/model.ts";
import type { Fault } from "../../output/errors.ts";
import { tokenOf } from "../cloudflare/buckets.ts";
import { cloudflareList } from "../cloudflare/client.ts";
import { hetznerList } from "../hetzner/client.ts";
import type { Secrets } from "../secrets/envrc.ts";
import { openEc2 } from "./aws.ts";

interface Owner {
  model: ClusterModel;
  secrets: Secrets;
}

/**
 * What is in the way at a provider: things with the names that this cluster's would have, which do not carry its label. Vultr lets
 * a name be taken twice; a bucket has no labels, and one of the name is ours. Reads only.
 */
export async function collisionsAt(provider: StackName, owner: Owner): Promise<Fault[]> {
  if (provider === "hetzner") return atHetzner(owner);
  if (provider === "aws") return atAws(owner);
  return provider === "cloudflare" ? atCloudflare(owner) : [];
}

const Labelled = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  public_key: z.string().optional(),
});

/** https://docs.hetzner.cloud/: names are unique in a project, and so are keys. */
async function atHetzner({ model, secrets }: Owner): Promise<Fault[]> {
  const token = secrets.TF_VAR_hcloud_token ?? "";
  const kinds = ["servers", "firewalls", "ssh_keys"] as const;
  const lists = await Promise.all(kinds.map((kind) => hetznerList(token, `/${kind}`, kind, Labelled)));
  const own = model.nodes.filter(({ provider }) => provider === "hetzner").map(({ name }) => name);
  const wanted = {
    servers: own,
    firewalls: own.map((name) => `${model.name}-${name}`),
    ssh_keys: [model.name],
  };
  const [, body = "none"] = model.sshPublicKey.split(" ");
  return kinds.flatMap((kind, index) =>
    (lists[index] ?? [])
      .filter(({ labels }) => labels["infra-k3s-cluster"] !== model.name)
      .filter(({ name, public_key }) => wanted[kind].includes(name) || public_key?.split(" ")[1] === body)
      .map(({ name }) => inTheWay("Hetzner", kind.replace("_", " ").replace(/s$/, ""), name, model)),
  );
}

async function atAws({ model, secrets }: Owner): Promise<Fault[]> {
  const nodes = model.nodes.filter(({ provider }) => provider === "aws");
  const found = await Promise.all(
    nodes.map(async ({ name, region }) => {
      const { ec2, client } = await openEc2(secrets, region);
      const own = `${model.name}-${name}`;
      const [groups, keys] = await Promise.all([
        client.send(
          new ec2.DescribeSecurityGroupsCommand({ Filters: [{ Name: "group-name", Values: [own] }] }),
        ),
        client.send(new ec2.DescribeKeyPairsCommand({ Filters: [{ Name: "key-name", Values: [own] }] })),
      ]);
      const foreign = (one: {
        Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined;
      }) => one.Tags?.some(({ Key, Value }) => Key === "infra-k3s-cluster" && Value === model.name) !== true;
      return [
        ...(groups.SecurityGroups ?? [])
          .filter(foreign)
          .map(() => inTheWay("AWS", "security group", own, model)),
        ...(keys.KeyPairs ?? []).filter(foreign).map(() => inTheWay("AWS", "key pair", own, model)),
      ];
    }),
  );
  return found.flat();
}

const Zone = z.object({ id: z.string(), status: z.string().optional() });
const Record = z.object({
  name: z.string(),
  type: z.string(),
  content: z.string(),
  comment: z.string().nullish(),
});

async function atCloudflare({ model, secrets }: Owner): Promise<Fault[]> {
  const { cloudflare: at, domain } = model;
  if (at === null) return [];
  const token = tokenOf(secrets);
  const [zone] = await cloudflareList(token, `/zones?name=${at.zone}&account.id=${at.accountId}`, Zone);
  if (zone === undefined) return [];
  const pending: Fault[] =
    zone.status === undefined || zone.status === "active"
      ? []
      : [
          {
            what: `Cloudflare's zone ${at.zone} is ${zone.status}`,
            why: "until it is active nobody asks Cloudflare for its names",
            fix: "set the name servers that the dashboard shows for it at your registrar",
          },
        ];
  const records = await cloudflareList(token, `/zones/${zone.id}/dns_records`, Record);
  const foreign = records.filter(
    ({ name, type, comment }) =>
      [domain, `*.${domain}`].includes(name) &&
      ["A", "AAAA", "CNAME"].includes(type) &&
      comment !== `infra-k3s-cluster=${model.name}`,
  );
  return [
    ...pending,
    ...foreign.map(({ type, name, content }) => ({
      what: `Cloudflare has a record ${type} ${name} to ${content} that is not this cluster's`,
      why: "visitors would be led there, or here, by chance",
      fix: "delete it in the dashboard, or choose another `domain` in cluster.yaml",
    })),
  ];
}

function inTheWay(provider: string, kind: string, name: string, model: ClusterModel): Fault {
  return {
    what: `${provider} has a ${kind} ${name} that is not this cluster's`,
    why: `it does not carry the label infra-k3s-cluster=${model.name}, and no second one of its kind can be made`,
    fix: "rename or delete it at the provider, or choose other names in cluster.yaml",
  };
}
