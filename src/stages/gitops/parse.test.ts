import { expect, test } from "vitest";
import { type Application, causeOf, describe, unready } from "./parse.ts";

const COMMIT = "a".repeat(40);
const app = (name: string, change: Partial<Application> = {}): Application => ({
  name,
  repoURL: "ssh://git@github.com/you/cluster.git",
  targetRevision: "main",
  sync: "Synced",
  revision: COMMIT,
  health: "Healthy",
  conditions: [],
  operation: { phase: "Succeeded", message: "successfully synced (all tasks run)" },
  failed: [],
  children: [],
  ...change,
});

test("all is ready when every Application that another names is there, synced, healthy and at the commit", () => {
  const root = app("cluster", { children: ["argocd", "apps"] });
  expect(unready([root, app("argocd"), app("apps")], COMMIT)).toEqual([]);
  expect(unready([root, app("argocd")], COMMIT)).toEqual(["apps"]);
  expect(unready([], COMMIT)).toEqual(["cluster"]);
  const apps = app("apps", { children: ["shop"] });
  expect(unready([root, app("argocd", { health: "Progressing" }), apps], COMMIT)).toEqual(["argocd", "shop"]);
  expect(unready([root, app("argocd"), app("apps", { revision: "b".repeat(40) })], COMMIT)).toEqual(["apps"]);
});

test("a failed sync says what could not be applied", () => {
  const failed = app("traefik", {
    sync: "OutOfSync",
    health: "Missing",
    operation: { phase: "Failed", message: "one or more objects failed to apply (retried 5 times)." },
    failed: ["DaemonSet traefik: admission webhook denied the request"],
  });
  expect(describe(failed, COMMIT)).toBe(
    "traefik: OutOfSync, Missing: DaemonSet traefik: admission webhook denied the request; " +
      "one or more objects failed to apply (retried 5 times).",
  );
});

test("a repository that can't be read is told by the condition", () => {
  const message =
    "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = " +
    "failed to list refs: knownhosts: key mismatch";
  expect(causeOf(app("cluster", { sync: "Unknown", conditions: [message] }))).toBe(message);
});

test("a sync that waits says for what; one that went well says nothing", () => {
  const message = "waiting for healthy state of argoproj.io/Application/cert-manager";
  expect(causeOf(app("cluster", { operation: { phase: "Running", message } }))).toBe(message);
  expect(causeOf(app("cluster"))).toBe("");
});

test("an Application at another commit says at which", () => {
  expect(describe(app("apps", { revision: "b".repeat(40) }), COMMIT)).toBe(
    "apps: Synced at bbbbbbb, Healthy",
  );
});

test("a very long message keeps its end", () => {
  const cause = causeOf(
    app("apps", { conditions: [`${"x".repeat(2000)} no key could decrypt the data key`] }),
  );
  expect(cause.length).toBeLessThan(620);
  expect(cause).toContain("no key could decrypt the data key");
});
