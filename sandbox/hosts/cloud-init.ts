import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cloud } from "../network/plan.ts";

export interface MachineRequest {
  /** The sandbox's name of the host. */
  name: string;
  /** What the server is called at its vendor. */
  hostname: string;
  provider: Cloud;
  number: number;
  userData: string;
  authorizedKeys: readonly string[];
}

/** The user that the vendor's Debian image brings for keys that are given to the vendor. */
const DEFAULT_USER: Record<Cloud, string> = {
  hetzner: "root",
  vultr: "root",
  aws: "admin",
  existing: "root",
};

/** What the image says: modules for disks and boot loaders have nothing to do in a host that shares its kernel. */
const config = (provider: Cloud) => ({
  network: { config: "disabled" },
  ssh_genkeytypes: ["ed25519"],
  disable_root: DEFAULT_USER[provider] !== "root",
  users: ["default"],
  system_info: {
    distro: "debian",
    default_user: {
      name: DEFAULT_USER[provider],
      ...(DEFAULT_USER[provider] === "root"
        ? {}
        : { shell: "/bin/bash", lock_passwd: true, sudo: ["ALL=(ALL) NOPASSWD:ALL"] }),
    },
    ssh_svcname: "ssh",
  },
  cloud_init_modules: [
    "write-files",
    "set_hostname",
    "update_hostname",
    "update_etc_hosts",
    "users-groups",
    "ssh",
  ],
  cloud_config_modules: ["set-passwords", "runcmd"],
  cloud_final_modules: ["scripts-user", "final-message"],
});

/** Debian's cloud-init reads this at the first boot: https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html */
export async function writeSeed(upper: string, request: MachineRequest): Promise<void> {
  const write = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(join(upper, path, ".."), { recursive: true });
    writeFileSync(join(upper, path), text, { mode });
  };
  const { name, hostname, provider, userData, authorizedKeys } = request;
  // JSON is YAML, but not for the shell script that looks which source to ask.
  write("etc/cloud/cloud.cfg.d/90-source.cfg", "datasource_list: [ NoCloud ]\n");
  write("etc/cloud/cloud.cfg.d/99-vendor.cfg", JSON.stringify(config(provider)));
  const seed = "var/lib/cloud/seed/nocloud";
  write(`${seed}/meta-data`, JSON.stringify({ "instance-id": `i-${name}`, "local-hostname": hostname, "public-keys": authorizedKeys })); // prettier-ignore
  write(`${seed}/user-data`, userData === "" ? "#cloud-config\n{}\n" : userData, 0o600);
}
