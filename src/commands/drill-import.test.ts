import { expect, test } from "vitest";
import { wantedImages } from "./drill-import.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const PAUSE = "docker.io/rancher/mirrored-pause:3.6";

test("each image is wanted by the digest that pods ran, or that was locked; by its tag where nobody knows one", () => {
  const ran = [
    { name: "app:1", digest: digest("a") },
    { name: `ghcr.io/x/pinned:1@${digest("b")}`, digest: digest("b") },
    { name: "waiting:1", digest: "" },
  ];
  const lock = { images: { "quay.io/argoproj/argocd:v3": digest("c"), "waiting:1": digest("d") } };

  expect(wantedImages(ran, lock, ["app:1", "named:2"])).toEqual(
    [
      `app:1@${digest("a")}`,
      `ghcr.io/x/pinned:1@${digest("b")}`,
      `quay.io/argoproj/argocd:v3@${digest("c")}`,
      `waiting:1@${digest("d")}`,
      "named:2",
      PAUSE,
    ].sort(),
  );
});

test("what ran with two digests is wanted with both", () => {
  const ran = [
    { name: "app:1", digest: digest("a") },
    { name: "app:1", digest: digest("b") },
  ];

  expect(wantedImages(ran, {}, [])).toEqual([`app:1@${digest("a")}`, `app:1@${digest("b")}`, PAUSE].sort());
});
