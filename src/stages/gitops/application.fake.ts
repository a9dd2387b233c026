import type { Application } from "./parse.ts";

export const COMMIT = "a".repeat(40);

/** An Application that is as the commit says, but for what a test changes. */
export const app = (name: string, change: Partial<Application> = {}): Application => ({
  name,
  repoURL: "",
  targetRevision: "main",
  sync: "Synced",
  revision: COMMIT,
  health: "Healthy",
  conditions: [],
  operation: { phase: "Succeeded", message: "" },
  failed: [],
  children: [],
  ...change,
});
