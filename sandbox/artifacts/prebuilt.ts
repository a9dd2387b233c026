import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import type { Pin } from "./pins.ts";
import { sha256 } from "./store.ts";

/**
 * Puts a program from the folder that INFRA_K3S_ARTIFACT_CACHE names into `folder`. A file that is not the pinned
 * one is not used, and that is said: what comes from there is what a build would make, or it does not come.
 */
export async function takePrebuilt(
  name: string,
  pin: Pick<Pin, "version" | "prebuiltSha256">,
  folder: string,
  progress: (line: string) => void,
): Promise<boolean> {
  const prebuilt = process.env["INFRA_K3S_ARTIFACT_CACHE"];
  if (prebuilt === undefined || prebuilt === "" || pin.prebuiltSha256 === undefined) return false;
  const file = join(prebuilt, `${name}-${pin.version}-linux-amd64.zst`);
  if (!existsSync(file)) return false;
  const compressed = readFileSync(file);
  const found = sha256(compressed);
  if (found !== pin.prebuiltSha256) {
    progress(`${file} is not used: its sha256 is ${found}, pinned is ${pin.prebuiltSha256}`);
    return false;
  }
  writeFileSync(join(folder, name), await promisify(zstdDecompress)(compressed), { mode: 0o755 });
  return true;
}
