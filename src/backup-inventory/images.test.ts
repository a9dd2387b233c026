import { expect, test } from "vitest";
import type { KubernetesObject } from "./canonical.ts";
import { imagesOf } from "./images.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const pod = (spec: object, status?: object) =>
  ({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec, status }) as unknown as KubernetesObject;

test("each image of a pod once, with the digest that its node pulled", () => {
  const running = pod(
    { containers: [{ name: "a", image: "app:1" }], initContainers: [{ name: "i", image: "init:1" }] },
    {
      containerStatuses: [{ name: "a", imageID: `docker.io/library/app@${digest("a")}` }],
      initContainerStatuses: [{ name: "i", imageID: `ghcr.io/x/init@${digest("b")}` }],
    },
  );
  const others = [
    pod({ containers: [{ name: "a", image: "waiting:1" }] }),
    pod({ containers: [{ name: "a", image: "file:1" }] }, { containerStatuses: [{ name: "a", imageID: digest("c") }] }),
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" } },
  ]; // prettier-ignore

  expect(imagesOf([running, running, ...others])).toEqual([
    { name: "app:1", digest: digest("a") },
    { name: "file:1", digest: "" },
    { name: "init:1", digest: digest("b") },
    { name: "waiting:1", digest: "" },
  ]);
});
