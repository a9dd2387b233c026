import { expect, test } from "vitest";
import { volumesOn } from "./node.ts";

const volume = (name: string, node: string | undefined, claim?: string) => ({
  metadata: { name },
  spec: {
    ...(claim === undefined ? {} : { claimRef: { namespace: "shop", name: claim } }),
    ...(node === undefined
      ? {}
      : {
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] },
              ],
            },
          },
        }),
  },
});

test("tells the claims whose data is on one node alone", () => {
  const items = [
    volume("pv-1", "vultr-1", "orders"),
    volume("pv-2", "vultr-10", "other"),
    volume("pv-3", undefined, "anywhere"),
    volume("pv-4", "vultr-1"),
  ];

  expect(volumesOn("vultr-1", { items })).toEqual(["shop/orders", "pv-4"]);
});
