import type { Lock } from "../../config/lock.ts";
import { header } from "../file-tree.ts";
import { toYaml } from "../yaml.ts";

/** `kubernetes/images/kustomization.yaml`: upstream's images by the digest that was locked, for every other kustomization. */
export function renderImages(images: NonNullable<Lock["images"]>): string {
  const entries = Object.entries(images).map(([image, digest]) => {
    const [, name = image, tag = "latest"] = /^(.*?)(?::([\w][\w.-]*))?$/.exec(image) ?? [];
    return { name, newTag: tag, digest };
  });
  return (
    header("versions.lock.json") +
    toYaml({ apiVersion: "kustomize.config.k8s.io/v1alpha1", kind: "Component", images: entries })
  );
}

/** A pod's manifest that stands as text in a ConfigMap, where kustomize does not look for images. */
export function pinHelperPod(manifest: string, images: NonNullable<Lock["images"]>): string {
  return manifest.replace(/^( +image: )(\S*\/busybox:\S+)$/gm, (line, key: string, image: string) => {
    const digest = images[image];
    return digest === undefined ? line : `${key}${image}@${digest}`;
  });
}
