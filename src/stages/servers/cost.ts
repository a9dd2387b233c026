import type { ClusterModel, ClusterNode, Servers } from "../../config/model.ts";
import type { Fault } from "../../output/errors.ts";
import type { Offer } from "../../tools/offers/offer.ts";
import type { Offers } from "../../tools/offers/offers.ts";

export interface CostItem {
  node: string;
  provider: string;
  region: string;
  size: string;
  currency: string;
  /** Per month, without tax and traffic; null: unknown. */
  monthly: number | null;
  note: string;
}

export interface Cost {
  totals: { currency: string; monthly: number }[];
  items: CostItem[];
}

/** What the nodes cost a month. Pure. */
export function costOf({ nodes }: ClusterModel, offers: Offers): Cost {
  const items = nodes.map(({ name, provider, region, size }): CostItem => {
    const item = { node: name, provider, region, size, currency: "", monthly: null, note: "" };
    if (provider === "existing") return { ...item, note: "your own" };
    const known = offers[provider];
    if (known === undefined || typeof known === "string") return { ...item, note: known ?? "unknown" };
    const offer = known.find((one) => one.size === size && one.region === region);
    if (offer === undefined) return { ...item, note: `${provider} does not sell it there` };
    return { ...item, currency: offer.currency, monthly: offer.monthly, note: offer.note };
  });
  const totals = new Map<string, number>();
  for (const { currency, monthly } of items)
    if (monthly !== null) totals.set(currency, (totals.get(currency) ?? 0) + monthly);
  return { totals: [...totals].map(([currency, monthly]) => ({ currency, monthly: cents(monthly) })), items };
}

/** Servers that are still to be created and can't be had, each with the next best. Pure. */
export function unavailable({ nodes }: ClusterModel, servers: Servers, offers: Offers): Fault[] {
  return nodes.flatMap((node) => {
    const known = node.provider === "existing" ? undefined : offers[node.provider];
    if (servers[node.name] !== undefined || known === undefined || typeof known === "string") return [];
    const here = known.filter(({ region }) => region === node.region);
    const wanted = known.find(({ size }) => size === node.size);
    const offer = here.find(({ size }) => size === node.size);
    if (offer?.available === true && offer.arch === node.arch) return [];
    const regions = [...new Set(known.map(({ region }) => region))].sort().join(", ");
    const why =
      here.length === 0
        ? `${node.provider} has no region ${node.region}; regions: ${regions}`
        : wanted === undefined
          ? `${node.provider} has no size ${node.size}`
          : offer === undefined
            ? `${node.size} is not sold in ${node.region}`
            : offer.available
              ? `${node.size} is ${offer.arch}, and the node is declared ${node.arch}`
              : `${node.size} is sold out in ${node.region}`;
    const fix = nextBest(node, here, wanted);
    return [{ what: `${node.name} can't be created`, why, ...(fix === undefined ? {} : { fix }) }];
  });
}

/** The cheapest at the same place that is no smaller. */
function nextBest(node: ClusterNode, here: readonly Offer[], wanted: Offer | undefined): string | undefined {
  const [best] = here
    .filter(({ available, arch }) => available && arch === node.arch)
    .filter(({ cores, memoryGb }) => cores >= (wanted?.cores ?? 2) && memoryGb >= (wanted?.memoryGb ?? 4))
    .toSorted((a, b) => (a.monthly ?? Infinity) - (b.monthly ?? Infinity));
  if (best === undefined) return undefined;
  const { size, cores, memoryGb, monthly, currency } = best;
  return `size: ${size} (${cores} cores, ${memoryGb} GB, ${monthly ?? "?"} ${currency} a month) can be had there`;
}

const cents = (value: number) => Math.round(value * 100) / 100;
