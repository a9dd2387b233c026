import { expect, test } from "vitest";
import { ClusterSchema, ServersSchema } from "./schema.ts";

const { shape } = ClusterSchema;
const messages = (result: { error?: { issues: { message: string }[] } | undefined }) => result.error?.issues.map(({ message }) => message) ?? []; // prettier-ignore
const domain = (text: string) => messages(shape.domain.safeParse(text));
const version = (text: string) => messages(shape.k3s.safeParse({ version: text }));
const tag = (text: string) => messages(shape.mesh.safeParse({ tag: text }));
const account = (text: string) => messages(shape.cloudflare.safeParse({ accountId: text }));
const minutes = (everyMinutes: number) => messages(shape.backups.safeParse({ snapshots: { everyMinutes } }));
const pods = (podCidr: string) => messages(shape.network.safeParse({ podCidr }));

const of = { domain, version, tag, account, pods };

const DOMAIN = "must be a domain name such as example.com, in lowercase";
const RELEASE = "must be a K3s release such as v1.36.3+k3s1";
const TAG = "must be a Tailscale tag such as tag:k3s";
const ACCOUNT = "must be the account's id: 32 hexadecimal digits";
const REGULAR = "must divide an hour, or be hours that divide a day";
const NETWORK = "must be an IPv4 network such as 10.42.0.0/16";
const id = "0123456789abcdef".repeat(2);

test.each([
  ["domain", "Example.com", DOMAIN, "example.com"],
  ["domain", "https://example.com/", DOMAIN, "example.com"],
  ["domain", "*.example.com", DOMAIN, "example.com"],
  ["domain", "example.com.", DOMAIN, "example.com"],
  ["version", "1.36.3", RELEASE, "v1.36.3+k3s1"],
  ["version", "v12.34.56-k3s12", RELEASE, "v12.34.56+k3s12"],
  ["version", "V1.36.3+K3S2", RELEASE, "v1.36.3+k3s2"],
  ["tag", "k3s", TAG, "tag:k3s"],
  ["tag", "tags:K3s", TAG, "tag:k3s"],
  ["tag", "Tag:my_k3s", TAG, "tag:my-k3s"],
  ["account", id.toUpperCase(), ACCOUNT, id],
  ["account", `${id.slice(0, 8)}-${id.slice(8, 20)}-${id.slice(20)}`, ACCOUNT, id],
] as const)("of the %s %s is told what was meant", (field, text, must, meant) => {
  expect(of[field](text)).toEqual([`${must}; did you mean "${meant}"?`]);
});

test.each([
  ["version", "latest", RELEASE],
  ["version", "xv1.36.3", RELEASE],
  ["version", "v1.36.3x", RELEASE],
  ["version", "v1.36", RELEASE],
  ["account", id.slice(1), ACCOUNT],
  ["pods", "10.42.0.0/33", NETWORK],
  ["pods", "10.42.0.256/16", NETWORK],
] as const)("the %s %s is beyond a guess", (field, text, must) => {
  expect(of[field](text)).toEqual([must]);
});

test("snapshots are taken at regular times", () => {
  expect([5, 6, 60, 120, 720, 1440].flatMap(minutes)).toEqual([]);
  expect([7, 45, 90, 300, 660].map(minutes)).toEqual([7, 45, 90, 300, 660].map(() => [REGULAR]));
});

const server = { publicIp: "198.51.100.7", sshUser: "root", sshHostKey: "ssh-ed25519 AAAA" };
const HOST_KEY = "must be a public host key such as 'ssh-ed25519 AAAA…' without a comment";

test.each([
  [{ sshUser: "_me-1" }, []],
  [{ sshUser: "me me" }, ["must be the name of a Linux user, such as root"]],
  [{ sshUser: "1me" }, ["must be the name of a Linux user, such as root"]],
  [{ sshHostKey: "ecdsa-sha2-nistp256 AAAA" }, []],
  [{ sshHostKey: "ssh-ed25519 AAAA me" }, [HOST_KEY]],
  [{ sshHostKey: "a ssh-ed25519 AAAA" }, [HOST_KEY]],
])("a server with %j", (change, expected) => {
  expect(messages(ServersSchema.safeParse({ one: { ...server, ...change } }))).toEqual(expected);
});
