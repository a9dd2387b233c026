import { parse } from "yaml";
import { UserError } from "../../output/errors.ts";

/** An image's name in its parts. */
export interface ImageName {
  /** Whom to ask; Docker Hub's API has another name than its images. */
  server: string;
  path: string;
  tag: string;
  /** Empty where the name has none. */
  digest: string;
}

const DIGEST = /@(sha256:[0-9a-f]{64})$/;
const COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const PATH = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);

/** As container engines read a name: https://github.com/distribution/reference */
export function parseImage(reference: string): ImageName {
  const digest = DIGEST.exec(reference)?.[1] ?? "";
  const name = reference.replace(DIGEST, "");
  const [, untagged = "", tag = "latest"] = /^(.*?)(?::([\w][\w.-]{0,127}))?$/.exec(name) ?? [];
  const [first = "", ...rest] = untagged.split("/");
  const named = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const host = named ? first : "docker.io";
  const short = named ? rest.join("/") : untagged;
  const path = host === "docker.io" && !short.includes("/") ? `library/${short}` : short;
  if (!PATH.test(path)) {
    throw new UserError({
      what: `"${reference}" is not the name of an image`,
      fix: "write it as ghcr.io/you/app:1.0",
    });
  }
  return { server: host === "docker.io" ? "registry-1.docker.io" : host, path, tag, digest };
}

/** A workload's, but not a definition's, whose schema has fields of that name. */
const WORKLOAD = /^kind: (Deployment|DaemonSet|StatefulSet|Job|CronJob|Pod|ConfigMap)$/m;

/** Every image that manifests name, those of workloads called in `without` left out; sorted. */
export function imagesOf(manifests: string, without: readonly string[] = []): string[] {
  const found = new Set<string>();
  for (const text of manifests.split(/^---$/m)) {
    if (!WORKLOAD.test(text) || !/\bimage:/.test(text)) continue;
    const manifest = parse(text) as { metadata?: { name?: string } };
    if (!without.includes(manifest.metadata?.name ?? "")) collect(manifest, found);
  }
  return [...found].sort();
}

function collect(value: unknown, found: Set<string>): void {
  // A ConfigMap may hold a pod's manifest as text.
  if (typeof value === "string" && /^kind: Pod$/m.test(value)) collect(parse(value), found);
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "image" && typeof inner === "string") found.add(inner);
    else collect(inner, found);
  }
}

/** The registry that answers for an image. */
export function hostname(reference: string): string {
  return parseImage(reference).server;
}
