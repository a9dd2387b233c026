import { z } from "zod";
import { absent, invalid, page, Refusal, type Xml } from "./answer.ts";
import { action, type Action, DONE, each, tagSet } from "./call.ts";
import { ROOT_DEVICE } from "./catalogue.ts";
import { Filters, Int, Paged, selected, Texts } from "./query.ts";
import type { Region, Volume } from "./state.ts";

const missing = absent("InvalidVolume.NotFound", "The volume '%' does not exist.");
const find = (region: Region, id: string) => each(region.volumes, [id], (one) => one.id, missing)[0] as Volume; // prettier-ignore
const time = (one: Volume) => new Date(one.created).toISOString();

export const volumeActions: Record<string, Action> = {
  DescribeVolumes: action({ VolumeId: Texts, Filter: Filters, ...Paged }, (wanted, { read }) => {
    const { volumes, tags } = read();
    const named =
      wanted.VolumeId.length === 0 ? volumes : each(volumes, wanted.VolumeId, ({ id }) => id, missing);
    const kept = selected(
      named,
      wanted.Filter,
      (one) => ({
        "volume-id": one.id,
        "attachment.instance-id": one.instance,
        status: one.instance === undefined ? "available" : "in-use",
        "availability-zone": one.zone,
        "volume-type": one.type,
      }),
      ({ id }) => tags[id] ?? {},
    );
    const { items, nextToken } = page(kept, wanted);
    return { volumeSet: items.map((one) => ({ ...show(one), tagSet: tagSet(tags[one.id]) })), nextToken };
  }),

  ModifyVolume: action(
    { VolumeId: z.string(), Size: Int.optional(), VolumeType: z.enum(["gp2", "gp3"]).optional(), Iops: Int.optional(), Throughput: Int.optional() }, // prettier-ignore
    (wanted, { change, now }) =>
      change((region) => {
        const one = find(region, wanted.VolumeId);
        if (wanted.Size !== undefined && wanted.Size < one.size)
          throw invalid(`New size cannot be smaller than existing size`);
        const before = { originalSize: one.size, originalIops: one.iops, originalVolumeType: one.type };
        one.size = wanted.Size ?? one.size;
        one.type = wanted.VolumeType ?? one.type;
        one.iops = wanted.Iops ?? one.iops;
        one.throughput = wanted.Throughput ?? one.throughput;
        return { volumeModification: { ...before, ...modification(one), startTime: new Date(now).toISOString() } }; // prettier-ignore
      }),
  ),

  DescribeVolumesModifications: action(
    { VolumeId: Texts, Filter: Filters, ...Paged },
    (wanted, { read }) => ({
      volumeModificationSet: each(read().volumes, wanted.VolumeId, ({ id }) => id, missing).map(modification),
    }),
  ),

  DeleteVolume: action({ VolumeId: z.string() }, ({ VolumeId }, { change }) =>
    change((region) => {
      const one = find(region, VolumeId);
      if (one.instance !== undefined)
        throw new Refusal("VolumeInUse", `Volume ${VolumeId} is currently attached to ${one.instance}`);
      region.volumes = region.volumes.filter((other) => other !== one);
      delete region.tags[VolumeId];
      return DONE;
    }),
  ),
};

const modification = (one: Volume): Record<string, Xml> => ({
  volumeId: one.id,
  modificationState: "completed",
  targetSize: one.size,
  targetIops: one.iops,
  targetVolumeType: one.type,
  progress: 100,
});

const show = (one: Volume): Record<string, Xml> => ({
  volumeId: one.id,
  size: one.size,
  availabilityZone: one.zone,
  status: one.instance === undefined ? "available" : "in-use",
  createTime: time(one),
  volumeType: one.type,
  iops: one.iops,
  throughput: one.type === "gp3" ? one.throughput : undefined,
  encrypted: one.encrypted,
  multiAttachEnabled: false,
  attachmentSet:
    one.instance === undefined
      ? []
      : [{ volumeId: one.id, instanceId: one.instance, device: ROOT_DEVICE, status: "attached", attachTime: time(one), deleteOnTermination: one.deleteOnTermination }], // prettier-ignore
});
