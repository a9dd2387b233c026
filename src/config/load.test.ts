import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "./diagnostic.ts";
import { loadCluster, loadServers } from "./load.ts";
import { stacksOf } from "./model.ts";

/** The example as one who brings the servers has it. */
const EXAMPLE = readFileSync(new URL("../../examples/three-clouds/cluster.yaml", import.meta.url), "utf8")
  .replace(/^cloudflare:[^]*?\n\n/m, "")
  .replaceAll("    ingress: true\n", "");

function faults(text: string): string[] {
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok
    ? []
    : loaded.diagnostics.map((d) => `${d.line}:${d.column} ${d.code}: ${d.message} (${d.suggestion})`);
}

function stacks(text: string): unknown {
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok ? stacksOf(loaded.value) : loaded.diagnostics;
}

describe("loadCluster", () => {
  test("derives every default once, masters first", () => {
    const [, ...workers] = EXAMPLE.split("  - name: ");
    const reordered = `${EXAMPLE.slice(0, EXAMPLE.indexOf("  - name: "))}${workers
      .toReversed()
      .map((node) => `  - name: ${node.trimEnd()}\n`)
      .join("")}`;

    const loaded = loadCluster(reordered.replace(/^mesh:[\s\S]*?^nodes:/m, "nodes:"), "cluster.yaml");

    expect(loaded).toMatchObject({
      ok: true,
      value: {
        mesh: { tailnet: "-", tag: "tag:k3s" },
        network: { clusterDns: "10.43.0.10" },
        nodes: [
          { name: "hetzner-1", meshName: "three-clouds-hetzner-1", arch: "amd64" },
          { name: "aws-1" },
          { name: "vultr-1" },
        ],
      },
    });
  });

  test("tells every fault of the shape at once, each at its place", () => {
    const text = EXAMPLE.replace("region: fsn1", "regoin: fsn1")
      .replace("role: worker", "role: wroker")
      .replace("10.43.0.0/16", "10.43.0.1/16")
      .replace("domain: example.com\n", "");

    expect(faults(text)).toEqual([
      '1:1 missing-key: missing key "domain" (it must be a string)',
      "9:16 invalid-value: serviceCidr has host bits set; did you mean 10.43.0.0/16? ()",
      '19:5 unknown-key: unknown key "regoin" (did you mean "region"?)',
      '22:11 invalid-value: "wroker" is not a role (did you mean "worker"?)',
    ]);
  });

  test.each([
    ["backups: { lockDays: 3 }", ["1:1 needs-cloudflare"]],
    ["cloudflare: { accountId: me }", ["1:26 invalid-value"]],
    [`cloudflare: { accountId: ${"a1".repeat(16)} }`, ["1:1 no-ingress"]],
    [`cloudflare: { accountId: ${"a1".repeat(16)}, tunel: true }`, ["1:60 unknown-key"]],
    [
      `cloudflare: { accountId: ${"a1".repeat(16)}, tunnel: true, zone: example.org }`,
      ["1:80 domain-outside-zone"],
    ],
    [
      `cloudflare: { accountId: ${"a1".repeat(16)}, tunnel: true, proxied: true }`,
      ["1:83 tunnel-and-proxied"],
    ],
    [
      `cloudflare: { accountId: ${"a1".repeat(16)}, tunnel: true }\nstate: { bucket: three-clouds-backups }`,
      ["2:18 same-bucket"],
    ],
    [`cloudflare: { accountId: ${"a1".repeat(16)}, tunnel: true }`, []],
  ])("tells what is wrong with %s", (text, expected) => {
    expect(faults(`${text}\n${EXAMPLE}`).map((fault) => fault.split(": ")[0])).toEqual(expected);
  });

  test("uses the stacks of the clouds its nodes stand in, none without Cloudflare", () => {
    const cloudflare = `cloudflare: { accountId: ${"a1".repeat(16)}, tunnel: true }`;

    expect(stacks(EXAMPLE)).toEqual([]);
    expect(stacks(`${cloudflare}\n${EXAMPLE}`)).toEqual(["hetzner", "vultr", "aws", "cloudflare"]);
    expect(stacks(`${cloudflare}\n${EXAMPLE.slice(0, EXAMPLE.indexOf("  - name: vultr-1"))}`)).toEqual([
      "hetzner",
      "cloudflare",
    ]);
  });

  test("tells every fault across fields at once", () => {
    const text = EXAMPLE.replace("10.43.0.0/16", "10.42.128.0/17")
      .replace("10.42.0.0/16", "100.100.0.0/16")
      .replace("role: worker", "role: master")
      .replace("v1.36.3", "v1.36.1")
      .replace("name: aws-1", "name: vultr-1")
      .replace("    size: t3.medium\n", "");

    expect(faults(text).map((fault) => fault.split(":").slice(0, 2).join(":"))).toEqual([
      "6:12 k3s-too-old",
      "9:12 overlapping-networks",
      "23:11 several-masters",
      "27:11 duplicate-name",
      "29:15 missing-field",
    ]);
  });

  test.each([
    ["no master", EXAMPLE.replace("role: master", "role: worker"), ["no-master"]],
    ["a broken file", "name: [\n", ["yaml-syntax"]],
    ["a duplicate key", `${EXAMPLE}name: again\n`, ["yaml-syntax"]],
    ["an empty file", "", ["wrong-type"]],
    [
      "a master that nothing reaches from outside",
      EXAMPLE.replace("provider: hetzner\n    region: fsn1\n    size: cx33", "provider: existing"),
      ["missing-field"],
    ],
    [
      "an address where none belongs",
      EXAMPLE.replace("size: cx33", "size: cx33\n    address: 192.0.2.1"),
      ["unused-field"],
    ],
  ])("refuses %s", (_, text, codes) => {
    const loaded = loadCluster(text, "cluster.yaml");

    expect(loaded.ok ? [] : [...new Set(loaded.diagnostics.map(({ code }) => code))]).toEqual(codes);
  });

  test("takes an existing worker without an address for one behind a NAT", () => {
    const text = EXAMPLE.replace(
      "provider: vultr\n    region: fra\n    size: vc2-2c-4gb",
      "provider: existing",
    );
    const loaded = loadCluster(text, "cluster.yaml");

    expect(loaded.ok ? loaded.value.nodes.map(({ behindNat }) => behindNat) : loaded.diagnostics).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("frames the fault with a caret", () => {
    const text = EXAMPLE.replace("region: fsn1", "regoin: fsn1");
    const loaded = loadCluster(text, "cluster.yaml");

    expect(loaded.ok ? "" : formatDiagnostic(loaded.diagnostics[0]!, text)).toBe(
      [
        'cluster.yaml:20:5: error: unknown key "regoin" [unknown-key]',
        " 20 |     regoin: fsn1",
        "    |     ^^^^^^",
        '   did you mean "region"?',
      ].join("\n"),
    );
  });

  test("names the line of any misspelt key", () => {
    const keys = [...EXAMPLE.matchAll(/^[ -]*([a-zA-Z0-9]+):/gm)].filter((match) => match[1] !== undefined);
    fc.assert(
      fc.property(fc.constantFrom(...keys), (match) => {
        const at = match.index + match[0].length - 1;
        const text = `${EXAMPLE.slice(0, at)}x${EXAMPLE.slice(at)}`;
        const line = EXAMPLE.slice(0, at).split("\n").length;

        expect(
          faults(text).some(
            (fault) => fault.startsWith(`${line}:`) && fault.includes(`did you mean "${match[1]}"`),
          ),
        ).toBe(true);
      }),
    );
  });
});

describe("loadServers", () => {
  test("accepts the servers' shape", () => {
    const server = { publicIp: "198.51.100.7", sshUser: "root", sshHostKey: "ssh-ed25519 AAAAC3Nza" };

    expect(loadServers(JSON.stringify({ one: server }), "servers.json")).toEqual({
      ok: true,
      value: { one: server },
    });
  });

  test("wants one way to each server", () => {
    const server = { publicIp: "", sshUser: "root", sshHostKey: "ssh-ed25519 AAAAC3Nza" };
    const joined = loadServers(JSON.stringify({ one: { ...server, meshIp: "100.64.0.7" } }), "servers.json");
    const lost = loadServers(JSON.stringify({ one: server }), "servers.json");

    expect(joined.ok).toBe(true);
    expect(lost.ok ? [] : lost.diagnostics.map(({ path, message }) => [path, message])).toEqual([
      ["one.publicIp", "publicIp is empty, and there is no meshIp to reach the host by"],
    ]);
  });

  test("places a fault in JSON too", () => {
    const text =
      '{\n  "one": {"publicIp": "nowhere", "sshUser": "root", "sshHostKey": "ssh-ed25519 AAAA"}\n}';
    const loaded = loadServers(text, "servers.json");

    expect(loaded.ok ? [] : loaded.diagnostics.map((d) => [d.line, d.column, d.path])).toEqual([
      [2, 23, "one.publicIp"],
    ]);
  });
});
