import type { DataPath } from "./diagnostic.ts";
import type { RawCluster } from "./schema.ts";
import type { Fault } from "./source.ts";

export interface RuleFault extends Fault {
  at: DataPath;
  where: "key" | "value";
}

/** Looks at the whole file and reports all it finds. */
export type Rule = (cluster: RawCluster) => RuleFault[];
