import type { Ec2 } from "../../tools/inventory/aws.ts";
import type { Verdict } from "./finding.ts";

/**
 * EC2 says of a dry run whether the key may, and does nothing. What is about a thing that must exist first can't be known so:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
 */
export async function checkAws({ ec2, client }: Ec2, region: string): Promise<Verdict> {
  const dry = { DryRun: true } as const;
  const name = "infra-k3s-dry-run";
  const one = {
    InstanceType: "t3.micro",
    ImageId: "ami-00000000000000000",
    MinCount: 1,
    MaxCount: 1,
  } as const;
  const tags = [
    { ResourceType: "security-group" as const, Tags: [{ Key: "infra-k3s-cluster", Value: name }] },
  ];
  const calls: [string, () => Promise<unknown>][] = [
    ["ec2:DescribeInstances", () => client.send(new ec2.DescribeInstancesCommand(dry))],
    ["ec2:DescribeImages", () => client.send(new ec2.DescribeImagesCommand({ ...dry, Owners: ["136693071363"] }))],
    ["ec2:RunInstances", () => client.send(new ec2.RunInstancesCommand({ ...dry, ...one }))],
    ["ec2:CreateSecurityGroup", () => client.send(new ec2.CreateSecurityGroupCommand({ ...dry, GroupName: name, Description: name }))],
    ["ec2:CreateTags", () => client.send(new ec2.CreateSecurityGroupCommand({ ...dry, GroupName: name, Description: name, TagSpecifications: tags }))],
    ["ec2:ImportKeyPair", () => client.send(new ec2.ImportKeyPairCommand({ ...dry, KeyName: name, PublicKeyMaterial: new TextEncoder().encode("ssh-ed25519 AAAA") }))],
  ]; // prettier-ignore
  const answers = await Promise.all(
    calls.map(async ([action, call]) => [action, await wordOf(call)] as const),
  );
  const bad = answers.find(([, word]) =>
    /AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch|ExpiredToken/.test(word),
  );
  if (bad !== undefined)
    return { state: "failed", message: `AWS does not know the key, or it is no longer good (${bad[1]})` };
  const lacking = answers.filter(([, word]) => word === "UnauthorizedOperation").map(([action]) => action);
  if (lacking.length > 0)
    return { state: "failed", message: `the key's user lacks ${lacking.join(", ")} in ${region}` };
  const silent = answers.filter(([, word]) => word !== "DryRunOperation");
  return silent.length < answers.length
    ? { state: "ok", message: `makes servers in ${region}; whether it may destroy them is seen when it does` }
    : { state: "unknown", message: `AWS can't be asked: ${answers[0]?.[1]}` };
}

/** EC2's own word for how it went. */
async function wordOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return "done";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
