import { join } from "node:path";
import { namespace, type Place, type Plan } from "./plan.ts";

/**
 * The argv prefix that runs a program of this machine in a place, such as the operator's: its network, and there the sandbox's
 * resolver and trust store, which only the program sees.
 */
export function placeCommand(plan: Plan, place: Place, stateDir: string): [string, ...string[]] {
  const mounts = [
    `mount --bind "$0/ca/resolv.conf" "$(readlink -f /etc/resolv.conf)"`,
    `mount --bind "$0/ca/certs" /etc/ssl/certs`,
    // Names that go out by other means than the resolver would miss the sandbox.
    `exec "$@"`,
  ].join(" && ");
  return [
    "nsenter",
    `--net=${join("/run/netns", namespace(plan, place))}`,
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-c",
    mounts,
    stateDir,
  ];
}
