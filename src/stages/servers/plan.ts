import type { Change } from "../../run/stage.ts";
import type { ServerObservation } from "./observe.ts";

/** The servers that are still to be created. */
export function plan(observed: readonly ServerObservation[]): Change[] {
  return observed
    .filter(({ missing }) => missing)
    .map(({ node }) => ({
      stage: "servers",
      action: "create",
      resource: `${node.provider} ${node.region} ${node.size}: ${node.name}`,
      reason: "cluster.yaml declares it, servers.json does not have it",
      protected: node.role === "master",
    }));
}
