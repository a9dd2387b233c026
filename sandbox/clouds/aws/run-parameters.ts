import { z } from "zod";
import { Flag, Int, TagSpecifications, Texts } from "./query.ts";

export const Ebs = z.strictObject({
  VolumeSize: Int.optional(),
  VolumeType: z.enum(["gp2", "gp3"]).default("gp3"),
  Iops: Int.optional(),
  Throughput: Int.optional(),
  Encrypted: Flag.default(false),
  DeleteOnTermination: Flag.default(true),
});
export const MetadataShape = {
  HttpTokens: z.enum(["optional", "required"]).optional(),
  HttpEndpoint: z.enum(["enabled", "disabled"]).optional(),
  HttpPutResponseHopLimit: Int.optional(),
  InstanceMetadataTags: z.enum(["enabled", "disabled"]).optional(),
  HttpProtocolIpv6: z.literal("disabled").optional(),
};
/** What a server can be asked for. */
export const Parameters = {
  ImageId: z.string(),
  InstanceType: z.string().default("m1.small"),
  MinCount: Int,
  MaxCount: Int,
  ClientToken: z.string().max(64).optional(),
  KeyName: z.string().optional(),
  UserData: z.string().default(""),
  SecurityGroupId: Texts,
  SubnetId: z.string().optional(),
  Placement: z
    .strictObject({ AvailabilityZone: z.string().optional(), Tenancy: z.literal("default").optional() })
    .default({}),
  NetworkInterface: z
    .array(
      z.strictObject({
        DeviceIndex: z.literal("0"),
        // Each server of the sandbox has a public address.
        AssociatePublicIpAddress: z.literal("true").optional(),
        SecurityGroupId: Texts,
        SubnetId: z.string().optional(),
        DeleteOnTermination: z.literal("true").optional(),
        Description: z.string().optional(),
      }),
    )
    .max(1)
    .default([]),
  BlockDeviceMapping: z
    .array(z.strictObject({ DeviceName: z.literal("/dev/xvda"), Ebs: Ebs.prefault({}) }))
    .max(1)
    .default([]),
  MetadataOptions: z.strictObject(MetadataShape).default({}),
  DisableApiTermination: Flag.default(false),
  DisableApiStop: Flag.default(false),
  EbsOptimized: Flag.default(false),
  Monitoring: z.strictObject({ Enabled: Flag.default(false) }).default({ Enabled: false }),
  InstanceInitiatedShutdownBehavior: z.enum(["stop", "terminate"]).default("stop"),
  CreditSpecification: z.strictObject({ CpuCredits: z.enum(["standard", "unlimited"]) }).optional(),
  TagSpecification: TagSpecifications,
};
export type Wanted = z.output<z.ZodObject<typeof Parameters>>;
