import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { openSync } from "node:fs";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "../../src/config/model.ts";
import { run } from "../command.ts";
import { attach } from "../network/create.ts";
import { type Cloud, interfaceIpv4, ipv4, namespace, type Plan, prefix, services } from "../network/plan.ts";
import { processesIn } from "../lifecycle/processes.ts";
import { type MachineRequest, writeSeed } from "./cloud-init.ts";
import { rootfsFolder } from "./rootfs.ts";

export interface ServerRequest {
  name: string;
  provider: Cloud;
  /** The host's number in its cloud's network, 10 to 250. */
  number: number;
  authorizedKey: string;
}

/** The admin user of each provider's Debian image. */
export const SSH_USER: Record<Cloud, string> = {
  hetzner: "root",
  vultr: "root",
  aws: "admin",
  existing: "root",
};

/** Creates and boots a host; the answer is what a provider's API would tell of it. */
export async function createServer(plan: Plan, stateDir: string, request: ServerRequest): Promise<Server> {
  const folder = join(stateDir, "hosts", request.name);
  if (!existsSync(join(folder, "upper")))
    await furnish(plan, stateDir, request.name, (upper) => authorize(upper, request));
  await attach(plan, `host-${request.name}`, request.provider, request.number);
  await startServer(plan, stateDir, request.name);
  return {
    publicIp: ipv4(plan, request.provider, request.number),
    sshUser: SSH_USER[request.provider],
    sshHostKey: publicKey(join(folder, "upper/etc/ssh/ssh_host_ed25519_key.pub")),
  };
}

/** Makes a host as a vendor does: off, and empty but for what cloud-init finds at its first boot. */
export async function createMachine(plan: Plan, stateDir: string, request: MachineRequest): Promise<void> {
  const { name, provider, number } = request;
  await furnish(plan, stateDir, name, (upper) => writeSeed(upper, request));
  await attach(plan, `host-${name}`, provider, number);
}

/** Boots a host that is off, and waits until it answers on port 22. */
export async function startServer(plan: Plan, stateDir: string, name: string): Promise<void> {
  bootServer(plan, stateDir, name);
  await waitForSsh(plan, stateDir, name);
}

/** Begins to boot a host that is off. */
export function bootServer(plan: Plan, stateDir: string, name: string): void {
  if (isRunning(plan, name)) return;
  const log = openSync(join(stateDir, "logs", `${name}.log`), "a");
  const argv = [stateDir, name, namespace(plan, `host-${name}`), hostCgroup(plan, name), rootfsFolder()];
  spawn(join(import.meta.dirname, "boot"), argv, { detached: true, stdio: ["ignore", log, log] }).unref();
}

export function isRunning(plan: Plan, name: string): boolean {
  return processesIn(hostCgroup(plan, name)).length > 0;
}

/** As a provider's "power off": at once. */
export async function stopServer(plan: Plan, name: string): Promise<void> {
  for (
    let pids = processesIn(hostCgroup(plan, name));
    pids.length > 0;
    pids = processesIn(hostCgroup(plan, name))
  ) {
    for (const pid of pids) kill(pid);
    await sleep(100);
  }
}

/** The argv prefix that runs a program in a host as its root, with a login's environment and without the right to set the clock. */
export function hostCommand(plan: Plan, name: string): [string, ...string[]] {
  const init = initOf(plan, name);
  if (init === undefined) throw new Error(`the host ${name} is not running`);
  return [
    "nsenter", `--target=${init}`, "--mount", "--uts", "--ipc", "--net", "--pid", `--root=/proc/${init}/root`, "--wdns=/",
    "setpriv", "--bounding-set=-sys_time", "--inh-caps=-all",
    "env", "-i", "HOME=/root", `TERM=${process.env["TERM"] ?? "dumb"}`, "LANG=C.UTF-8",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ]; // prettier-ignore
}

export function hostCgroup(plan: Plan, name: string): string {
  return `${prefix(plan)}/${name}`;
}

