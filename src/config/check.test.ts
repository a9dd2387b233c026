import { expect, test } from "vitest";
import { loadCluster, loadServers } from "./load.ts";

/** What is said of a `servers.json` with one server of these fields. */
function servers(fields: string): string[] {
  const loaded = loadServers(`{ "one": {${fields}} }`, "servers.json");
  return loaded.ok ? [] : loaded.diagnostics.map((d) => `${d.column} ${d.message} (${d.suggestion})`);
}
const PUBLIC_IP = '"publicIp": "198.51.100.7"';
const HOST_KEY = '"sshHostKey": "ssh-ed25519 AAAA"';

test.each([
  [`"sshUser": "root", ${PUBLIC_IP}, ${HOST_KEY}`, []],
  // In the order of the file.
  [
    `"sshUser": "Root", "publicIp": "x", ${HOST_KEY}`,
    [
      "22 sshUser must be the name of a Linux user, such as root ()",
      "42 publicIp must be an IP address such as 198.51.100.7 ()",
    ],
  ],
  [
    `"sshUser": "root", ${PUBLIC_IP}, ${HOST_KEY}, "meshIp": "x", "publicIpv6": "198.51.100.7"`,
    [
      "102 meshIp must be an IPv4 address of the tailnet, such as 100.64.0.7 ()",
      "121 publicIpv6 must be an IPv6 address, or null ()",
    ],
  ],
  [`"sshUser": "", ${PUBLIC_IP}, ${HOST_KEY}`, ["22 sshUser is empty (write a value)"]],
  [
    `"sshUsr": "root", ${PUBLIC_IP}, ${HOST_KEY}`,
    ['11 unknown key "sshUsr" in one (did you mean "sshUser"?)'],
  ],
  [`${PUBLIC_IP}, ${HOST_KEY}`, ['3 missing key "sshUser" in one (add `sshUser:`)']],
])("what is told of a server { %s }", (fields, told) => {
  expect(servers(fields)).toEqual(told);
});

test("each key that is missing at one place is told", () => {
  const text = "name: a\ndomain: example.com\nk3s: { version: v1.36.3+k3s1 }\nnodes:\n  - name: m\n";
  const loaded = loadCluster(text, "cluster.yaml");

  expect(loaded.ok ? [] : loaded.diagnostics.map(({ line, path, code }) => `${line} ${path} ${code}`)).toEqual([
    "5 nodes[0].provider missing-key",
    "5 nodes[0].role missing-key",
  ]); // prettier-ignore
});

test("a file of servers is a map", () => {
  const loaded = loadServers("[]", "servers.json");

  expect(loaded.ok ? [] : loaded.diagnostics.map(({ message }) => message)).toEqual([
    "the file must be a map of keys, but this is a list",
  ]);
});

test("of a file whose data would mislead nothing else is said", () => {
  const text = "name: !a b\ndomain: example.com\nk3s: { version: v1.36.3+k3s1 }\nnodes: [{ name: m, role: worker, provider: existing }]\n"; // prettier-ignore
  const loaded = loadCluster(text, "cluster.yaml");

  expect(loaded.ok ? [] : loaded.diagnostics.map(({ code }) => code)).toEqual(["yaml-tag"]);
});
