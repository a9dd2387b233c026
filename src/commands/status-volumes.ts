import { age, table } from "../output/table.ts";
import type { Survey } from "../tools/cluster/survey.ts";

/** How the backup of the volumes stands, and each claim that is not in it; empty in a cluster without Velero. */
export function describeVolumes({ volumes }: Survey["backups"]): string {
  if (volumes === null) return "";
  const { newest, ageSeconds, stale, location, unsaved } = volumes;
  const made = newest === null ? "none yet" : `${newest}, ${age(ageSeconds ?? 0)} old`;
  const where = location === "Available" ? "" : `; the bucket: ${location}`;
  const rows = unsaved.map(({ namespace, name, reason }) => [`${namespace}/${name}`, reason]);
  const claims = rows.length === 0 ? "" : `\n${table(["NOT SAVED", "WHY"], rows)}`;
  return `\nbackup of the volumes: ${made}${stale ? ", stale" : ""}${where}\n${claims}`;
}
