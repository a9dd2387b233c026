import { execa } from "execa";
import { existsSync, globSync, readdirSync, readFileSync, readlinkSync, statfsSync } from "node:fs";
import { homedir } from "node:os";
import { EXIT, UserError } from "../../src/output/errors.ts";
import { run } from "../command.ts";

/** Program → the Debian package that brings it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "systemd-nspawn": "systemd-container",
  debootstrap: "debootstrap",
  "apt-ftparchive": "apt-utils",
  gpg: "gnupg",
  ip: "iproute2",
  nft: "nftables",
  openssl: "openssl",
  python3: "python3",
  setpriv: "util-linux",
  "ssh-keygen": "openssh-client",
};

const CONTROLLERS = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"];
const MEMORY_GIB = 5;
const DISK_GIB = 8;
const INOTIFY_PER_HOST = 20;
export const NEEDS = `root, cgroup v1, ${MEMORY_GIB} GiB of memory and ${DISK_GIB} GiB of disk free`;

interface Problem {
  what: string;
  fix: string;
}

/** Refuses a machine that can't hold a sandbox, naming everything at once; then installs the packages it lacks. */
export async function ensureReady(progress: (line: string) => void): Promise<void> {
  const problems = findProblems();
  if (problems.length > 0) {
    throw new UserError(
      {
        what: "this machine can't run a sandbox",
        why: problems.map(({ what, fix }) => `${what}: ${fix}`).join("\n"),
        fix: "mend these and run it again",
      },
      EXIT.tool,
    );
  }
  const packages = await missingPackages();
  if (packages.length === 0) return;
  progress(`installing with apt: ${packages.join(", ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run(["apt-get", "update", "--quiet"], { env });
  await run(["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", ...packages], { env });
}

function findProblems(): Problem[] {
  const problems: Problem[] = [];
  const check = (fine: boolean, what: string, fix: string) => {
    if (!fine) problems.push({ what, fix });
  };
  check(
    process.platform === "linux" && process.arch === "x64",
    "not Linux on x86-64",
    "use such a machine, e.g. a small server",
  );
  check(process.getuid?.() === 0, "not root", "run it with sudo; namespaces and containers need it");
  check(existsSync("/usr/bin/apt-get"), "no apt", "use Debian 12 or newer, or Ubuntu 24.04");
  check(existsSync("/dev/net/tun"), "no /dev/net/tun", "load the module: modprobe tun");
  const available =
    Number(/^MemAvailable: +(\d+)/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) / 1024 ** 2;
  check(
    available >= MEMORY_GIB,
    `${available.toFixed(1)} GiB of memory are free`,
    `a sandbox needs ${MEMORY_GIB} GiB`,
  );
  const disk = statfsSync(homedir());
  const free = (disk.bavail * disk.bsize) / 1024 ** 3;
  check(
    free >= DISK_GIB,
    `${free.toFixed(1)} GiB of disk are free below ${homedir()}`,
    `a sandbox needs ${DISK_GIB} GiB`,
  );
  const mounted = existsSync("/sys/fs/cgroup") ? readdirSync("/sys/fs/cgroup") : [];
  const lacking = CONTROLLERS.filter((controller) => !mounted.includes(controller));
  check(
    lacking.length === 0,
    `cgroup v1 controllers are not mounted: ${lacking.join(", ")}`,
    "boot with systemd.unified_cgroup_hierarchy=0; a machine with cgroup v2 alone is not proven yet",
  );
  return problems;
}

/**
 * Every systemd, kubelet and containerd of the hosts takes inotify instances of root's, and Linux gives a user 128 by
 * default: without them a host's systemd starts and its sshd does not. Counted just before a sandbox is made.
 */
export function ensureInotify(hosts: number): void {
  const limit = Number(readFileSync("/proc/sys/fs/inotify/max_user_instances", "utf8"));
  const taken = globSync("/proc/[0-9]*/fd/*").filter(
    (path) => linkTarget(path) === "anon_inode:inotify",
  ).length;
  const needed = hosts * INOTIFY_PER_HOST;
  if (limit - taken >= needed) return;
  throw new UserError(
    {
      what: "this machine has no room for another sandbox",
      why: `${limit - taken} of ${limit} inotify instances are free; ${hosts} hosts need ${needed}`,
      fix: "end another sandbox, or raise the limit: sysctl fs.inotify.max_user_instances=1024",
    },
    EXIT.tool,
  );
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

async function missingPackages(): Promise<string[]> {
  const missing = new Set<string>();
  for (const [program, debian] of Object.entries(PROGRAMS)) {
    const found = await execa("sh", ["-c", 'command -v "$1"', "sh", program], { reject: false });
    if (found.exitCode !== 0) missing.add(debian);
  }
  const venv = await execa("/usr/bin/python3", ["-c", "import ensurepip"], { reject: false });
  if (venv.exitCode !== 0) missing.add("python3").add("python3-venv");
  return [...missing].sort();
}
