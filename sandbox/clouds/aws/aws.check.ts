import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as ec2 from "@aws-sdk/client-ec2";
import { execa } from "execa";
import { ensureArtifacts } from "../../artifacts/artifacts.ts";
import { ensureRootfs } from "../../hosts/rootfs.ts";
import { down } from "../../lifecycle/down.ts";
import { processesIn } from "../../lifecycle/processes.ts";
import { createNetwork } from "../../network/create.ts";
import { placeCommand } from "../../network/places.ts";
import { namespace, prefix } from "../../network/plan.ts";
import { fillDebian } from "../../services/debian.ts";
import { startProviders } from "../../providers/start.ts";
import { startLink, startServices } from "../../services/start.ts";
import { ensureTrust } from "../../services/trust.ts";
import { ensureCredentials } from "../credentials.ts";
import { awsStore } from "./api.ts";
import { answers, folder, key, NAME, PLAN, say, ssh, STATE, until } from "./place.check.ts";
import { billed } from "./state.ts";
import { byTofu } from "./tofu.check.ts";

type Answer = Record<string, never> & {
  Images: { ImageId: string }[];
  Instances: { InstanceId: string }[];
  Reservations: { Instances: { State: { Name: string }; PublicIpAddress: string }[] }[];
  GroupId: string;
  AllocationId: string;
  PublicIp: string;
};

/**
 * EC2 with a real host, from the operator's place by AWS's SDK: node sandbox/clouds/aws/aws.check.ts. Needs root; leaves
 * nothing. With `call NAME INPUT` it is that one call.
 */
async function check(): Promise<void> {
  for (const one of [join(STATE, "logs"), folder]) mkdirSync(one, { recursive: true, mode: 0o700 });
  await createNetwork(PLAN);
  writeFileSync(join(STATE, "sandbox.json"), JSON.stringify(PLAN));
  await ensureTrust(PLAN, STATE);
  await fillDebian(STATE, await ensureRootfs());
  await startLink(PLAN, STATE, say);
  const artifacts = await ensureArtifacts(say);
  await startServices(PLAN, STATE, artifacts);
  await startProviders(PLAN, STATE, say);
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);

  const image = await call("DescribeImages", { Owners: ["136693071363"], Filters: [{ Name: "name", Values: ["debian-12-amd64-*"] }] }); // prettier-ignore
  const publicKey = readFileSync(`${key}.pub`, "utf8");
  await call("ImportKeyPair", { KeyName: "k", PublicKeyMaterial: publicKey });
  const { GroupId } = await call("CreateSecurityGroup", { GroupName: "g", Description: "d" });
  const made = await call("RunInstances", {
    ImageId: image.Images[0]?.ImageId,
    InstanceType: "t3.medium",
    MinCount: 1,
    MaxCount: 1,
    KeyName: "k",
    SecurityGroupIds: [GroupId],
    UserData: Buffer.from("#cloud-config\nwrite_files: [{path: /etc/made-by, content: cloud-init}]\n").toString("base64"), // prettier-ignore
    MetadataOptions: { HttpTokens: "required" },
    TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: "aws-1" }] }],
  });
  const ids = [made.Instances[0]?.InstanceId ?? ""];
  const address = await running(ids);
  say(`ok ${ids.join()} is running at ${address}`);

  const rule = (port: number) => ({ GroupId, IpPermissions: [{ IpProtocol: "tcp", FromPort: port, ToPort: port, IpRanges: [{ CidrIp: "0.0.0.0/0" }] }] }); // prettier-ignore
  await sleep(3000);
  assert.equal(await answers(address), false);
  await call("AuthorizeSecurityGroupIngress", rule(22));
  await until(() => answers(address));
  await call("RevokeSecurityGroupIngress", rule(22));
  assert.equal(await answers(address), false);
  await call("AuthorizeSecurityGroupIngress", rule(22));
  say("ok port 22 answers while its security group lets it in, and not before or after");

  await until(async () => (await ssh(address, "cat /etc/made-by; echo; sudo id -un")) === "cloud-init\nroot");
  say("ok the key that EC2 was given opens the account admin, and its user data was run");

  const curl = "curl -sS -m 3 -w '%{http_code}'";
  const at = "http://169.254.169.254/latest";
  const token = `$(curl -sS -m 3 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' ${at}/api/token)`;
  assert.equal(await within("host-aws-1", `${curl} ${at}/meta-data/instance-id`), "Unauthorized401");
  assert.equal(
    await within("host-aws-1", `${curl} -H "X-aws-ec2-metadata-token: ${token}" ${at}/meta-data/instance-id`),
    `${ids.join()}200`,
  );
  assert.equal(await within("host-aws-1", `${curl} -H "X-aws-ec2-metadata-token: ${token}" ${at}/meta-data/public-ipv4`), `${address}200`); // prettier-ignore
  say("ok the host reads its metadata with a token, and without one it is refused");

  await addPod();
  const fromPod = () => within("host-pod", `${curl} -o /dev/null ${at}/meta-data/ 2>/dev/null || true`);
  assert.equal(await fromPod(), "000");
  await call("ModifyInstanceMetadataOptions", { InstanceId: ids[0], HttpPutResponseHopLimit: 2 });
  assert.equal(await fromPod(), "401");
  say("ok one hop further nothing answers while the hop limit is 1, and with 2 it does");

  const { AllocationId, PublicIp } = await call("AllocateAddress", { Domain: "vpc" });
  await call("AssociateAddress", { AllocationId, InstanceId: ids[0] });
  await until(() => answers(PublicIp));
  assert.equal(await answers(address), false);
  say(`ok with the elastic address ${PublicIp} it answers there, and no more at ${address}`);

  await call("StopInstances", { InstanceIds: ids });
  assert.equal(await answers(PublicIp), false);
  await sleep(1000);
  await call("StartInstances", { InstanceIds: ids });
  await until(async () => (await ssh(PublicIp, "cat /etc/made-by")) === "cloud-init");
  say("ok stopped and started, it is the same host");

  await call("TerminateInstances", { InstanceIds: ids });
  await call("ReleaseAddress", { AllocationId });
  await sleep(1000);
  await call("DeleteSecurityGroup", { GroupId });
  assert.deepEqual(billed(awsStore(join(STATE, "clouds")).read()), { instances: 0, running: 0, volumes: 0, publicIpv4: 0 }); // prettier-ignore
  assert.equal(existsSync(join(STATE, "hosts/aws-1")), false);
  say("ok terminated, nothing of it is left or billed");
  await byTofu(artifacts.tofu);
}

