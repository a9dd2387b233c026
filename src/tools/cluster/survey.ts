import { z } from "zod";

const ListenerSchema = z.object({
  name: z.string(),
  /** How many routes are at it. */
  attachedRoutes: z.number(),
  ok: z.boolean(),
  reason: z.string(),
});

/** What volumes.py says; null where the cluster has no Velero. */
const VolumeBackupsSchema = z.object({
  /** The newest good backup that the schedule made; null: there is none. */
  newest: z.string().nullable(),
  /** Since it was begun. */
  ageSeconds: z.number().nullable(),
  /** So old that two runs were missed. */
  stale: z.boolean(),
  /** Available, or why Velero can't reach its bucket. */
  location: z.string(),
  /** Claims of whose volumes the newest good backup has nothing. */
  unsaved: z.array(z.object({ namespace: z.string(), name: z.string(), reason: z.string() })),
});
const BackupsSchema = z.object({ volumes: VolumeBackupsSchema.nullable() });
export const NO_BACKUPS = { volumes: null };

/** What the role `report`'s judge.py says of a cluster; fields may be added, none renamed: they are those of `status --json`. */
export const SurveySchema = z.object({
  nodes: z.array(z.object({ name: z.string(), ready: z.boolean(), reason: z.string() })),
  apps: z.array(
    z.object({
      name: z.string(),
      /** Synced, OutOfSync or Unknown. */
      sync: z.string(),
      /** Healthy, Progressing, Degraded, Suspended, Missing or Unknown. */
      health: z.string(),
      /** The commit it was last compared with. */
      revision: z.string(),
      /** Why it is not Synced and Healthy; empty: it is. */
      message: z.string(),
    }),
  ),
  certificates: z.array(
    z.object({
      name: z.string(),
      namespace: z.string(),
      ready: z.boolean(),
      /** RFC 3339; empty before the first one is issued. */
      notAfter: z.string(),
      renewalTime: z.string(),
      /** Why it is not ready, or too old; empty: it is fine. */
      reason: z.string(),
    }),
  ),
  gateways: z.array(
    z.object({
      name: z.string(),
      namespace: z.string(),
      programmed: z.boolean(),
      reason: z.string(),
      listeners: z.array(ListenerSchema),
    }),
  ),
  routes: z.array(
    z.object({
      name: z.string(),
      namespace: z.string(),
      hosts: z.array(z.string()),
      accepted: z.boolean(),
      resolvedRefs: z.boolean(),
      /** Why it is not served; empty: it is. */
      reason: z.string(),
    }),
  ),
  backups: BackupsSchema,
  problems: z.array(
    z.object({
      what: z.string(),
      why: z.string(),
      fix: z.string(),
      /** The timer on the master tells of errors only. */
      severity: z.enum(["error", "warning"]),
    }),
  ),
  /** Why the API could not be asked; empty: it could. */
  fault: z.string(),
});

export type Survey = z.output<typeof SurveySchema>;
export type Problem = Survey["problems"][number];
