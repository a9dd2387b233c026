import { join } from "node:path";
import { namespace, type Place, type Plan } from "./plan.ts";

const REATTACH = `{ ! [ -r "$0/providers/reattach.json" ] || export TF_REATTACH_PROVIDERS="$(cat "$0/providers/reattach.json")"; }`;

/**
 * The argv prefix that runs a program of this machine in a place, such as the operator's: its network, and there the sandbox's
 * resolver and trust store, which only the program sees.
 */
export function placeCommand(plan: Plan, place: Place, stateDir: string): [string, ...string[]] {
  const mounts = [
    `mount --bind "$0/ca/resolv.conf" "$(readlink -f /etc/resolv.conf)"`,
    `mount --bind "$0/ca/certs" /etc/ssl/certs`,
    // What OpenTofu finds the stand-in providers by; without it, it would look for the real ones.
    ...(place === "operator" ? [REATTACH] : []),
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

/** Where the sandbox keeps the value of TF_REATTACH_PROVIDERS. */
export function reattachFile(stateDir: string): string {
  return join(stateDir, "providers/reattach.json");
}
