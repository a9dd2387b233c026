import { playbookStage } from "../playbook/stage.ts";

/** Every host joined to the tailnet: `ansible/roles/tailscale`. */
export const mesh = playbookStage("mesh");
