import { createHash } from "node:crypto";
import { ToolError, UserError } from "../../output/errors.ts";
import { type ImageName, parseImage } from "./image.ts";

export interface RegistryLogin {
  username: string;
  password: string;
}

/** An image of several architectures is an index, whose digest all nodes can pull: https://github.com/opencontainers/image-spec */
const ACCEPT = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const TRIES = 3;
const PATIENCE_MS = 30_000;

/**
 * `sha256:…` of what an image's tag means now; of an image that names its digest, that one.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
export async function digestOf(reference: string, login?: RegistryLogin): Promise<string> {
  const image = parseImage(reference);
  if (image.digest !== "") return image.digest;
  const from = new Repository(reference, login);
  let response = await from.ask("HEAD", `manifests/${image.tag}`);
  if (response.headers.get("docker-content-digest") === null)
    response = await from.ask("GET", `manifests/${image.tag}`);
  const told = response.headers.get("docker-content-digest");
  const digest = told ?? `sha256:${sha256(new Uint8Array(await response.arrayBuffer()))}`;
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  throw new ToolError({ what: `the registry of ${reference} answered with the digest "${digest}"` });
}

/** An image's repository at its registry, asked with what it wants to be asked with. */
export class Repository {
  readonly image: ImageName;
  readonly #reference: string;
  readonly #login: RegistryLogin | undefined;
  #authorization: string | undefined;

  constructor(reference: string, login?: RegistryLogin) {
    this.image = parseImage(reference);
    this.#reference = reference;
    this.#login = login;
  }

  /** `manifests/TAG`, `manifests/DIGEST` or `blobs/DIGEST`; an answer that is none is an error. */
  async ask(method: "HEAD" | "GET", what: string, patience = PATIENCE_MS): Promise<Response> {
    const url = `https://${this.image.server}/v2/${this.image.path}/${what}`;
    const send = () => {
      const authorization = this.#authorization;
      const headers = { accept: ACCEPT, ...(authorization === undefined ? {} : { authorization }) };
      return request(this.#reference, method, url, headers, patience);
    };
    let response = await send();
    if (response.status === 401) {
      this.#authorization = await authorize(this.image, this.#reference, response, this.#login);
      response = await send();
    }
    if (response.ok) return response;
    throw refusal(this.image, this.#reference, response.status, this.#login !== undefined);
  }
}

/** Credentials as the registry's challenge asks for them: https://distribution.github.io/distribution/spec/auth/token/ */
async function authorize(
  image: ImageName,
  reference: string,
  { headers }: Response,
  login: RegistryLogin | undefined,
): Promise<string> {
  const basic =
    login === undefined
      ? undefined
      : `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  const challenge = headers.get("www-authenticate") ?? "";
  const fields = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
  const realm = fields.get("realm");
  if (!/^bearer /i.test(challenge) || realm === undefined || !realm.startsWith("https://")) {
    if (basic !== undefined) return basic;
    throw refusal(image, reference, 401, false);
  }
  const url = new URL(realm);
  const service = fields.get("service");
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", fields.get("scope") ?? `repository:${image.path}:pull`);
  const response = await request(
    reference,
    "GET",
    url.href,
    basic === undefined ? {} : { authorization: basic },
  );
  if (!response.ok) throw refusal(image, reference, response.status, login !== undefined);
  const { token, access_token } = (await response.json()) as { token?: string; access_token?: string };
  return `Bearer ${token ?? access_token ?? ""}`;
}

/** Repeated where the registry can't be reached or is out of breath: nothing here is a write. */
async function request(
  reference: string,
  method: "HEAD" | "GET",
  url: string,
  headers: Record<string, string>,
  patience = PATIENCE_MS,
): Promise<Response> {
  for (let tries = 1; ; tries++) {
    try {
      const response = await fetch(url, { method, headers, signal: AbortSignal.timeout(patience) });
      const passing = response.status === 429 || response.status >= 500;
      if (!passing || tries === TRIES) return response;
    } catch (error) {
      if (tries < TRIES) continue;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new ToolError({
        what: `the registry of ${reference} can't be reached`,
        why: `${new URL(url).host}: ${cause instanceof Error ? cause.message : String(cause)}`,
        fix: "check the image's name and the network, and try again",
      });
    }
  }
}

function refusal(image: ImageName, reference: string, status: number, loggedIn: boolean): UserError {
  if (status === 404)
    return new UserError({
      what: `there is no image ${reference}`,
      why: `${image.server} knows no tag ${image.tag} of ${image.path}`,
      fix: "check the name and the tag; push the image before it is used",
    });
  if (status === 401 || status === 403)
    return new UserError({
      what: `the registry does not show ${reference}`,
      why: loggedIn
        ? `${image.server} does not take this user name and password for ${image.path}`
        : `${image.server} has no such image for everybody: it is private, or its name is wrong`,
      fix: loggedIn ? "check the credentials" : "check the name; a private image needs a pull secret",
    });
  if (status === 429)
    return new UserError({
      what: `${image.server} takes no more questions for now`,
      why: "it limits how often an address may ask",
      fix: "try again later",
    });
  return new UserError({ what: `${image.server} answered ${status} when asked for ${reference}` });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
