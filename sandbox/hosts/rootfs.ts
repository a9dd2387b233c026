import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { run } from "../command.ts";
import { cacheFolder } from "../../src/tools/cache.ts";

const SUITE = "bookworm";

/** What a provider's Debian image brings; what the roles install is not here: it comes from the sandbox's repository. */
const PACKAGES = [
  "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "python3-apt", "sudo", "iproute2", "iputils-ping",
  "ca-certificates", "procps", "kmod", "netbase", "less",
]; // prettier-ignore

/** debootstrap configures packages in no order, which Python modules of these do not survive. */
const LATER_PACKAGES = ["cloud-init"];

const key = createHash("sha256")
  .update(JSON.stringify([SUITE, PACKAGES, LATER_PACKAGES]))
  .digest("hex")
  .slice(0, 12);

export function rootfsFolder(): string {
  return cacheFolder("rootfs", `${SUITE}-${key}`);
}

/** The hosts' common system; made once by debootstrap from the machine's own Debian mirror, whole or not at all. */
export async function ensureRootfs(): Promise<string> {
  const folder = rootfsFolder();
  if (existsSync(folder)) return folder;
  const building = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  try {
    const mirror = await debianMirror();
    await run([
      "debootstrap",
      "--variant=minbase",
      `--include=${PACKAGES.join(",")}`,
      SUITE,
      building,
      ...(mirror === undefined ? [] : [mirror]),
    ]);
    const install = `
      cp -r /etc/resolv.conf /etc/apt/apt.conf.d "$1/run/"
      chroot "$1" sh -ec '
        cp /run/resolv.conf /etc/resolv.conf && cp -n /run/apt.conf.d/* /etc/apt/apt.conf.d/
        apt-get update -q && apt-get install -qy --no-install-recommends ${LATER_PACKAGES.join(" ")}
        rm -r /var/lib/apt/lists/* /run/apt.conf.d'`;
    await run(["sh", "-ec", install, "sh", building], { env: { DEBIAN_FRONTEND: "noninteractive" } });
    // Each host gets its own of these.
    for (const path of ["etc/machine-id", "etc/hostname", "etc/resolv.conf"])
      rmSync(`${building}/${path}`, { force: true });
    await run([
      "sh",
      "-c",
      `rm -f "$1"/etc/ssh/ssh_host_* "$1"/var/cache/apt/archives/*.deb`,
      "sh",
      building,
    ]);
    renameSync(building, folder);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return folder;
}

/** The first mirror that apt on this machine uses for Debian itself; without one, debootstrap knows a default. */
async function debianMirror(): Promise<string | undefined> {
  const listing = await run(["apt-get", "indextargets", "--format", "$(SITE) $(REPO_URI) $(RELEASE)"]);
  const line = listing
    .split("\n")
    .find((candidate) => candidate.endsWith(` ${SUITE}`) && candidate.includes("debian"));
  return line?.split(" ")[1];
}
