import { createHash } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";
import { digestOf } from "./registry.ts";

const digest = `sha256:${"ab".repeat(32)}`;
afterEach(() => vi.unstubAllGlobals());

interface Asked {
  method: string;
  url: string;
  authorization: string | undefined;
}

/** A registry that answers as `answer` says; returns what it was asked. */
function registry(answer: (asked: Asked) => Response): Asked[] {
  const questions: Asked[] = [];
  vi.stubGlobal("fetch", async (url: string, { method, headers }: RequestInit) => {
    const { authorization } = headers as Record<string, string>;
    const asked = { method: method ?? "GET", url, authorization };
    questions.push(asked);
    return answer(asked);
  });
  return questions;
}

test("a registry that is open tells the digest at once", async () => {
  const asked = registry(() => new Response(null, { headers: { "docker-content-digest": digest } }));

  expect(await digestOf("quay.io/argoproj/argocd:v1")).toBe(digest);
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "HEAD https://quay.io/v2/argoproj/argocd/manifests/v1",
  ]);
});

/** As Docker Hub asks for a token: https://distribution.github.io/distribution/spec/auth/token/ */
function challenging(password?: string) {
  const realm = `Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/traefik:pull"`;
  return registry(({ url, authorization }) => {
    if (url.startsWith("https://auth.docker.io/")) {
      const basic = `Basic ${Buffer.from(`me:${password}`).toString("base64")}`;
      return authorization === (password === undefined ? undefined : basic)
        ? Response.json({ token: "t" })
        : new Response(null, { status: 401 });
    }
    return authorization === "Bearer t"
      ? new Response(null, { headers: { "docker-content-digest": digest } })
      : new Response(null, { status: 401, headers: { "www-authenticate": realm } });
  });
}

test("a registry that wants a token gets one", async () => {
  const asked = challenging();

  expect(await digestOf("traefik:v3.6.0")).toBe(digest);
  expect(asked[1]?.url).toBe(
    "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alibrary%2Ftraefik%3Apull",
  );
});

test("credentials are shown to who gives the token; without them, or with wrong ones, it is said what is missing", async () => {
  challenging("secret");

  expect(await digestOf("traefik:v3.6.0", { username: "me", password: "secret" })).toBe(digest);
  await expect(digestOf("traefik:v3.6.0", { username: "me", password: "wrong" })).rejects.toThrow(
    "does not take this user name and password",
  );
  await expect(digestOf("traefik:v3.6.0")).rejects.toThrow("a private image needs a pull secret");
});

test("a registry that names no digest is asked for the bytes", async () => {
  registry(({ method }) => new Response(method === "HEAD" ? null : "the manifest"));

  expect(await digestOf("ghcr.io/you/app:1")).toBe(
    `sha256:${createHash("sha256").update("the manifest").digest("hex")}`,
  );
});

test("what is not there, and who is not there, are told apart", async () => {
  registry(() => new Response(null, { status: 404 }));
  await expect(digestOf("ghcr.io/you/app:2")).rejects.toThrow("there is no image ghcr.io/you/app:2");

  registry(() => {
    throw new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND ghcr.io") });
  });
  await expect(digestOf("ghcr.io/you/app:2")).rejects.toThrow(/can't be reached[^]*ENOTFOUND/);
});

test("a name that has its digest is not asked for", async () => {
  const asked = registry(() => new Response(null, { status: 500 }));

  expect(await digestOf(`ghcr.io/you/app:1@${digest}`)).toBe(digest);
  expect(asked).toEqual([]);
});
