import { z } from "zod";
import { page, Refusal } from "./answer.ts";
import { action, type Action, DONE, setTags } from "./call.ts";
import { remembered } from "./life.ts";
import { Filters, Paged, selected, TagsSchema } from "./query.ts";
import type { Region } from "./state.ts";

const KINDS: Record<string, string> = {
  i: "instance",
  vol: "volume",
  sg: "security-group",
  sgr: "security-group-rule",
  key: "key-pair",
  eipalloc: "elastic-ip",
  eni: "network-interface",
};
const Ids = z.array(z.string()).min(1);

export const tagActions: Record<string, Action> = {
  CreateTags: action({ ResourceId: Ids, Tag: TagsSchema }, (wanted, { change, now }) =>
    change((region) => {
      for (const id of wanted.ResourceId) {
        refuseUnknown(region, id, now);
        setTags(region, id, wanted.Tag);
      }
      return DONE;
    }),
  ),

  /** Without a value, whatever it is; with another, nothing: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html */
  DeleteTags: action(
    {
      ResourceId: Ids,
      Tag: z.array(z.strictObject({ Key: z.string(), Value: z.string().optional() })).default([]),
    },
    (wanted, { change, now }) =>
      change((region) => {
        for (const id of wanted.ResourceId) {
          refuseUnknown(region, id, now);
          const own = region.tags[id] ?? {};
          const all = Object.keys(own).map((Key) => ({ Key, Value: undefined }));
          for (const { Key, Value } of wanted.Tag.length === 0 ? all : wanted.Tag)
            if (Value === undefined || own[Key] === Value) delete own[Key];
        }
        return DONE;
      }),
  ),

  DescribeTags: action({ Filter: Filters, ...Paged }, (wanted, { read }) => {
    const all = Object.entries(read().tags).flatMap(([id, tags]) =>
      Object.entries(tags).map(([key, value]) => ({ id, key, value, kind: kindOf(id) })),
    );
    const kept = selected(
      all,
      wanted.Filter,
      ({ id, key, value, kind }) => ({ "resource-id": id, "resource-type": kind, key, value }),
      ({ key, value }) => ({ [key]: value }),
    );
    const { items, nextToken } = page(kept, wanted);
    return {
      tagSet: items.map(({ id, key, value, kind }) => ({ resourceId: id, resourceType: kind, key, value })),
      nextToken,
    };
  }),
};

const kindOf = (id: string) => KINDS[id.split("-")[0] ?? ""] ?? "";

function refuseUnknown(region: Region, id: string, now: number): void {
  const instances = remembered(region, now);
  const known = [
    ...instances.flatMap((one) => [one.id, one.interfaceId]),
    ...[region.volumes, region.groups, region.keys, region.addresses].flat().map((one) => one.id),
    ...region.groups.flatMap(({ rules }) => rules.map((rule) => rule.id)),
  ];
  if (known.includes(id)) return;
  if (kindOf(id) === "instance")
    throw new Refusal("InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
  throw new Refusal("InvalidID", `The ID '${id}' is not valid`);
}
