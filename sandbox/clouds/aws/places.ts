import { z } from "zod";
import { absent, page, type Xml } from "./answer.ts";
import { action, type Action, each } from "./call.ts";
import { DEBIAN, type Image, imagesOf, type InstanceType, REGIONS, ROOT_DEVICE, TYPES, zonesOf } from "./catalogue.ts"; // prettier-ignore
import { Filters, Flag, Paged, selected, Texts } from "./query.ts";
import { fixedId } from "./state.ts";

export const vpcOf = (region: string) => fixedId("vpc", region);
export const subnetOf = (zone: string) => fixedId("subnet", zone);
const subnetsOf = (region: string) =>
  zonesOf(region).map((zone, index) => ({ id: subnetOf(zone), zone, cidr: `172.31.${16 * index}.0/20` }));

const noRegion = absent("InvalidParameterValue", "Invalid region provided: %");
export const noVpc = absent("InvalidVpcID.NotFound", "The vpc ID '%' does not exist");
export const noSubnet = absent("InvalidSubnetID.NotFound", "The subnet ID '%' does not exist");
export const noImage = absent("InvalidAMIID.NotFound", "The image id '[%]' does not exist");
const noType = absent("InvalidInstanceType", "The following supplied instance types do not exist: [%]");

/** What is there before anything is made. */
export const placeActions: Record<string, Action> = {
  DescribeRegions: action({ RegionName: Texts, Filter: Filters, AllRegions: Flag.optional() }, (wanted) => {
    const all = Object.keys(REGIONS);
    const named = wanted.RegionName.length === 0 ? all : each(all, wanted.RegionName, String, noRegion);
    const kept = selected(named, wanted.Filter, (name) => ({
      "region-name": name,
      endpoint: `ec2.${name}.amazonaws.com`,
      "opt-in-status": "opt-in-not-required",
    }));
    return {
      regionInfo: kept.map((regionName) => ({
        regionName,
        regionEndpoint: `ec2.${regionName}.amazonaws.com`,
        optInStatus: "opt-in-not-required",
      })),
    };
  }),

  DescribeAvailabilityZones: action(
    { ZoneName: Texts, ZoneId: Texts, Filter: Filters, AllAvailabilityZones: Flag.optional() },
    (wanted, { region }) => {
      const zones = zonesOf(region).filter(
        (zone) => wanted.ZoneName.length === 0 || wanted.ZoneName.includes(zone),
      );
      const kept = selected(zones, wanted.Filter, (zone) => ({
        "zone-name": zone,
        "region-name": region,
        state: "available",
        "zone-type": "availability-zone",
        "opt-in-status": "opt-in-not-required",
      }));
      return {
        availabilityZoneInfo: kept.map((zoneName) => ({
          zoneName,
          zoneId: zoneId(zoneName),
          zoneType: "availability-zone",
          regionName: region,
          groupName: region,
          networkBorderGroup: region,
          zoneState: "available",
          optInStatus: "opt-in-not-required",
          messageSet: [],
        })),
      };
    },
  ),

  DescribeVpcs: action({ VpcId: Texts, Filter: Filters, ...Paged }, (wanted, { region, account, read }) => {
    const all = [vpcOf(region)];
    const named = wanted.VpcId.length === 0 ? all : each(all, wanted.VpcId, String, noVpc);
    const values = { isDefault: true, "is-default": true, state: "available", cidr: "172.31.0.0/16" };
    const kept = selected(named, wanted.Filter, (id) => ({ ...values, "vpc-id": id }), (id) => read().tags[id] ?? {}); // prettier-ignore
    return {
      vpcSet: kept.map((vpcId) => ({
        vpcId,
        ownerId: account,
        state: "available",
        cidrBlock: "172.31.0.0/16",
        dhcpOptionsId: fixedId("dopt", region),
        instanceTenancy: "default",
        isDefault: true,
      })),
    };
  }),

  DescribeSubnets: action(
    { SubnetId: Texts, Filter: Filters, ...Paged },
    (wanted, { region, account, read }) => {
      const all = subnetsOf(region);
      const named = wanted.SubnetId.length === 0 ? all : each(all, wanted.SubnetId, ({ id }) => id, noSubnet);
      const kept = selected(
        named,
        wanted.Filter,
        ({ id, zone, cidr }) => ({
          "subnet-id": id,
          "vpc-id": vpcOf(region),
          "availability-zone": zone,
          availabilityZone: zone,
          "default-for-az": true,
          defaultForAz: true,
          "cidr-block": cidr,
          "map-public-ip-on-launch": true,
          state: "available",
        }),
        ({ id }) => read().tags[id] ?? {},
      );
      return {
        subnetSet: kept.map(({ id, zone, cidr }) => ({
          subnetId: id,
          subnetArn: `arn:aws:ec2:${region}:${account}:subnet/${id}`,
          state: "available",
          ownerId: account,
          vpcId: vpcOf(region),
          cidrBlock: cidr,
          availableIpAddressCount: 4091,
          availabilityZone: zone,
          availabilityZoneId: zoneId(zone),
          defaultForAz: true,
          mapPublicIpOnLaunch: true,
          assignIpv6AddressOnCreation: false,
          ipv6CidrBlockAssociationSet: [],
        })),
      };
    },
  ),

  DescribeImages: action(
    { ImageId: Texts, Owner: Texts, Filter: Filters, IncludeDeprecated: Flag.optional(), ...Paged },
    (wanted, { region }) => {
      const all = imagesOf(region);
      const named = wanted.ImageId.length === 0 ? all : each(all, wanted.ImageId, ({ id }) => id, noImage);
      const owned = named.filter(() => wanted.Owner.length === 0 || wanted.Owner.includes(DEBIAN));
      const { items, nextToken } = page(selected(owned, wanted.Filter, imageValues), wanted);
      return { imagesSet: items.map(showImage), nextToken };
    },
  ),

  DescribeInstanceTypes: action({ InstanceType: Texts, Filter: Filters, ...Paged }, (wanted) => {
    const named =
      wanted.InstanceType.length === 0 ? TYPES : each(TYPES, wanted.InstanceType, ({ name }) => name, noType);
    const kept = selected(named, wanted.Filter, (type) => ({
      "instance-type": type.name,
      "processor-info.supported-architecture": type.architecture,
      "burstable-performance-supported": type.burstable,
      "current-generation": true,
    }));
    const { items, nextToken } = page(kept, wanted);
    return { instanceTypeSet: items.map(showType), nextToken };
  }),

  DescribeInstanceTypeOfferings: action(
    { LocationType: z.enum(["region", "availability-zone"]).default("region"), Filter: Filters, ...Paged },
    (wanted, { region }) => {
      const zonal = wanted.LocationType === "availability-zone";
      const locations = zonal ? zonesOf(region) : [region];
      const all = TYPES.flatMap(({ name }) => locations.map((location) => ({ name, location })));
      const kept = selected(all, wanted.Filter, ({ name, location }) => ({
        "instance-type": name,
        location,
      }));
      const { items, nextToken } = page(kept, wanted);
      return {
        instanceTypeOfferingSet: items.map(({ name, location }) => ({
          instanceType: name,
          locationType: wanted.LocationType,
          location,
        })),
        nextToken,
      };
    },
  ),

  DescribeAccountAttributes: action({ AttributeName: Texts }, ({ AttributeName }, { region }) => {
    const all = { "supported-platforms": "VPC", "default-vpc": vpcOf(region), "max-instances": "20", "vpc-max-elastic-ips": "5" }; // prettier-ignore
    const kept = Object.entries(all).filter(
      ([name]) => AttributeName.length === 0 || AttributeName.includes(name),
    );
    return {
      accountAttributeSet: kept.map(([attributeName, attributeValue]) => ({
        attributeName,
        attributeValueSet: [{ attributeValue }],
      })),
    };
  }),
};

