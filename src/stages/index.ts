import type { Stage } from "../run/stage.ts";
import { base } from "./base/stage.ts";
import type { ClusterContext } from "./context.ts";
import { dns } from "./dns/stage.ts";
import { gitops } from "./gitops/stage.ts";
import { k3s } from "./k3s/stage.ts";
import { mesh } from "./mesh/stage.ts";
import { servers } from "./servers/stage.ts";
import { verify } from "./verify/stage.ts";

/** Every stage of `up`, in order. */
export const stages: readonly Stage<ClusterContext>[] = [servers, dns, base, mesh, k3s, verify, gitops];
