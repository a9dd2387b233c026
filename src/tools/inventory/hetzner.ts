import { z } from "zod";
import { hetzner, hetznerList } from "../hetzner/client.ts";
import { ofServer, type Thing, thing } from "./thing.ts";

const Labelled = z.object({ id: z.number(), name: z.string(), labels: z.record(z.string(), z.string()) });
const Server = Labelled.extend({ status: z.string(), created: z.string() });

const PATHS: Readonly<Record<string, string>> = {
  hcloud_server: "/servers",
  hcloud_firewall: "/firewalls",
  hcloud_ssh_key: "/ssh_keys",
};
const provider = "hetzner";

/** What of the cluster is in the project of this token. */
export async function hetznerThings(token: string, cluster: string): Promise<Thing[]> {
  const label = encodeURIComponent(`infra-k3s-cluster=${cluster}`);
  const list = <T>(kind: string, item: z.ZodType<T>) =>
    hetznerList(token, `/${kind}?label_selector=${label}`, kind, item);
  const [servers, firewalls, keys] = await Promise.all([
    list("servers", Server),
    list("firewalls", Labelled),
    list("ssh_keys", Labelled),
  ]);
  const node = ({ labels, name }: z.output<typeof Labelled>) => labels["infra-k3s-node"] ?? name;
  return [
    ...servers.map((server) =>
      thing(
        { provider, type: "hcloud_server" },
        {
          id: String(server.id),
          name: server.name,
          address: ofServer(node(server), "hcloud_server.this"),
          created: server.created,
          power: server.status === "off" ? "off" : "on",
          billed: true,
        },
      ),
    ),
    ...firewalls.map((firewall) =>
      thing(
        { provider, type: "hcloud_firewall" },
        {
          id: String(firewall.id),
          name: firewall.name,
          address: ofServer(node(firewall), "hcloud_firewall.this"),
        },
      ),
    ),
    ...keys.map(({ id, name }) =>
      thing(
        { provider, type: "hcloud_ssh_key" },
        { id: String(id), name, address: "hcloud_ssh_key.admin[0]" },
      ),
    ),
  ];
}

export async function hetznerPowerOn(token: string, { id }: Thing): Promise<void> {
  await hetzner(token, "POST", `/servers/${id}/actions/poweron`);
}

export async function hetznerDelete(token: string, { id, type }: Thing): Promise<void> {
  await hetzner(token, "DELETE", `${PATHS[type]}/${id}`);
}
