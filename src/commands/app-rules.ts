import { type ClusterModel, INFRASTRUCTURE } from "../config/model.ts";
import { EXIT, UserError } from "../output/errors.ts";
import type { AppAddOptions } from "./app-add.ts";
import type { App } from "./app-shape.ts";

/** An app that is there, and what of the cluster is its own. */
export interface Neighbour {
  name: string;
  hosts: readonly string[];
  /** The namespace it brings; undefined: it lives in another's. */
  namespace: string | undefined;
}

/** Namespaces and Applications of the cluster itself. */
const SYSTEM = new Set([
  "argocd", "cert-manager", "gateway", "traefik", "tunnel", "local-path-storage", "velero",
  "kube-system", "kube-public", "kube-node-lease", "default",
]); // prettier-ignore
const APPLICATIONS = new Set<string>(["cluster", "argocd", ...INFRASTRUCTURE, "backup", "apps"]);

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** What `app add` was given, or what is wrong with it. */
export function checkFields(
  options: AppAddOptions,
  { domain }: Pick<ClusterModel, "domain">,
  neighbours: readonly Neighbour[],
): Omit<App, "image" | "hasPullSecret"> {
  const { name, port, replicas, health = "", user } = options;
  const namespace = options.namespace ?? name;
  const host = options.host.toLowerCase().replace(/\.$/, "");
  for (const [what, value] of [
    ["NAME", name],
    ["--namespace", namespace],
  ] as const) {
    if (!LABEL.test(value))
      refuse(
        `${what} ${value} is no name`,
        "it is lowercase letters, digits and '-', at most 63",
        "choose another",
      );
  }
  if (APPLICATIONS.has(name))
    refuse(`the name ${name} is taken`, "it is a part of the cluster itself", "choose another");
  if (SYSTEM.has(namespace) || namespace.startsWith("kube-"))
    refuse(
      `the namespace ${namespace} is the cluster's own`,
      "apps are kept apart from it",
      "choose another with --namespace",
    );
  if (!Number.isInteger(port) || port < 1024 || port > 65_535)
    refuse(
      `--port ${port} can't be used`,
      "an app that is not root listens above 1023",
      "have the app listen on for example 8080",
    );
  if (!Number.isInteger(replicas) || replicas < 0)
    refuse(`--replicas ${replicas} is no count`, "it is 0 or more", "");
  if (health !== "" && !/^\/\S*$/.test(health))
    refuse(`--health ${health} is no path`, "it starts with /", "");
  if (user !== undefined && (!Number.isInteger(user) || user < 1 || user > 2_147_483_647))
    refuse(`--user ${user} is no user's number`, "root, 0, is not let in", "for example 10001");
  const volume = options.volume === undefined ? undefined : parseVolume(options.volume);
  if (volume !== undefined && replicas > 1)
    refuse(
      "--volume goes with one replica",
      "a volume is on one node, in one pod at a time",
      "leave --replicas out",
    );
  const others = neighbours.filter((other) => other.name !== name);
  return {
    name,
    namespace,
    namespaceIsThere: others.some((other) => other.namespace === namespace),
    port,
    host,
    listener: listenerFor(host, domain, others),
    replicas,
    health,
    user,
    volume,
  };
}

function listenerFor(host: string, domain: string, others: readonly Neighbour[]): App["listener"] {
  const label = host.endsWith(`.${domain}`) ? host.slice(0, -domain.length - 1) : undefined;
  if (host !== domain && label === undefined)
    refuse(
      `${host} is not in ${domain}`,
      "names and certificates are those of the cluster's domain",
      `for example --host app.${domain}`,
    );
  if (label?.includes(".") === true)
    refuse(
      `${host} is too deep in ${domain}`,
      `the certificate is for ${domain} and *.${domain}, and a wildcard stands for one label`,
      `--host ${label.replaceAll(".", "-")}.${domain}`,
    );
  if (label !== undefined && !LABEL.test(label))
    refuse(`${host} is no host's name`, `"${label}" is no label`, "");
  if (label === "argocd")
    refuse(`${host} is taken`, "the git host's webhook comes in there", "choose another");
  const taken = others.find(({ hosts }) => hosts.includes(host));
  if (taken !== undefined)
    refuse(
      `${host} is taken`,
      `the app ${taken.name} has it`,
      `choose another, or edit kubernetes/apps/${taken.name}/httproute.yaml`,
    );
  return label === undefined ? "https-apex" : "https-wildcard";
}

function parseVolume(text: string): { size: string; path: string } {
  const [, size = "", path = ""] = /^(\d+(?:\.\d+)?(?:Ki|Mi|Gi|Ti|k|M|G|T)):(\/[^:\s]+)$/.exec(text) ?? [];
  if (size === "")
    refuse(`--volume ${text} can't be read`, "it is SIZE:PATH", "for example --volume 5Gi:/data");
  if (path === "/tmp")
    refuse(
      `--volume ${text} can't be done`,
      "/tmp is there already, and is lost with the pod",
      "choose another path",
    );
  return { size, path };
}

function refuse(what: string, why: string, fix: string): never {
  throw new UserError({ what, why, ...(fix === "" ? {} : { fix }) }, EXIT.usage);
}
