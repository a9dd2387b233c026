import { z } from "zod";
import { invalid, Refusal, type Xml } from "./answer.ts";
import { action, type Action, DONE } from "./call.ts";
import { ROOT_DEVICE, TYPES } from "./catalogue.ts";
import { findGroup } from "./groups.ts";
import { showMetadata } from "./instances.ts";
import { findInstances, stateOf } from "./life.ts";
import { Flag, Texts } from "./query.ts";
import { enforce } from "./rules.ts";
import { MetadataShape } from "./run-parameters.ts";
import type { Instance } from "./state.ts";

const value = <T extends z.ZodType>(schema: T) => z.strictObject({ Value: schema }).optional();

const SHOWN: Record<string, (one: Instance) => Xml> = {
  disableApiTermination: ({ attributes }) => ({ value: attributes.disableApiTermination }),
  disableApiStop: ({ attributes }) => ({ value: attributes.disableApiStop }),
  sourceDestCheck: ({ attributes }) => ({ value: attributes.sourceDestCheck }),
  ebsOptimized: ({ attributes }) => ({ value: attributes.ebsOptimized }),
  instanceInitiatedShutdownBehavior: ({ attributes }) => ({ value: attributes.shutdownBehavior }),
  instanceType: ({ type }) => ({ value: type }),
  rootDeviceName: () => ({ value: ROOT_DEVICE }),
  userData: ({ userData }) => (userData === "" ? {} : { value: userData }),
};

export const attributeActions: Record<string, Action> = {
  DescribeInstanceAttribute: action({ InstanceId: z.string(), Attribute: z.string() }, (wanted, call) => {
    const [one] = findInstances(call.read(), [wanted.InstanceId], call.now) as [Instance];
    if (wanted.Attribute === "groupSet")
      return { instanceId: one.id, groupSet: one.groups.map((groupId) => ({ groupId })) };
    const show = SHOWN[wanted.Attribute];
    if (show === undefined) throw new Refusal("NotSimulated", `DescribeInstanceAttribute: not simulated: ${wanted.Attribute}`, 501); // prettier-ignore
    return { instanceId: one.id, [wanted.Attribute]: show(one) };
  }),

  ModifyInstanceAttribute: action(
    {
      InstanceId: z.string(),
      DisableApiTermination: value(Flag),
      DisableApiStop: value(Flag),
      SourceDestCheck: value(Flag),
      EbsOptimized: value(Flag),
      InstanceInitiatedShutdownBehavior: value(z.enum(["stop", "terminate"])),
      InstanceType: value(z.string()),
      UserData: value(z.string()),
      GroupId: Texts,
    },
    async (wanted, call) => {
      call.change((region) => {
        const [one] = findInstances(region, [wanted.InstanceId], call.now) as [Instance];
        const needsStop = wanted.InstanceType ?? wanted.UserData ?? wanted.EbsOptimized;
        if (needsStop !== undefined && stateOf(one, call.machines, call.now) !== "stopped")
          throw new Refusal("IncorrectInstanceState", `The instance '${one.id}' is not in the 'stopped' state.`); // prettier-ignore
        if (wanted.InstanceType !== undefined) {
          const type = TYPES.find(({ name }) => name === wanted.InstanceType?.Value);
          if (type === undefined)
            throw invalid(`Invalid value '${wanted.InstanceType.Value}' for InstanceType.`);
          one.type = type.name;
        }
        if (wanted.UserData !== undefined) one.userData = wanted.UserData.Value;
        for (const id of wanted.GroupId) findGroup(region, id);
        if (wanted.GroupId.length > 0) one.groups = wanted.GroupId;
        const changed = {
          disableApiTermination: wanted.DisableApiTermination?.Value,
          disableApiStop: wanted.DisableApiStop?.Value,
          sourceDestCheck: wanted.SourceDestCheck?.Value,
          ebsOptimized: wanted.EbsOptimized?.Value,
          shutdownBehavior: wanted.InstanceInitiatedShutdownBehavior?.Value,
        };
        const given = Object.entries(changed).filter(([, one_]) => one_ !== undefined);
        Object.assign(one.attributes, Object.fromEntries(given));
      });
      if (wanted.GroupId.length > 0) await enforce(call);
      return DONE;
    },
  ),

  ModifyInstanceMetadataOptions: action(
    { InstanceId: z.string(), ...MetadataShape },
    async (wanted, call) => {
      const one = call.change((region) => {
        const [found] = findInstances(region, [wanted.InstanceId], call.now) as [Instance];
        const { metadata } = found;
        found.metadata = {
          tokens: wanted.HttpTokens ?? metadata.tokens,
          endpoint: wanted.HttpEndpoint ?? metadata.endpoint,
          hops: wanted.HttpPutResponseHopLimit ?? metadata.hops,
          tags: wanted.InstanceMetadataTags ?? metadata.tags,
        };
        return found;
      });
      await call.machines.setMetadataHops(one.host, one.metadata.hops);
      return { instanceId: one.id, instanceMetadataOptions: showMetadata(one.metadata) };
    },
  ),
};
