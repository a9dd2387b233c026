import { existsSync, globSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { ClusterModel, Gitops } from "../config/model.ts";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Emit } from "../output/events.ts";
import type { Io } from "../output/io.ts";
import { writeAtomically } from "../repository/write.ts";
import { commit, publish } from "../stages/gitops/publish.ts";
import { changedPaths } from "../tools/git/git.ts";
import type { Remote } from "../tools/git/remote.ts";
import { withLock } from "../tools/lock/lock.ts";
import { digestOf, type RegistryLogin } from "../tools/registry/registry.ts";
import { openSealed, seal, type Sealed } from "../tools/sops/seal.ts";
import { appManifests, PULL_SECRET_FILE } from "./app-manifests.ts";
import type { App } from "./app-shape.ts";
import { type Cluster, type ClusterOption, openCluster } from "./cluster.ts";
import { checkFields, type Neighbour } from "./app-rules.ts";
import { publishingOf } from "./publishing.ts";
import { openSecrets } from "./secrets-place.ts";

export interface AppFields {
  image: string;
  port: number;
  host: string;
  namespace?: string | undefined;
  replicas: number;
  health?: string | undefined;
  user?: number | undefined;
  volume?: string | undefined;
  pullSecret?: string | undefined;
}

export interface AppAddOptions extends ClusterOption, AppFields {
  name: string;
  json: boolean;
  commit: boolean;
  push: boolean;
}

/** The shape of `app add --json`. */
export interface AppAdded {
  name: string;
  url: string;
  image: string;
  /** Paths in the repository. */
  files: string[];
  /** Paths that were not there, or not so, before. */
  written: string[];
  /** The namespace that has data of the app and may go with another app; empty: none. */
  unguarded: string;
}

const APPS = "kubernetes/apps";

/** Writes an app's manifests; said twice it changes nothing, said differently it is refused. */
export async function runAppAdd(options: AppAddOptions, io: Io): Promise<ExitCode> {
  const cluster = openCluster(options);
  const { root, model } = cluster;
  const gitops = requireGitops(model);
  const added = await withLock(root, "app add", () => add(cluster, gitops, options));
  if (options.json) io.out(`${JSON.stringify(added)}\n`);
  io.err(
    added.written.length === 0
      ? `${added.name} is there already, exactly so\n`
      : added.written.map((path) => `${path}\n`).join(""),
  );
  if (added.unguarded !== "")
    io.err(
      `the namespace ${added.unguarded} is another app's: guard it against being removed with that, as docs/gitops.md says\n`,
    );
  if (options.push || options.commit) await hand(cluster, gitops, options, io);
  else io.err(`next: read them, then commit and push; once that is done it is at ${added.url}\n`);
  return EXIT.ok;
}

function requireGitops({ gitops }: ClusterModel): Gitops {
  if (gitops !== null) return gitops;
  throw new UserError(
    {
      what: "this cluster follows no git repository",
      why: "cluster.yaml has no `gitops`",
      fix: "infra-k3s init --repository URL --email EMAIL",
    },
    EXIT.config,
  );
}

async function add({ root, model }: Cluster, gitops: Gitops, options: AppAddOptions): Promise<AppAdded> {
  const { name } = options;
  const fields = checkFields(options, model, neighbours(root));
  const folder = `${APPS}/${name}`;
  const login =
    options.pullSecret === undefined ? undefined : readPullSecret(options.pullSecret, options.image);
  const image = await pinned(join(root, folder), options.image, login?.login);
  const app: App = { ...fields, image, hasPullSecret: login !== undefined };
  const files = appManifests(app, gitops, model.network);
  refuseOther(root, folder, files);
  const written: string[] = [];
  mkdirSync(join(root, folder), { recursive: true });
  for (const [file, text] of files) {
    const path = `${folder}/${file}`;
    if (existsSync(join(root, path)) && readFileSync(join(root, path), "utf8") === text) continue;
    writeAtomically(join(root, path), text, 0o644);
    written.push(path);
  }
  const sealed = `${folder}/${PULL_SECRET_FILE}`;
  if (login !== undefined && (await sealPullSecret(root, sealed, app, login.text))) written.push(sealed);
  const all = [...files.keys()].map((file) => `${folder}/${file}`);
  return {
    name,
    url: `https://${fields.host}/`,
    image,
    files: login === undefined ? all : [...all, sealed],
    written,
    unguarded: app.volume !== undefined && app.namespaceIsThere ? app.namespace : "",
  };
}

