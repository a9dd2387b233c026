import { at, must } from "./place.ts";

/** An app with a volume full of files, and what is in it, as the app itself sees it: no process of the product looks. */

export const APP = "files";
/** In CI a smaller one, of the same kinds of files. */
const FULL = process.argv.includes("--full");
const SMALL_FILES = FULL ? 20_000 : 2000;
const LARGE_FILES = FULL ? 14 : 1;
/** At least so many bytes: in full a GiB. */
export const CLAIMED = LARGE_FILES * 64 * 1024 * 1024 + 6 * 6 * 1024 * 1024;

/** A shell script in the app's pod. */
export async function inApp(script: string): Promise<string> {
  const encoded = Buffer.from(script).toString("base64");
  const exec = `k3s kubectl exec --stdin --namespace ${APP} deployment/${APP} -- sh`;
  return (await must(at("hetzner-1", `echo ${encoded} | base64 -d | ${exec}`))).stdout;
}

/** Small files in many folders and with many modes, some that S3 takes in parts, a large one, and odd names. */
export const FILL = `set -e
cd /data
i=0
while [ "$i" -lt ${SMALL_FILES} ]; do
  d=small/$((i % 40)); mkdir -p "$d"
  head -c $((i * 37 % 5000)) /dev/urandom >"$d/$i"
  case $((i % 4)) in 0) chmod 600 "$d/$i" ;; 1) chmod 444 "$d/$i" ;; 2) chmod 755 "$d/$i" ;; esac
  i=$((i + 1))
done
for i in 1 2 3 4 5 6; do head -c 6291456 /dev/urandom >"six-$i"; done
for i in $(seq ${LARGE_FILES}); do head -c 67108864 /dev/urandom >"large-$i"; done
mkdir -m 0700 closed; echo secret >closed/file; echo odd >'with space'; echo odd >ünläut; : >empty
ln -s large-1 link
`;
/** One line each: mode, size and path; sha256 and path; links. Velero's helper leaves a folder of its own. */
export const INVENTORY = `cd /data
skip='-path ./.velero -prune -o'
find . $skip ! -type l -mindepth 1 -print0 | sort -z | while IFS= read -r -d '' p; do
  if [ -d "$p" ]; then stat -c 'd %a %n' "$p"; else stat -c 'f %a %s %n' "$p"; fi
done
find . $skip -type f -print0 | sort -z | xargs -0 sha256sum
find . $skip -type l -exec sh -c 'echo "$1 -> $(readlink "$1")"' _ {} ';'
`;

/** What the cases of the volumes hand on. */
export const state = { backup: "", inventory: "" };
