import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "./diagnostic.ts";
import { loadCluster, loadServers } from "./load.ts";
import { stacksOf } from "./model.ts";

/** The example as one who brings the servers has it. */
const EXAMPLE = readFileSync(new URL("../../examples/three-clouds/cluster.yaml", import.meta.url), "utf8")
  .replace(/^# yaml-language-server.*\n/, "")
  .replace(/^cloudflare:[^]*?\n\n/m, "")
  .replaceAll("    ingress: true\n", "");

const volumes = (fields: string) =>
  `cloudflare: { accountId: ${"a1".repeat(16)}, tunnel: true }\nbackups: { volumes: { ${fields} } }`;
const gitops = (text: string) => `gitops:\n  ${text}\n`;

function faults(text: string): string[] {
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok
    ? []
    : loaded.diagnostics.map((d) => `${d.line}:${d.column} ${d.code}: ${d.message} (${d.suggestion})`);
}

function readFaults(text: string) {
  const loaded = loadCluster(text, "cluster.yaml");
  return loaded.ok ? [] : loaded.diagnostics;
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
      '2:1 missing-key: missing key "domain" (add `domain:`, for example `domain: example.com`)',
      '9:16 invalid-value: serviceCidr has host bits set (did you mean "10.43.0.0/16"?)',
      '19:5 unknown-key: unknown key "regoin" in nodes[0] (did you mean "region"?)',
      '22:11 invalid-value: role can\'t be "wroker" (did you mean "worker"? allowed: master, worker)',
    ]);
  });

  test.each([
    ["backups: { lockDays: 3 }", ["1:1 needs-cloudflare"]],
    ["cloudflare: { accountId: me, tunnel: true }", ["1:26 invalid-value"]],
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
    ...["@hourly", "0 * * *", "60 * * * *", "0 24 * * *", "0 0 * * sun", "5-1 * * * *", "*/0 * * * *"].map(
      (schedule): [string, string[]] => [volumes(`schedule: "${schedule}"`), ["2:33 invalid-value"]],
    ),
    [volumes('schedule: "0,30 */6 1-15/2 * 0-6", ttl: 48h'), []],
    [volumes("ttl: 2d"), ["2:28 invalid-value"]],
    [volumes("tll: 48h"), ["2:23 unknown-key"]],
  ])("tells what is wrong with %s", (text, expected) => {
    expect(faults(`${text}\n${EXAMPLE}`).map((fault) => fault.split(": ")[0])).toEqual(expected);
  });

  const TUNNEL = `cloudflare: { accountId: ${"a1".repeat(16)}, tunnel: true }\n`;
  const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
  const repository = "repository: git@github.com:you/cluster.git";
  const hostKeys = `hostKeys: [${KEY}]`;
  const tls = "tls: { email: you@example.com }\n";

  test.each([
    [
      "no Cloudflare, no e-mail address",
      gitops(`${repository}\n  ${hostKeys}`),
      ["1:1 needs-cloudflare", "1:1 missing-email"],
    ],
    [
      "no e-mail address in tls",
      `tls: { issuer: staging }\n${TUNNEL}${gitops(`${repository}\n  ${hostKeys}`)}`,
      ["1:1 missing-email"],
    ],
    [
      "HTTPS",
      `${tls}${TUNNEL}${gitops(`repository: https://github.com/you/c.git\n  ${hostKeys}`)}`,
      ["4:15 invalid-value"],
    ],
    [
      "no user",
      `${tls}${TUNNEL}${gitops(`repository: ssh://github.com/you/c.git\n  ${hostKeys}`)}`,
      ["4:15 invalid-value"],
    ],
    ["no host key", `${tls}${TUNNEL}${gitops(`${repository}\n  hostKeys: []`)}`, ["5:13 invalid-value"]],
    [
      "a line of known_hosts",
      `${tls}${TUNNEL}${gitops(`${repository}\n  hostKeys: [github.com ${KEY}]`)}`,
      ["5:14 invalid-value"],
    ],
    [
      "a cut host key",
      `${tls}${TUNNEL}${gitops(`${repository}\n  hostKeys: [ssh-ed25519 AAAAC3Nz]`)}`,
      ["5:14 invalid-value"],
    ],
    [
      "a key of another type",
      `${tls}${TUNNEL}${gitops(`${repository}\n  hostKeys: [${KEY.replace("ssh-ed25519", "ssh-rsa")}]`)}`,
      ["5:14 invalid-value"],
    ],
    [
      "a branch that is none",
      `${tls}${TUNNEL}${gitops(`${repository}\n  branch: a..b\n  ${hostKeys}`)}`,
      ["5:11 invalid-value"],
    ],
    [
      "a misspelt key",
      `${tls}${TUNNEL}${gitops(`${repository}\n  ${hostKeys}\n  brnch: x`)}`,
      ["6:3 unknown-key"],
    ],
    [
      "an issuer that is none",
      `tls: { email: a@b.cd, issuer: stagin }\n${TUNNEL}${gitops(`${repository}\n  ${hostKeys}`)}`,
      ["1:31 invalid-value"],
    ],
  ])("tells what is wrong with GitOps: %s", (_, text, expected) => {
    expect(faults(`${text}${EXAMPLE}`).map((fault) => fault.split(": ")[0])).toEqual(expected);
  });

  test.each([
    ["git@GitHub.com:you/cluster.git", "ssh://git@github.com/you/cluster.git", "github.com", 22],
    ["ssh://git@github.com/you/cluster.git", "ssh://git@github.com/you/cluster.git", "github.com", 22],
    ["ssh://git@github.com:22/you/cluster", "ssh://git@github.com/you/cluster", "github.com", 22],
    [
      "ssh://me@git.example.com:2222/~/c.git",
      "ssh://me@git.example.com:2222/~/c.git",
      "git.example.com",
      2222,
    ],
  ])("takes %s for %s", (written, normal, host, port) => {
    const text = `${tls}${TUNNEL}${gitops(`repository: ${written}\n  ${hostKeys}`)}${EXAMPLE}`;
    const loaded = loadCluster(text, "cluster.yaml");

    expect(loaded.ok ? loaded.value.gitops : loaded.diagnostics).toEqual({
      repository: normal,
      host,
      port,
      branch: "main",
      hostKeys: [KEY],
      email: "you@example.com",
      issuer: "production",
    });
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

  test("looks across fields also where a field is wrong, but not at what hangs on it", () => {
    const text = EXAMPLE.replace("role: worker", "role: master")
      .replace("10.43.0.0/16", "10.42.0.0/16")
      .replace("domain: example.com", "domain: nowhere")
      .replace("region: fsn1", "regoin: fsn1");

    expect(faults(text).map((fault) => fault.split(": ")[0])).toEqual([
      "3:9 invalid-value",
      "10:16 overlapping-networks",
      "20:5 unknown-key",
      "23:11 several-masters",
    ]);
    expect(faults(text.replace("role: master", "role: mastr")).map((fault) => fault.split(": ")[0])).toEqual([
      "3:9 invalid-value",
      "10:16 overlapping-networks",
      "18:11 invalid-value",
      "20:5 unknown-key",
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
    ["a duplicate key", `${EXAMPLE}name: again\n`, ["duplicate-key"]],
    ["an empty file", "", ["empty-file"]],
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
        'cluster.yaml:20:5: error: unknown key "regoin" in nodes[0] [unknown-key]',
        " 20 |     regoin: fsn1",
        "    |     ^^^^^^",
        '   fix: did you mean "region"?',
      ].join("\n"),
    );
  });

  test.each([
    ["a byte order mark", `\uFEFF${EXAMPLE}`],
    ["CR and LF", EXAMPLE.replaceAll("\n", "\r\n")],
    ["a start and an end", `---\n${EXAMPLE}...\n`],
    ["an anchor that nothing refers to", EXAMPLE.replace("region: fsn1", "region: &place fsn1")],
    ["any space in a comment", `# für\u00a0uns 🙂\n${EXAMPLE}`],
  ])("takes %s", (_, text) => {
    expect(faults(text)).toEqual([]);
    expect(loadCluster(Buffer.from(text), "cluster.yaml")).toEqual(loadCluster(EXAMPLE, "cluster.yaml"));
  });

  test("places a fault behind a byte order mark and within CR and LF where an editor does", () => {
    const text = `\uFEFF${EXAMPLE.replace("region: fsn1", "regoin: fsn1").replaceAll("\n", "\r\n")}`;

    expect(faults(text).map((fault) => fault.split(": ")[0])).toEqual(["20:5 unknown-key"]);
  });

  test("follows no alias, however many there are", () => {
    const laughs = Array.from(
      { length: 30 },
      (_, i) =>
        `k${i}: &k${i} [${Array(9)
          .fill(`*k${i - 1}`)
          .join(", ")}]\n`,
    );

    expect(
      faults(`k: &k-1 [ha]\n${laughs.join("")}`).map((fault) => fault.split(":").slice(0, 2).join(":")),
    ).toEqual(["2:10 yaml-alias"]);
  });

  test("goes on where YAML is right but for a key that is there twice", () => {
    const text = EXAMPLE.replace("region: fsn1", "region: fsn1\n    region: nbg1").replace(
      "role: worker",
      "role: wroker",
    );

    expect(faults(text).map((fault) => fault.split(": ")[0])).toEqual([
      "21:5 duplicate-key",
      "24:11 invalid-value",
    ]);
  });

  test("shows no terminal what it would obey", () => {
    const text = EXAMPLE.replace("region: fsn1", "regoin: fsn1 # \u001b[2J\u009b");
    const [first] = readFaults(text);

    expect(formatDiagnostic(first!, text)).not.toMatch(/[\p{Cc}--\n]/v);
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
