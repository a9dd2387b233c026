import type { Handler } from "../route.ts";
import type { Store } from "../store.ts";
import { page, Refusal } from "./answer.ts";
import type { Account } from "./state.ts";

/** What can be bought, in the API's shapes. Prices are of the sandbox's making, about as they were in 2026. */
const REGIONS = [
  ["fra", "Frankfurt", "DE", "Europe"],
  ["ams", "Amsterdam", "NL", "Europe"],
  ["waw", "Warsaw", "PL", "Europe"],
  ["ewr", "New Jersey", "US", "North America"],
  ["sao", "São Paulo", "BR", "South America"],
].map(([id = "", city = "", country = "", continent = ""]) => ({
  id,
  city,
  country,
  continent,
  options: ["ddos_protection", "block_storage_high_perf", "load_balancers", "kubernetes"],
}));

const EVERYWHERE = REGIONS.map(({ id }) => id);
type PlanRow = [id: string, cores: number, gb: number, disk: number, cost: number, where: string[]];
const ROWS: PlanRow[] = [
  ["vc2-1c-1gb", 1, 1, 25, 5, EVERYWHERE],
  ["vc2-1c-2gb", 1, 2, 55, 10, EVERYWHERE],
  ["vc2-2c-2gb", 2, 2, 65, 15, EVERYWHERE],
  ["vc2-2c-4gb", 2, 4, 80, 20, EVERYWHERE],
  ["vc2-4c-8gb", 4, 8, 160, 40, EVERYWHERE],
  ["vc2-6c-16gb", 6, 16, 320, 80, EVERYWHERE],
  ["vhf-2c-4gb", 2, 4, 128, 24, ["ams", "ewr", "sao"]],
  ["vhp-2c-4gb-amd", 2, 4, 100, 24, ["fra", "ams", "ewr"]],
];

const hourly = (monthly: number) => Math.round((monthly / 730) * 1000) / 1000;

export const PLANS = ROWS.map(([id, vcpu_count, gb, disk, monthly_cost, locations]) => ({
  id,
  vcpu_count,
  ram: gb * 1024,
  disk,
  disk_count: 1,
  bandwidth: vcpu_count * 1024,
  monthly_cost,
  hourly_cost: hourly(monthly_cost),
  type: id.split("-")[0],
  locations,
  // São Paulo costs half as much again.
  location_cost: locations.includes("sao")
    ? { sao: { monthly_cost: monthly_cost * 1.5, hourly_cost: hourly(monthly_cost * 1.5) } }
    : {},
}));

export const OSES = [
  { id: 2284, name: "Ubuntu 24.04 LTS x64", arch: "x64", family: "ubuntu" },
  { id: 2136, name: "Debian 12 x64 (bookworm)", arch: "x64", family: "debian" },
  { id: 2625, name: "Debian 13 x64 (trixie)", arch: "x64", family: "debian" },
];

const TYPES = ["all", "vbm", "vdc", "vhp", "vhf", "vc2", "voc", "vcg", "vdg", "vdm", "vx1", "voc-g", "voc-s", "voc-c", "voc-m"]; // prettier-ignore

function ofType(query: URLSearchParams) {
  const type = query.get("type") ?? "all";
  if (!TYPES.includes(type)) throw new Refusal(400, `Please provide a valid type: ${TYPES.join(", ")}`);
  return PLANS.filter((plan) => type === "all" || plan.type === type);
}

/** Where nothing is sold out of what a plan's `locations` name. */
export function isAvailable({ soldOut }: Account, plan: string, region: string): boolean {
  const known = PLANS.find(({ id }) => id === plan);
  return known?.locations.includes(region) === true && !soldOut.includes(`${plan}@${region}`);
}

export const hasRegion = (region: string): boolean => EVERYWHERE.includes(region);

/** These are told without a key, too. */
export function catalogueRoutes(account: Store<Account>): Record<string, Handler> {
  return {
    "GET /v2/regions": ({ query }) => page("regions", REGIONS, query),
    "GET /v2/regions/{id}/availability": ({ parameters, query }) => {
      const region = parameters["id"] ?? "";
      if (!hasRegion(region)) throw new Refusal(400, "Invalid region.");
      const plans = ofType(query).filter(({ id }) => isAvailable(account.read(), id, region));
      const available_plans = plans.map(({ id }) => id);
      return { status: 200, body: { available_plans, available_vpc_only_plans: available_plans } };
    },
    "GET /v2/plans": ({ query }) => page("plans", ofType(query), query),
    "GET /v2/os": ({ query }) => page("os", OSES, query),
  };
}