async function call(name: string, input: object): Promise<Answer> {
  const [file, ...args] = placeCommand(PLAN, "operator", STATE);
  const { stdout } = await execa(
    file,
    [...args, process.execPath, import.meta.filename, "call", name, JSON.stringify(input)],
    { env: { NODE_EXTRA_CA_CERTS: join(STATE, "ca/ca.pem") } },
  );
  return JSON.parse(stdout) as Answer;
}

async function callHere(name: string, input: Record<string, unknown>): Promise<void> {
  const [credentials] = ensureCredentials(STATE).aws ?? [];
  assert.ok(credentials);
  const client = new ec2.EC2Client({ region: "eu-central-1", credentials });
  const Command = (ec2 as unknown as Record<string, new (input: object) => ec2.DescribeVpcsCommand>)[`${name}Command`]; // prettier-ignore
  assert.ok(Command, name);
  const material = input["PublicKeyMaterial"];
  const given = typeof material === "string" ? { ...input, PublicKeyMaterial: Buffer.from(material) } : input;
  process.stdout.write(JSON.stringify(await client.send(new Command(given))));
}

async function running(ids: readonly string[]): Promise<string> {
  for (;;) {
    const { Reservations } = await call("DescribeInstances", { InstanceIds: ids });
    const one = Reservations[0]?.Instances[0];
    if (one?.State.Name === "running") return one.PublicIpAddress;
    assert.equal(one?.State.Name, "pending");
    await sleep(300);
  }
}

/** In the network of a host or of what stands behind it, with this machine's programs. */
async function within(place: `host-${string}`, script: string): Promise<string> {
  const { stdout } = await execa("ip", ["netns", "exec", namespace(PLAN, place), "sh", "-c", script]);
  return stdout;
}

/** What a pod is to the network: one hop behind the host. */
async function addPod(): Promise<void> {
  const [host, pod] = [namespace(PLAN, "host-aws-1"), namespace(PLAN, "host-pod")];
  for (const line of [
    `netns add ${pod}`,
    `-n ${host} link add pod0 type veth peer name eth0 netns ${pod}`,
    `-n ${host} addr add 10.9.9.1/24 dev pod0`,
    `-n ${host} link set pod0 up`,
    `-n ${pod} addr add 10.9.9.2/24 dev eth0`,
    `-n ${pod} link set eth0 up`,
    `-n ${pod} route add default via 10.9.9.1`,
  ])
    await execa("ip", line.split(" "));
  await within("host-aws-1", "sysctl -qw net.ipv4.ip_forward=1");
  const nat = "table ip pod { chain out { type nat hook postrouting priority 100; ip saddr 10.9.9.2 masquerade; }; }"; // prettier-ignore
  await within("host-aws-1", `echo '${nat}' | nft -f -`);
}

const [verb, name = "", input = "{}"] = process.argv.slice(2);
if (verb === "call") await callHere(name, JSON.parse(input) as Record<string, unknown>);
else {
  try {
    await check();
  } finally {
    await down(NAME);
  }
  assert.deepEqual(processesIn(prefix(PLAN)), []);
  say("ok nothing is left");
}
