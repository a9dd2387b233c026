import { stringify } from "yaml";

/**
 * The one place that writes YAML. Version 1.1 quoting, because Ansible and Kubernetes read 1.1:
 * a bare `yes` or `12:30` would arrive there as `true` or `750`.
 */
export function toYaml(value: unknown): string {
  return stringify(value, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}
