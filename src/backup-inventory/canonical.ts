import { createHash } from "node:crypto";
import type { InventoryObject } from "./inventory.ts";
import {
  type Known,
  LEFT_OUT_FIELDS,
  type LeftOutField,
  LEFT_OUT_KINDS,
  LEFT_OUT_OBJECTS,
} from "./left-out.ts";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** An object as the API serves it. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    ownerReferences?: { controller?: boolean }[];
    deletionTimestamp?: string;
  };
  type?: string;
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
}

/**
 * What a restore must bring back of an object, with its keys in order, so that equal states are equal texts; undefined for
 * one that no restore brings back. What is left out, and why, is `left-out.ts`.
 */
export function canonicalState(object: KubernetesObject): JsonObject | undefined {
  const known = know(object);
  if (LEFT_OUT_KINDS.some(({ group, kind }) => group === known.group && kind === known.kind))
    return undefined;
  if (LEFT_OUT_OBJECTS.some(({ is }) => is(known))) return undefined;
  let state = object as unknown as Json;
  for (const { kind, name, path, unless } of LEFT_OUT_FIELDS) {
    const isMeant = (kind ?? known.kind) === known.kind && (name ?? known.name) === known.name;
    if (isMeant) state = without(state, path, unless) ?? {};
  }
  return sorted(state) as JsonObject;
}

/** The state as an inventory keeps it: nothing of it can be read there. */
export function hashedState(object: KubernetesObject): InventoryObject | undefined {
  const state = canonicalState(object);
  if (state === undefined) return undefined;
  const { group, kind, namespace, name } = know(object);
  const fields = Object.fromEntries(
    leaves(state, "", DEPTH).map(([path, value]) => [path, hashOf(value).slice(0, 16)]),
  );
  return { group, kind, namespace, name, sha256: hashOf(state), fields, isChanging: false };
}

function know(object: KubernetesObject): Known {
  const { apiVersion, kind, metadata, type } = object;
  return {
    group: apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "",
    kind,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    labels: metadata.labels ?? {},
    isOwned: metadata.ownerReferences?.some(({ controller }) => controller === true) ?? false,
    type: type ?? "",
    isOver: isOver(object),
    isBeingDeleted: metadata.deletionTimestamp !== undefined,
  };
}

function isOver({ kind, status }: KubernetesObject): boolean {
  if (kind === "Pod") return status?.phase === "Succeeded" || status?.phase === "Failed";
  const isEnd = /^(Complete|Failed)$/;
  return (
    kind === "Job" &&
    (status?.conditions?.some((one) => isEnd.test(one.type) && one.status === "True") ?? false)
  );
}

/** A copy without what lies there; what is empty without it is gone, too. */
function without(
  value: Json | undefined,
  path: readonly Step[],
  unless: LeftOutField["unless"],
): Json | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return unless?.(value) === true ? value : undefined;
  if (Array.isArray(value)) {
    if (step === "[]") return value.map((item) => without(item, rest, unless) ?? {});
    if (typeof step !== "function") return value;
    const left = value.filter((item) => !(isObject(item) && step(item)));
    return left.length === 0 ? undefined : left;
  }
  if (!isObject(value) || typeof step !== "string" || !(step in value)) return value;
  const { [step]: inner, ...others } = value;
  const left = without(inner, rest, unless);
  if (left !== undefined) return { ...others, [step]: left };
  return Object.keys(others).length === 0 ? undefined : others;
}

type Step = LeftOutField["path"][number];

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)]),
  );
}

/** How deep a difference is named: `spec.template.spec.containers`. */
const DEPTH = 4;

function leaves(value: Json, path: string, depth: number): [path: string, value: Json][] {
  if (depth === 0 || !isObject(value) || Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) =>
    leaves(inner, path === "" ? key : `${path}.${key}`, depth - 1),
  );
}

function hashOf(value: Json): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
