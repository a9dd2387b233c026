import { expect, test } from "vitest";
import type { Inventory } from "../backup-inventory/inventory.ts";
import { withoutOwn } from "./own.ts";

const object = (kind: string, name: string, namespace = "argocd") => ({
  group: "",
  kind,
  namespace,
  name,
  sha256: "0".repeat(64),
  fields: {},
  isChanging: false,
});

test("what the drill's place has of its own is told and not compared; what only looks like it is compared", () => {
  const kept = [object("Secret", "argocd-ssh-known-hosts-cm"), object("ConfigMap", "argocd-ssh-known-hosts-cm", "shop"), object("ConfigMap", "argocd-cm")];
  const inventory = { objects: [object("ConfigMap", "argocd-ssh-known-hosts-cm"), ...kept] } as unknown as Inventory;
  const { inventory: left, leftOut } = withoutOwn(inventory);

  expect(left.objects).toEqual(kept);
  expect(leftOut).toEqual([{ name: "ConfigMap argocd/argocd-ssh-known-hosts-cm", why: expect.stringContaining("host key") as string }]);
  expect(withoutOwn(left).leftOut).toEqual([]);
}); // prettier-ignore
