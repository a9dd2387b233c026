import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../command.ts";

/**
 * A small ACME client (RFC 8555) with a DNS-01 solver at Cloudflare, for checks by hand; prints {key, chain, refused, urls}:
 * acme.probe.ts DIRECTORY ZONE_ID NAME…, with the API's token on stdin. Run in a place of a sandbox.
 */
const [directoryUrl = "", zoneId = "", ...names] = process.argv.slice(2);
const CLOUDFLARE = `https://api.cloudflare.com/client/v4/zones/${zoneId}/dns_records`;

const base64 = (data: string | Buffer) => Buffer.from(data).toString("base64url");
const account = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { kty, crv, x, y } = account.publicKey.export({ format: "jwk" });
const thumbprint = base64(createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest());

interface Body {
  status: string;
  authorizations: string[];
  finalize: string;
  certificate?: string;
  identifier: { value: string };
  challenges: { type: string; url: string; token: string; error?: unknown }[];
}

class Acme {
  readonly #directory: Record<string, string>;
  #nonce = "";
  #kid: string | undefined;
  refused = 0;
  constructor(directory: Record<string, string>) {
    this.#directory = directory;
  }

  /** A signed POST; a refused nonce is followed by another try with the fresh one, as section 6.5 has it. */
  async post(url: string, payload: unknown): Promise<{ body: Body; text: string; location: string }> {
    for (;;) {
      if (this.#nonce === "") {
        const fresh = await fetch(this.#directory["newNonce"] ?? "", { method: "HEAD" });
        this.#nonce = fresh.headers.get("replay-nonce") ?? "";
      }
      const who = this.#kid === undefined ? { jwk: { crv, kty, x, y } } : { kid: this.#kid };
      const head = base64(JSON.stringify({ alg: "ES256", nonce: this.#nonce, url, ...who }));
      const content = payload === undefined ? "" : base64(JSON.stringify(payload));
      const signature = signed(account.privateKey, `${head}.${content}`);
      const answer = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/jose+json" },
        body: JSON.stringify({ protected: head, payload: content, signature }),
      });
      this.#nonce = answer.headers.get("replay-nonce") ?? "";
      const text = await answer.text();
      if (answer.ok) {
        const isJson = answer.headers.get("content-type")?.includes("json") === true;
        const body = (isJson ? JSON.parse(text) : {}) as Body;
        return { body, text, location: answer.headers.get("location") ?? "" };
      }
      if (!text.includes("badNonce")) throw new Error(`${url}: ${answer.status} ${text}`);
      this.refused++;
    }
  }

  async register(): Promise<void> {
    const made = await this.post(this.#directory["newAccount"] ?? "", { termsOfServiceAgreed: true });
    this.#kid = made.location;
  }

  order(): Promise<{ body: Body; location: string }> {
    const identifiers = names.map((value) => ({ type: "dns", value }));
    return this.post(this.#directory["newOrder"] ?? "", { identifiers });
  }

  async until(url: string, status: string): Promise<Body> {
    for (;;) {
      const { body, text } = await this.post(url, undefined);
      if (body.status === status) return body;
      if (body.status === "invalid") throw new Error(`${url}: ${text}`);
      await sleep(300);
    }
  }
}

function signed(key: KeyObject, data: string): string {
  return base64(sign("sha256", Buffer.from(data), { key, dsaEncoding: "ieee-p1363" }));
}

async function cloudflare(method: string, path: string, token: string, body?: unknown): Promise<string> {
  const answer = await fetch(`${CLOUDFLARE}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { result } = (await answer.json()) as { result: { id: string } };
  return result.id;
}

/** Presents the proof, waits until the resolver tells it, has it looked at, and takes it away. */
async function prove(
  acme: Acme,
  authorization: string,
  token: string,
  isTold: (name: string, value: string) => Promise<boolean>,
) {
  const { body } = await acme.post(authorization, undefined);
  if (body.status === "valid") return;
  const challenge = body.challenges.find(({ type }) => type === "dns-01");
  if (challenge === undefined) throw new Error(`${authorization} has no dns-01`);
  const content = base64(createHash("sha256").update(`${challenge.token}.${thumbprint}`).digest());
  const name = `_acme-challenge.${body.identifier.value}`;
  const id = await cloudflare("POST", "", token, { type: "TXT", name, content, ttl: 120 });
  while (!(await isTold(name, content))) await sleep(200);
  await acme.post(challenge.url, {});
  await acme.until(authorization, "valid");
  await cloudflare("DELETE", `/${id}`, token);
}

async function obtain(token: string) {
  const directory = (await (await fetch(directoryUrl)).json()) as Record<string, string>;
  const acme = new Acme(directory);
  await acme.register();
  const { body: order, location } = await acme.order();
  const { Resolver } = await import("node:dns/promises");
  const resolver = new Resolver();
  resolver.setServers(["1.1.1.1"]);
  const isTold = async (name: string, value: string) =>
    (await resolver.resolveTxt(name).catch(() => [])).flat().includes(value);
  for (const authorization of order.authorizations) await prove(acme, authorization, token, isTold);
  await acme.until(location, "ready");
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  });
  const alternatives = names.map((name) => `DNS:${name}`).join(",");
  // openssl reads a key of a pipe, not of the socket that a child is given here.
  const script = `cat | openssl req -new -key /dev/stdin -subj / -addext "$0"`;
  const request = await run(["sh", "-c", script, `subjectAltName=${alternatives}`], { stdin: String(key) });
  const csr = request.replace(/-----[^-]+-----|\s/g, "");
  await acme.post(order.finalize, { csr: Buffer.from(csr, "base64").toString("base64url") });
  const { certificate = "" } = await acme.until(location, "valid");
  const { text: chain } = await acme.post(certificate, undefined);
  return {
    key,
    chain,
    refused: acme.refused,
    urls: [...Object.values(directory).filter((one) => typeof one === "string"), location],
  };
}

let token = "";
for await (const chunk of process.stdin) token += String(chunk);
process.stdout.write(JSON.stringify(await obtain(token.trim())));