/** The machine's number of the host's PID 1. */
function initOf(plan: Plan, name: string): number | undefined {
  return processesIn(hostCgroup(plan, name)).find((pid) => {
    try {
      return /^NSpid:\t\d+\t1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  });
}

/** Everything of a host that differs from the common system. */
async function furnish(
  plan: Plan,
  stateDir: string,
  name: string,
  admit: (upper: string) => Promise<void>,
): Promise<void> {
  const folder = join(stateDir, "hosts", name);
  const upper = join(folder, "upper.new");
  rmSync(folder, { recursive: true, force: true });
  for (const part of ["work", "root", "rancher"]) mkdirSync(join(folder, part), { recursive: true });
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(upper, path, ".."), { recursive: true });
    writeFileSync(join(upper, path), text, { mode });
  };
  write("etc/hostname", `${name}\n`);
  write("etc/hosts", `127.0.0.1 localhost\n127.0.1.1 ${name}\n::1 localhost ip6-localhost\n`);
  write("etc/machine-id", `${randomBytes(16).toString("hex")}\n`);
  write("etc/resolv.conf", `nameserver ${services(plan).dns}\n`);
  write("etc/apt/sources.list", readFileSync(join(stateDir, "debian/sources.list"), "utf8"));
  cpSync(join(stateDir, "debian/sandbox.asc"), join(upper, "etc/apt/keyrings/sandbox.asc"));
  cpSync(join(stateDir, "ca/ca.pem"), join(upper, "usr/local/share/ca-certificates/sandbox.crt"));
  cpSync(join(stateDir, "ca/certs"), join(upper, "etc/ssl/certs"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const file of ["host-setup", "host-setup.service"]) {
    const target = file.endsWith(".service")
      ? `etc/systemd/system/sandbox-${file}`
      : `usr/local/lib/sandbox/${file}`;
    write(
      target,
      readFileSync(join(import.meta.dirname, file), "utf8"),
      file === "host-setup" ? 0o755 : 0o644,
    );
  }
  const before = ["trust-in-containers", "kubelet-on-a-shared-disk"];
  for (const program of before)
    write(
      `usr/local/lib/sandbox/${program}`,
      readFileSync(join(import.meta.dirname, program), "utf8"),
      0o755,
    );
  const starts = before.map((program) => `ExecStartPre=/usr/local/lib/sandbox/${program}\n`).join("");
  for (const unit of ["k3s", "k3s-agent"])
    write(`etc/systemd/system/${unit}.service.d/sandbox.conf`, `[Service]\n${starts}`);
  mkdirSync(join(upper, "etc/systemd/system/sysinit.target.wants"), { recursive: true });
  // Nobody sits at the console, and each of these takes inotify instances, of which this machine's root has few.
  for (const unit of ["console-getty.service", "systemd-logind.service"]) {
    await run(["ln", "-s", "/dev/null", join(upper, "etc/systemd/system", unit)]);
  }
  const unit = "sandbox-host-setup.service";
  await run(["ln", "-s", `../${unit}`, join(upper, "etc/systemd/system/sysinit.target.wants", unit)]);
  await admit(upper);
  await run(["mv", upper, join(folder, "upper")]);
}

/** A host that no API has made: its keys are there from the start, and cloud-init has nothing to do. */
async function authorize(upper: string, { name, provider, authorizedKey }: ServerRequest): Promise<void> {
  for (const folder of ["etc/ssh", "etc/cloud"]) mkdirSync(join(upper, folder), { recursive: true });
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", join(upper, "etc/ssh/ssh_host_ed25519_key")]); // prettier-ignore
  writeFileSync(join(upper, "etc/cloud/cloud-init.disabled"), "");
  const user = SSH_USER[provider];
  const home = user === "root" ? join(upper, "root") : join(upper, "home", user);
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, ".ssh/authorized_keys"), `${authorizedKey}\n`, { mode: 0o600 });
  if (user === "root") return;
  const id = 1000;
  await run(["chown", "-R", `${id}:${id}`, home]);
  for (const [file, line] of [
    ["passwd", `${user}:x:${id}:${id}:Debian:/home/${user}:/bin/bash`],
    ["group", `${user}:x:${id}:`],
    ["shadow", `${user}:!:19000:0:99999:7:::`],
  ] as const) {
    const path = join(upper, "etc", file);
    writeFileSync(path, `${readFileSync(join(rootfsFolder(), "etc", file), "utf8")}${line}\n`);
    if (file === "shadow") await run(["chmod", "0640", path]);
  }
  mkdirSync(join(upper, "etc/sudoers.d"), { recursive: true });
  writeFileSync(join(upper, "etc/sudoers.d/90-cloud-init-users"), `${user} ALL=(ALL) NOPASSWD:ALL\n`, {
    mode: 0o440,
  });
}

async function waitForSsh(plan: Plan, stateDir: string, name: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  const address = (
    await run(["ip", "-n", namespace(plan, `host-${name}`), "-4", "-o", "addr", "show", "eth0"])
  )
    .split(/\s+/)
    .find((word) => word.includes("/24"));
  const target = address?.split("/")[0] ?? interfaceIpv4(plan, "hetzner", 10);
  const probe = `exec 3<>/dev/tcp/${target}/22 && read -r -t 2 banner <&3 && [ "\${banner#SSH-}" != "$banner" ]`;
  for (;;) {
    try {
      await run(["ip", "netns", "exec", namespace(plan, "outer"), "timeout", "3", "bash", "-c", probe]);
      return;
    } catch {
      if (Date.now() > deadline)
        throw new Error(`${name} does not answer on port 22: ${await lastWords(stateDir, name)}`);
      await sleep(200);
    }
  }
}

async function lastWords(stateDir: string, name: string): Promise<string> {
  const journal = join(stateDir, "hosts", name, "upper/var/log/journal");
  const console = readFileSync(join(stateDir, "logs", `${name}.log`), "utf8")
    .split("\n")
    .slice(-10)
    .join("\n");
  if (!existsSync(journal) || readdirSync(journal).length === 0) return console;
  return `${console}\n${await run(["journalctl", "-D", journal, "-n", "20", "--no-pager"]).catch(() => "")}`;
}

function publicKey(path: string): string {
  return readFileSync(path, "utf8").split(" ").slice(0, 2).join(" ").trim();
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended in between.
  }
}
