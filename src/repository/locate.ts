import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { EXIT, UserError } from "../output/errors.ts";

export const CLUSTER_FILE = "cluster.yaml";

/** The cluster repository that `folder` lies in; undefined when it lies in none. */
export function findRepository(folder: string): string | undefined {
  const here = resolve(folder);
  if (existsSync(join(here, CLUSTER_FILE))) return here;
  return dirname(here) === here ? undefined : findRepository(dirname(here));
}

/** The cluster a command means: the one named, else the one the current folder lies in. */
export function chooseRepository(named: string | undefined, folder: string): string {
  if (named !== undefined) {
    const root = resolve(folder, named);
    if (existsSync(join(root, CLUSTER_FILE))) return root;
    throw new UserError(
      { what: `${root} has no ${CLUSTER_FILE}`, fix: `make a cluster repository: infra-k3s init ${named}` },
      EXIT.usage,
    );
  }
  const found = findRepository(folder);
  if (found !== undefined) return found;
  throw new UserError(
    {
      what: "no cluster here",
      why: `neither this folder nor one above it has a ${CLUSTER_FILE}`,
      fix: "go into a cluster repository, name one with --cluster DIR, make one with `infra-k3s init DIR`, or try `infra-k3s sandbox up`",
    },
    EXIT.usage,
  );
}
