import type { Machines } from "../machines.ts";
import { OSES, PLANS } from "./catalogue.ts";
import type { Instance } from "./state.ts";

/** How long an instance is pending, and then installing, in milliseconds. */
const TAKES = 400;

/** An instance as the API tells of it; its addresses are not known before it is active. */
export function shape(instance: Instance, machines: Machines, now: number) {
  const { machine, startedAt, enable_ipv6, user_data: _userData, ...told } = instance;
  const plan = PLANS.find(({ id }) => id === instance.plan);
  const active = machine !== undefined && now >= startedAt + TAKES;
  const { ipv4 = "0.0.0.0", ipv6 = "" } = active ? machine : {};
  const v6 = enable_ipv6 ? ipv6 : "";
  return {
    ...told,
    os: OSES.find(({ id }) => id === instance.os_id)?.name ?? "",
    app_id: 0,
    image_id: "",
    vcpu_count: plan?.vcpu_count ?? 0,
    ram: plan?.ram ?? 0,
    disk: plan?.disk ?? 0,
    allowed_bandwidth: plan?.bandwidth ?? 0,
    status: active ? "active" : "pending",
    power_status: active && machines.isRunning(machine.host) ? "running" : "stopped",
    server_status: !active ? "none" : now < startedAt + 2 * TAKES ? "installingbooting" : "ok",
    main_ip: ipv4,
    netmask_v4: active ? "255.255.255.0" : "",
    gateway_v4: active ? ipv4.replace(/\d+$/, "1") : "0.0.0.0",
    v6_main_ip: v6,
    v6_network: v6.replace(/::1$/, "::"),
    v6_network_size: v6 === "" ? 0 : 64,
    internal_ip: "",
    kvm: "",
    tag: told.tags[0] ?? "",
    features: enable_ipv6 ? ["ipv6"] : [],
  };
}
