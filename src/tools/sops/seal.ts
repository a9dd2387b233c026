import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { writeAtomically } from "../../repository/write.ts";
import { decrypt, encrypt, setValue, type Sops } from "./sops.ts";

/** A Secret with one value, as it lies in the repository. */
export interface Sealed {
  /** In the repository: `kubernetes/….sops.yaml`. */
  path: string;
  name: string;
  namespace: string;
  labels?: Readonly<Record<string, string>>;
  type?: string;
  key: string;
}

/** What an encrypted Secret of ours holds; undefined where there is no such file, or no such value in it. */
export async function openSealed(sops: Sops, { path, key }: Sealed): Promise<string | undefined> {
  const file = join(sops.root, path);
  if (!existsSync(file)) return undefined;
  const plain = (await decrypt(sops, path, readFileSync(file, "utf8"))) as {
    stringData?: Record<string, string>;
    data?: Record<string, string>;
  };
  const encoded = plain.data?.[key];
  return (
    plain.stringData?.[key] ?? (encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString())
  );
}

/** Writes the Secret, encrypted by the rules of `.sops.yaml`; its plain text is never on a disk. What else the file holds stays. */
export async function seal(sops: Sops, sealed: Sealed, value: string): Promise<void> {
  const { path, name, namespace, labels, type, key } = sealed;
  if (existsSync(join(sops.root, path))) return setValue(sops, path, ["stringData", key], value);
  const manifest = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, ...(labels === undefined ? {} : { labels }) },
    ...(type === undefined ? {} : { type }),
    stringData: { [key]: value },
  };
  writeAtomically(
    join(sops.root, path),
    await encrypt(sops, path, stringify(manifest, { lineWidth: 0 })),
    0o644,
  );
}