const zoneId = (zone: string) => `${fixedId("", zone.slice(0, -1)).slice(1, 5)}-az${zone.charCodeAt(zone.length - 1) - 96}`; // prettier-ignore

const imageValues = (image: Image) => ({
  name: image.name,
  "image-id": image.id,
  architecture: image.architecture,
  "virtualization-type": "hvm",
  "root-device-type": "ebs",
  "owner-id": DEBIAN,
  "is-public": true,
  state: "available",
  "image-type": "machine",
});

const showImage = ({ id, name, architecture, created, snapshot }: Image): Xml => ({
  imageId: id,
  imageLocation: `${DEBIAN}/${name}`,
  imageState: "available",
  imageOwnerId: DEBIAN,
  isPublic: true,
  architecture,
  imageType: "machine",
  name,
  description: "Debian 12",
  rootDeviceType: "ebs",
  rootDeviceName: ROOT_DEVICE,
  blockDeviceMapping: [
    {
      deviceName: ROOT_DEVICE,
      ebs: { snapshotId: snapshot, volumeSize: 8, volumeType: "gp3", deleteOnTermination: true, encrypted: false }, // prettier-ignore
    },
  ],
  virtualizationType: "hvm",
  hypervisor: "xen",
  enaSupport: true,
  sriovNetSupport: "simple",
  creationDate: created,
});

const showType = (type: InstanceType): Xml => ({
  instanceType: type.name,
  currentGeneration: true,
  freeTierEligible: false,
  supportedUsageClasses: ["on-demand", "spot"],
  supportedRootDeviceTypes: ["ebs"],
  supportedVirtualizationTypes: ["hvm"],
  bareMetal: false,
  hypervisor: "nitro",
  processorInfo: { supportedArchitectures: [type.architecture] },
  vCpuInfo: { defaultVCpus: type.vcpus, defaultCores: type.vcpus, defaultThreadsPerCore: 1 },
  memoryInfo: { sizeInMiB: type.memoryMib },
  instanceStorageSupported: false,
  burstablePerformanceSupported: type.burstable,
});
