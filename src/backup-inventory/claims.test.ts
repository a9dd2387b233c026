import { expect, test } from "vitest";
import type { KubernetesObject } from "./canonical.ts";
import { placesOf } from "./claims.ts";

/** As local-path-provisioner makes it. */
const pv = (claim: string, spec: object = {}, phase = "Bound") =>
  ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `pvc-of-${claim}` },
    spec: {
      claimRef: { namespace: "shop", name: claim },
      local: { path: `/var/lib/rancher/k3s/storage/pvc-1_shop_${claim}` },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["w1"] }] },
          ],
        },
      },
      ...spec,
    },
    status: { phase },
  }) as unknown as KubernetesObject;
const pvc = (name: string) =>
  ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { namespace: "shop", name },
  }) as KubernetesObject;

test("each bound local volume is a place on its node, under its claim's name", () => {
  expect(placesOf([pvc("data"), pv("data"), pv("a")])).toEqual({
    places: ["a", "data"].map((claim) => ({
      name: `shop/${claim}`,
      node: "w1",
      path: `/var/lib/rancher/k3s/storage/pvc-1_shop_${claim}`,
    })),
    leftOut: [],
  });
});

test.each([
  ["a claim that waits for its first pod", pvc("data"), "shop/data", /no volume yet/],
  ["a volume that its claim has left", pv("data", {}, "Released"), "/pvc-of-data", /Released/],
  ["a block device", pv("data", { volumeMode: "Block" }), "shop/data", /block device/],
  ["a hostPath", pv("data", { local: undefined, hostPath: { path: "/x" } }), "shop/data", /not of type local/],
  ["a volume without a node", pv("data", { nodeAffinity: undefined }), "shop/data", /which node/],
])("%s is told as left out", (_, object, name, why) => {
  expect(placesOf([object])).toEqual({ places: [], leftOut: [{ name, why: expect.stringMatching(why) as string }] });
}); // prettier-ignore
