import type { StackName } from "../../config/model.ts";

/** Something at a provider that carries this cluster's name. */
export interface Thing {
  provider: StackName;
  /** OpenTofu's type of it: `hcloud_server`. */
  type: string;
  id: string;
  name: string;
  /** Where the provider's stack has it, or would: `module.server["vultr-1"].vultr_instance.this`. */
  address: string;
  /** What `tofu import` takes. */
  importId: string;
  /** ISO 8601, of servers. */
  created: string;
  /** Of servers. */
  power: "on" | "off" | undefined;
  /** Costs money as long as it is there. */
  billed: boolean;
}

export type Kind = Pick<Thing, "provider" | "type">;

const plain = { created: "", power: undefined, billed: false } as const;

/** A thing that is neither billed nor switched on and off; `importId` is its id unless it says another. */
export function thing(kind: Kind, told: Pick<Thing, "id" | "name" | "address"> & Partial<Thing>): Thing {
  return { ...plain, importId: told.id, ...kind, ...told };
}

/** What is of one node. */
export const ofServer = (node: string, resource: string): string => `module.server["${node}"].${resource}`;
