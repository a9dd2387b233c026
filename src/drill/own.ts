import type { Inventory, InventoryObject } from "../backup-inventory/inventory.ts";

interface Own extends Pick<InventoryObject, "group" | "kind" | "namespace" | "name"> {
  why: string;
}

/** What a drill's place has of its own, so that a cluster restored there can't have what the backup has. */
export const OWN: readonly Own[] = [
  {
    group: "",
    kind: "ConfigMap",
    namespace: "argocd",
    name: "argocd-ssh-known-hosts-cm",
    why: "the sandbox's git host has a host key of its own: nobody can have the real one's",
  },
];

/** An inventory without that; which of it was there is told with the result. */
export function withoutOwn(inventory: Inventory): {
  inventory: Inventory;
  leftOut: Inventory["leftOut"];
} {
  const leftOut = inventory.objects.flatMap((object) => {
    const own = ownOf(object);
    return own === undefined ? [] : [{ name: `${own.kind} ${own.namespace}/${own.name}`, why: own.why }];
  });
  const objects = inventory.objects.filter((object) => ownOf(object) === undefined);
  return { inventory: { ...inventory, objects }, leftOut };
}

function ownOf({ group, kind, namespace, name }: InventoryObject): Own | undefined {
  return OWN.find(
    (own) => own.group === group && own.kind === kind && own.namespace === namespace && own.name === name,
  );
}
