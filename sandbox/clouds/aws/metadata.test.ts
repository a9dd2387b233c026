import * as ec2 from "@aws-sdk/client-ec2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { metadataService } from "./metadata.ts";
import { FakeWire } from "./wire.fake.ts";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvbw me";
const SECONDS = "x-aws-ec2-metadata-token-ttl-seconds";
let wire: FakeWire;
let ask: (method: string, path: string, headers?: Record<string, string>, client?: string) => string;
let id: string;
let now: number;

beforeEach(async () => {
  wire = new FakeWire();
  now = 0;
  const service = metadataService(wire.store, () => now);
  ask = (method, path, headers = {}, client = "198.18.1.10") => {
    const { status, body } = service({ method, path, headers, client });
    return status === 200 ? body : String(status);
  };
  const client = wire.ec2();
  const { Images } = await client.send(new ec2.DescribeImagesCommand({ Filters: [{ Name: "architecture", Values: ["x86_64"] }] })); // prettier-ignore
  await client.send(new ec2.ImportKeyPairCommand({ KeyName: "k", PublicKeyMaterial: Buffer.from(KEY) }));
  const { Instances } = await client.send(
    new ec2.RunInstancesCommand({
      ImageId: Images?.[0]?.ImageId,
      InstanceType: "t3.small",
      MinCount: 1,
      MaxCount: 1,
      KeyName: "k",
      UserData: Buffer.from("#cloud-config\n").toString("base64"),
      MetadataOptions: { HttpTokens: "required" },
    }),
  );
  id = Instances?.[0]?.InstanceId ?? "";
});
afterEach(() => wire.close());

test("nothing is told without a token, and a token is good for its time", () => {
  expect(ask("GET", "/latest/meta-data/instance-id")).toBe("401");
  expect(ask("PUT", "/latest/api/token")).toBe("400");
  expect(ask("PUT", "/latest/api/token", { [SECONDS]: "21601" })).toBe("400");
  expect(ask("PUT", "/latest/api/token", { [SECONDS]: "60", "x-forwarded-for": "1.2.3.4" })).toBe("403");
  const token = { "x-aws-ec2-metadata-token": ask("PUT", "/latest/api/token", { [SECONDS]: "60" }) };
  expect(ask("GET", "/latest/meta-data/instance-id", token)).toBe(id);
  expect(ask("GET", "/latest/meta-data/instance-id", { "x-aws-ec2-metadata-token": "mine" })).toBe("401");
  expect(ask("GET", "/latest/meta-data/instance-id", token, "198.18.1.77")).toBe("404");
  now = 60_000;
  expect(ask("GET", "/latest/meta-data/instance-id", token)).toBe("401");
});

test("what is told: addresses, keys, user data, and lists of names", () => {
  const token = { "x-aws-ec2-metadata-token": ask("PUT", "/latest/api/token", { [SECONDS]: "60" }) };
  const get = (path: string) => ask("GET", path, token);

  expect(get("/latest/user-data")).toBe("#cloud-config\n");
  expect(get("/latest/meta-data/public-keys/")).toBe("0=key");
  expect(get("/latest/meta-data/public-keys/0/openssh-key")).toBe(KEY);
  expect(get("/2021-07-15/meta-data/public-ipv4")).toBe("198.18.1.10");
  expect(get("/latest/meta-data/placement/")).toBe("availability-zone\nregion");
  expect(get("/latest/meta-data/").split("\n")).toContain("placement/");
  expect(get("/latest/meta-data/tags/instance/Name")).toBe("404");
});

test("switched off, or without tokens where it is told to be", async () => {
  const set = (options: Partial<ec2.ModifyInstanceMetadataOptionsCommandInput>) =>
    wire.ec2().send(new ec2.ModifyInstanceMetadataOptionsCommand({ InstanceId: id, ...options }));

  await set({ HttpTokens: "optional" });
  expect(ask("GET", "/latest/meta-data/instance-id")).toBe(id);
  await set({ HttpEndpoint: "disabled" });
  expect(ask("GET", "/latest/meta-data/instance-id")).toBe("403");
});
