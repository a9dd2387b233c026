import { z } from "zod";
import { vultr, vultrList } from "../vultr/client.ts";
import { ofServer, type Thing, thing } from "./thing.ts";

const Instance = z.object({
  id: z.string(),
  label: z.string(),
  tags: z.array(z.string()),
  date_created: z.string(),
  power_status: z.string(),
  status: z.string(),
});
const Group = z.object({ id: z.string(), description: z.string() });
const Rule = z.object({ id: z.number(), ip_type: z.string(), protocol: z.string(), port: z.string() });
const Key = z.object({ id: z.string(), name: z.string() });
const provider = "vultr";

/** What of the cluster is in the account of this key. */
export async function vultrThings(key: string, cluster: string): Promise<Thing[]> {
  const label = `infra-k3s-cluster:${cluster}`;
  const [instances, groups, keys] = await Promise.all([
    vultrList(key, `/instances?tag=${encodeURIComponent(label)}`, "instances", Instance),
    vultrList(key, "/firewalls", "firewall_groups", Group),
    vultrList(key, "/ssh-keys", "ssh_keys", Key),
  ]);
  // A group has no tags: its description begins with the label, and ends with the node.
  const own = groups.flatMap(({ id, description }) => {
    const [first, node] = description.split(" ");
    return first === label && node !== undefined ? [{ id, description, node }] : [];
  });
  const rules = await Promise.all(
    own.map(({ id }) => vultrList(key, `/firewalls/${id}/rules`, "firewall_rules", Rule)),
  );
  return [
    ...instances.map(({ id, label: name, tags, date_created, power_status, status }) =>
      thing(
        { provider, type: "vultr_instance" },
        {
          id,
          name,
          address: ofServer(nodeOf(tags) ?? name, "vultr_instance.this"),
          created: date_created,
          // One that is still being installed is not running either.
          power: status === "active" && power_status === "stopped" ? "off" : "on",
          billed: true,
        },
      ),
    ),
    ...own.map(({ id, description, node }) =>
      thing(
        { provider, type: "vultr_firewall_group" },
        { id, name: description, address: ofServer(node, "vultr_firewall_group.this") },
      ),
    ),
    ...own.flatMap((group, index) =>
      (rules[index] ?? []).map(({ id, ip_type, protocol, port }) => {
        const name = `${protocol}-${port}-${ip_type}`;
        return thing(
          { provider, type: "vultr_firewall_rule" },
          {
            id: `${group.id}/rules/${id}`,
            name: `${group.node} ${name}`,
            address: ofServer(group.node, `vultr_firewall_rule.in["${name}"]`),
            importId: `${group.id},${id}`,
          },
        );
      }),
    ),
    ...keys
      .filter(({ name }) => name === label)
      .map(({ id, name }) =>
        thing({ provider, type: "vultr_ssh_key" }, { id, name, address: "vultr_ssh_key.admin[0]" }),
      ),
  ];
}

const nodeOf = (tags: readonly string[]) =>
  tags.map((tag) => /^infra-k3s-node:(.+)$/.exec(tag)?.[1]).find((node) => node !== undefined);

const PATHS: Readonly<Record<string, string>> = {
  vultr_instance: "/instances",
  vultr_firewall_group: "/firewalls",
  vultr_firewall_rule: "/firewalls",
  vultr_ssh_key: "/ssh-keys",
};

export async function vultrPowerOn(key: string, { id }: Thing): Promise<void> {
  await vultr(key, "POST", `/instances/${id}/start`);
}

export async function vultrDelete(key: string, { id, type }: Thing): Promise<void> {
  await vultr(key, "DELETE", `${PATHS[type]}/${id}`);
}
