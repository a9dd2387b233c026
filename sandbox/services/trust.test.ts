import { X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { authoritiesOf, believe, ensureTrust, issue } from "./trust.ts";

let folder: string;
const plan = { name: "test", id: "test", index: 3 };
const file = (...parts: string[]) => readFileSync(join(folder, "ca", ...parts), "utf8");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-trust-"));
  await ensureTrust(plan, folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the authority's key is its owner's alone", () => {
  expect(statSync(join(folder, "ca")).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "ca/ca.key")).mode & 0o777).toBe(0o600);
});

test("the authority is made once", async () => {
  const before = file("ca.pem");
  await ensureTrust(plan, folder);
  expect(file("ca.pem")).toBe(before);
});

test("the bundle ends with the sandbox's authority; the rest is what Debian's package brings", () => {
  const bundle = file("certs/ca-certificates.crt");
  expect(bundle.endsWith(file("ca.pem"))).toBe(true);
  const certificates = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const links = readdirSync(join(folder, "ca/certs")).filter((name) => name.endsWith(".pem"));
  expect(certificates).toHaveLength(links.length + 1);
  for (const name of links) {
    expect(readlinkSync(join(folder, "ca/certs", name))).toMatch(/^\/usr\/share\/ca-certificates\//);
  }
});

test("the authority is found by its hash, as OpenSSL looks", () => {
  expect(file("certs", `${file("hash")}.0`)).toBe(file("ca.pem"));
});

test("a certificate is for its names, for servers, and signs nothing", async () => {
  const { key, cert } = await issue(folder, "both", ["a.example", "b.example"]);
  expect(statSync(key).mode & 0o777).toBe(0o600);
  const leaf = new X509Certificate(readFileSync(cert));
  const authority = new X509Certificate(file("ca.pem"));
  expect(leaf.verify(authority.publicKey)).toBe(true);
  expect(leaf.checkIssued(authority)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(authority.ca).toBe(true);
  expect(leaf.checkHost("a.example")).toBe("a.example");
  expect(leaf.checkHost("b.example")).toBe("b.example");
  expect(leaf.checkHost("c.example")).toBeUndefined();
});

test("the places ask the sandbox's DNS", () => {
  expect(file("resolv.conf")).toBe("nameserver 198.18.48.53\n");
  expect(existsSync(join(folder, "ca/both.pem"))).toBe(true);
});

test("authorities of programs are believed in beside the sandbox's, those of before no longer, in files of the same inode", async () => {
  const others = await Promise.all(
    ["a", "b", "c"].map(async (name) => {
      const own = mkdtempSync(join(folder, `${name}-`));
      await ensureTrust({ ...plan, name }, own);
      return readFileSync(join(own, "ca/ca.pem"), "utf8");
    }),
  );
  const [a = "", b = "", c = ""] = others;
  const bundle = join(folder, "ca/certs/ca-certificates.crt");
  const [inode, count] = [statSync(bundle).ino, readdirSync(join(folder, "ca/certs")).length];

  await believe(folder, [a, b]);
  expect(authoritiesOf(folder)).toEqual([file("ca.pem"), a, b]);
  expect(readdirSync(join(folder, "ca/certs"))).toHaveLength(count + 2);
  await believe(folder, [c]);
  expect(authoritiesOf(folder)).toEqual([file("ca.pem"), c]);
  expect(readdirSync(join(folder, "ca/certs"))).toHaveLength(count + 1);
  expect(file("certs/ca-certificates.crt").endsWith(`${file("ca.pem")}${c}`)).toBe(true);
  expect(file("certs/ca-certificates.crt")).not.toContain(a);
  expect(statSync(bundle).ino).toBe(inode);
});
