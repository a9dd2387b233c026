/** One thing that is wrong, and how to mend it. */
export interface Finding {
  check:
    | "reach"
    | "mesh"
    | "mtu"
    | "dns"
    | "clock"
    | "disk"
    | "expiry"
    | "units"
    | "gateway-api"
    | "traefik"
    | "certificates"
    | "argocd"
    | "secrets";
  /** A warning works, but badly; it does not make the cluster ill. */
  severity: "error" | "warning";
  /** `cluster` for what is of no single host. */
  host: string;
  message: string;
  fix: string;
}