/** What the other apps have taken already. */
function neighbours(root: string): Neighbour[] {
  return globSync(`${APPS}/*/httproute.yaml`, { cwd: root }).map((path) => {
    const name = path.split("/")[2] ?? "";
    const route = parse(readFileSync(join(root, path), "utf8")) as { spec?: { hostnames?: string[] } } | null;
    const file = join(root, APPS, name, "namespace.yaml");
    const own = existsSync(file)
      ? (parse(readFileSync(file, "utf8")) as { metadata?: { name?: string } } | null)
      : undefined;
    return { name, hosts: route?.spec?.hostnames ?? [], namespace: own?.metadata?.name };
  });
}

/** `name:tag@sha256:…`; what the app runs already is not asked for anew. */
async function pinned(folder: string, reference: string, login: RegistryLogin | undefined): Promise<string> {
  if (reference.includes("@sha256:")) return reference;
  const file = join(folder, "deployment.yaml");
  const present = existsSync(file)
    ? /^ *image: "?(\S+?)"?$/m.exec(readFileSync(file, "utf8"))?.[1]
    : undefined;
  if (present?.startsWith(`${reference}@sha256:`) === true) return present;
  return `${reference}@${await digestOf(reference, login)}`;
}

/** A folder that is there is the user's, unless it is what would be written. */
function refuseOther(root: string, folder: string, files: ReadonlyMap<string, string>): void {
  if (!existsSync(join(root, folder))) return;
  const differing = [...files].find(([file, text]) => {
    const path = join(root, folder, file);
    return !existsSync(path) || readFileSync(path, "utf8") !== text;
  });
  // A run that was killed has written some of them, and nothing else.
  const known = new Set([...files.keys(), PULL_SECRET_FILE]);
  const isOurs = readdirSync(join(root, folder)).every(
    (file) =>
      known.has(file) &&
      (file === PULL_SECRET_FILE || readFileSync(join(root, folder, file), "utf8") === files.get(file)),
  );
  if (differing === undefined || isOurs) return;
  throw new UserError(
    {
      what: `${folder} is there already, and differs from what this would write: ${differing[0]}`,
      why: "an app's manifests are yours once they are written",
      fix: "edit them, or remove the folder first",
    },
    EXIT.usage,
  );
}

/** A docker config.json: https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets */
function readPullSecret(file: string, image: string): { text: string; login: RegistryLogin | undefined } {
  const wrong = (why: string) =>
    new UserError(
      {
        what: `${file} can't be used as a pull secret`,
        why,
        fix: "give the config.json that `docker login` writes",
      },
      EXIT.usage,
    );
  if (!existsSync(file)) throw wrong("there is no such file");
  const text = readFileSync(file, "utf8");
  let auths: Record<string, { auth?: string; username?: string; password?: string }> | undefined;
  try {
    ({ auths } = JSON.parse(text) as { auths?: typeof auths });
  } catch {
    throw wrong("it is not JSON");
  }
  if (auths === undefined || Object.keys(auths).length === 0) throw wrong("it has no `auths`");
  if (Object.values(auths).every(({ auth, password }) => auth === undefined && password === undefined))
    throw wrong("it names registries without credentials: they are in this machine's keychain");
  const server =
    image.includes("/") && /[.:]/.test(image.split("/")[0] ?? "") ? image.split("/")[0] : "docker.io";
  const entry = Object.entries(auths).find(([name]) => name.includes(server ?? ""))?.[1];
  const [username = "", ...rest] = Buffer.from(entry?.auth ?? "", "base64")
    .toString()
    .split(":");
  const password = entry?.password ?? rest.join(":");
  const login = password === "" ? undefined : { username: entry?.username ?? username, password };
  return { text, login };
}

async function sealPullSecret(
  root: string,
  path: string,
  { name, namespace }: App,
  text: string,
): Promise<boolean> {
  const sops = await openSecrets({ cluster: root });
  const sealed: Sealed = {
    path,
    name: `${name}-pull`,
    namespace,
    type: "kubernetes.io/dockerconfigjson",
    key: ".dockerconfigjson",
  };
  if ((await openSealed(sops, sealed)) === text) return false;
  await seal(sops, sealed, text);
  return true;
}

/** Of what differs in the work tree the app's folder alone; the rest stays as it is. */
async function hand(
  { root, secrets }: Cluster,
  gitops: Gitops,
  { name, push }: AppAddOptions,
  io: Io,
): Promise<void> {
  const remote: Remote = { root, gitops, key: secrets.INFRA_K3S_SSH_KEY ?? "" };
  const publishing = publishingOf(root, true);
  const own = (path: string) => path.startsWith(`${APPS}/${name}/`);
  if (push) {
    const tell: Emit = (event) => {
      if (event.event === "log") io.err(`${event.message}\n`);
    };
    await publish(remote, publishing, tell, { about: own });
    return;
  }
  const changed = (await changedPaths(root)).filter(own);
  if (changed.length === 0) return;
  await commit(remote, changed, publishing);
  io.err("committed: push it, and the cluster follows\n");
}
