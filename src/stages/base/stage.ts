import { playbookStage } from "../playbook/stage.ts";

/** Packages, kernel settings and time of every host: `ansible/roles/base`. */
export const base = playbookStage("base");
