import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** What a restore that was begun works on: a run after one that was killed goes on with it. */
export const BEGUN = ".infra-k3s/restore-namespaces.json";
const BegunSchema = z.object({
  /** Under which the Secrets are kept aside. */
  id: z.string(),
  backup: z.string(),
  namespaces: z.array(z.string()),
  /** The name of Velero's Restore; another one when it has failed. */
  restore: z.string(),
});
export type Begun = z.output<typeof BegunSchema>;

/** The restore that has not come to its end here. */
export function readBegun(root: string): Begun | undefined {
  const path = join(root, BEGUN);
  return existsSync(path) ? BegunSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : undefined;
}
