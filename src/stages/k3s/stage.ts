import { playbookStage } from "../playbook/stage.ts";

/** The K3s server on the master, then agents on the workers: `ansible/roles/k3s_server` and `k3s_agent`. */
export const k3s = playbookStage("k3s");
