import { randomBytes } from "node:crypto";
import type { Store } from "../store.ts";
import { type Account, type Instance, regionOf, type Tags } from "./state.ts";

export interface MetadataRequest {
  method: string;
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The address the request comes from, as the internet sees it or the private one. */
  client: string;
}
export interface MetadataReply {
  status: number;
  body: string;
  headers?: Readonly<Record<string, string>>;
}

const TTL = "x-aws-ec2-metadata-token-ttl-seconds";
const refuse = (status: number, body: string): MetadataReply => ({ status, body });

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html */
export function metadataService(store: Store<Account>, clock: () => number = Date.now) {
  const tokens = new Map<string, { instance: string; until: number }>();
  return ({ method, path, headers, client }: MetadataRequest): MetadataReply => {
    const found = instanceAt(store.read(), client);
    if (found === undefined) return refuse(404, "not an instance");
    const { one } = found;
    if (one.metadata.endpoint === "disabled") return refuse(403, "Forbidden");
    if (method === "PUT" && path === "/latest/api/token") {
      // A proxy that is open to the world says whom it asks for.
      if (headers["x-forwarded-for"] !== undefined) return refuse(403, "Forbidden");
      const seconds = Number(headers[TTL]);
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > 21_600) return refuse(400, "Bad Request");
      const token = randomBytes(40).toString("base64");
      tokens.set(token, { instance: one.id, until: clock() + seconds * 1000 });
      return { status: 200, body: token, headers: { [TTL]: String(seconds) } };
    }
    if (method !== "GET") return refuse(405, "Method Not Allowed");
    const given = headers["x-aws-ec2-metadata-token"];
    const token = tokens.get(String(given));
    const good = token !== undefined && token.instance === one.id && clock() < token.until;
    if (given === undefined ? one.metadata.tokens === "required" : !good) return refuse(401, "Unauthorized");
    const body = look(tree(found), path.replace(/^\/(latest|\d{4}-\d\d-\d\d)\//, "").replace(/\/$/, ""));
    return body === undefined ? refuse(404, "Not Found") : { status: 200, body };
  };
}

interface Found {
  one: Instance;
  region: string;
  account: string;
  tags: Tags;
  groups: string[];
  publicIpv4: string;
}

function instanceAt(account: Account, client: string): Found | undefined {
  for (const region of Object.keys(account.regions)) {
    const { instances, addresses, groups, tags } = regionOf(account, region);
    const elastic = addresses.find(({ ipv4 }) => ipv4 === client);
    const one = instances.find(
      ({ id, ipv4, privateIpv4, terminated }) =>
        terminated === undefined && (id === elastic?.instance || ipv4 === client || privateIpv4 === client),
    );
    if (one === undefined) continue;
    const own = addresses.find(({ instance }) => instance === one.id);
    const names = groups.filter(({ id }) => one.groups.includes(id)).map(({ name }) => name);
    return {
      one,
      region,
      account: account.id,
      tags: tags[one.id] ?? {},
      groups: names,
      publicIpv4: own?.ipv4 ?? one.ipv4,
    };
  }
  return undefined;
}

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html */
function tree({ one, region, account, tags, groups, publicIpv4 }: Found): Record<string, string> {
  const hostname = `ip-${one.privateIpv4.replaceAll(".", "-")}.${region}.compute.internal`;
  const document = { accountId: account, architecture: "x86_64", availabilityZone: one.zone, imageId: one.image, instanceId: one.id, instanceType: one.type, pendingTime: new Date(one.launched).toISOString(), privateIp: one.privateIpv4, region, version: "2017-09-30" }; // prettier-ignore
  const key = one.publicKey === undefined ? {} : { "meta-data/public-keys/0/openssh-key": one.publicKey };
  const shown = one.metadata.tags === "enabled" ? Object.entries(tags) : [];
  return {
    "meta-data/ami-id": one.image,
    "meta-data/hostname": hostname,
    "meta-data/instance-id": one.id,
    "meta-data/instance-type": one.type,
    "meta-data/local-hostname": hostname,
    "meta-data/local-ipv4": one.privateIpv4,
    "meta-data/placement/availability-zone": one.zone,
    "meta-data/placement/region": region,
    "meta-data/public-ipv4": publicIpv4,
    ...key,
    "meta-data/reservation-id": one.reservation,
    "meta-data/security-groups": groups.join("\n"),
    ...Object.fromEntries(shown.map(([name, value]) => [`meta-data/tags/instance/${name}`, value])),
    "dynamic/instance-identity/document": JSON.stringify(document, null, 2),
    ...(one.userData === "" ? {} : { "user-data": Buffer.from(one.userData, "base64").toString() }),
  };
}

/** A value, or the names below a path. The list of keys alone has their names in it: `0=NAME`. */
function look(values: Record<string, string>, path: string): string | undefined {
  if (path in values) return values[path];
  const below = Object.keys(values).filter((name) => name.startsWith(`${path}/`));
  const names = below.map((name) => {
    const [first = "", ...rest] = name.slice(path.length + 1).split("/");
    return rest.length === 0 ? first : `${first}/`;
  });
  if (names.length === 0) return undefined;
  if (path === "meta-data/public-keys") return names.map((name) => name.replace("/", "=key")).join("\n");
  return [...new Set(names)].join("\n");
}
