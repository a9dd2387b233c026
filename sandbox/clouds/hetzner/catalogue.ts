/** What can be bought, in the API's shapes. Prices are of the sandbox's making, about as they were in 2026. */
export const LOCATIONS = [
  ["fsn1", "Falkenstein DC Park 1", "DE", "Falkenstein", "eu-central"],
  ["nbg1", "Nuremberg DC Park 1", "DE", "Nuremberg", "eu-central"],
  ["hel1", "Helsinki DC Park 1", "FI", "Helsinki", "eu-central"],
  ["ash", "Ashburn, VA", "US", "Ashburn, VA", "us-east"],
].map(([name = "", description = "", country = "", city = "", network_zone = ""], index) => ({
  id: index + 1,
  name,
  description,
  country,
  city,
  latitude: 0,
  longitude: 0,
  network_zone,
}));

type TypeRow = [
  name: string,
  cores: number,
  memory: number,
  disk: number,
  arch: string,
  net: number,
  where: string[],
];

const EU = ["fsn1", "nbg1", "hel1"];
const TYPES: TypeRow[] = [
  ["cx23", 2, 4, 40, "x86", 2.99, EU],
  ["cx33", 4, 8, 80, "x86", 4.99, EU],
  ["cx43", 8, 16, 160, "x86", 8.99, EU],
  ["cpx22", 2, 4, 80, "x86", 5.99, [...EU, "ash"]],
  ["cax11", 2, 4, 40, "arm", 3.29, EU],
  ["cax21", 4, 8, 80, "arm", 5.99, EU],
];

const VAT = 1.19;
const price = (net: number, digits: number) => ({
  net: net.toFixed(digits),
  gross: (net * VAT).toFixed(digits),
});

export function serverTypes(soldOut: readonly string[]) {
  return TYPES.map(([name, cores, memory, disk, architecture, net, where], index) => ({
    id: index + 101,
    name,
    description: name.toUpperCase(),
    category: architecture === "arm" ? "Shared vCPU" : "Cost-Optimized",
    cores,
    memory,
    disk,
    storage_type: "local",
    cpu_type: "shared",
    architecture,
    included_traffic: 0,
    deprecated: false,
    deprecation: null,
    prices: where.map((location) => ({
      location,
      price_hourly: price(net / 624, 4),
      price_monthly: price(net, 4),
      included_traffic: 20 * 2 ** 40,
      price_per_tb_traffic: price(1, 2),
    })),
    locations: LOCATIONS.filter((location) => where.includes(location.name)).map((location) => ({
      id: location.id,
      name: location.name,
      recommended: true,
      available: !soldOut.includes(`${name}@${location.name}`),
      deprecation: null,
    })),
  }));
}

export const IMAGES = ["x86", "arm"].map((architecture, index) => ({
  id: 114_690_387 + index,
  status: "available",
  type: "system",
  name: "debian-12",
  description: "Debian 12",
  image_size: null,
  disk_size: 5,
  created: "2023-06-13T06:00:00+00:00",
  created_from: null,
  bound_to: null,
  os_flavor: "debian",
  os_version: "12",
  architecture,
  rapid_deploy: true,
  protection: { delete: false },
  deprecated: null,
  deprecation: null,
  deleted: null,
  labels: {},
}));

export const PRICING = {
  currency: "EUR",
  vat_rate: "19.00",
  image: { price_per_gb_month: price(0.011, 4) },
  floating_ip: { price_monthly: price(3, 2) },
  floating_ips: [],
  primary_ips: ["ipv4", "ipv6"].map((type) => ({
    type,
    prices: LOCATIONS.map(({ name }) => ({
      location: name,
      price_hourly: price(type === "ipv4" ? 0.0008 : 0, 4),
      price_monthly: price(type === "ipv4" ? 0.5 : 0, 4),
    })),
  })),
  server_backup: { percentage: "20" },
  volume: { price_per_gb_month: price(0.044, 4) },
  load_balancer_types: [],
};
