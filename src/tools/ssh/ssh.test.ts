import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { sshArgv } from "./ssh.ts";

const master = { publicIp: "198.51.100.1", sshUser: "root", sshHostKey: "ssh-ed25519 AAAA" };
const home = { publicIp: "", meshIp: "100.64.0.2", sshUser: "me", sshHostKey: "ssh-ed25519 BBBB" };

test("a server without a public address is reached over the master, with the same pinned keys and the same private key", () => {
  const root = "/home/a b";
  const argv = sshArgv({ server: home, root, key: "/home/a b/it's", over: master });
  const proxy = argv.find((word) => word.startsWith("ProxyCommand="))?.slice("ProxyCommand=".length) ?? "";
  const words = execFileSync("sh", ["-c", `printf '%s\\n' ${proxy}`], { encoding: "utf8" })
    .trim()
    .split("\n");

  expect(argv.slice(-3)).toEqual(["-l", "me", "100.64.0.2"]);
  expect(words).toEqual(sshArgv({ server: master, root, key: "/home/a b/it's" }, ["-W", "%h:%p"]));
  expect(words.slice(-5)).toEqual(["-W", "%h:%p", "-l", "root", "198.51.100.1"]);
});
