import { type ClusterModel, hasVelero } from "./model.ts";

/** For how many days at least nobody can delete the copy of the volumes' backups; 0: there is no such copy. */
export function secondLineDays(model: ClusterModel): number {
  return hasVelero(model) ? (model.cloudflare?.backupLockDays ?? 0) : 0;
}
