import assert from "node:assert/strict";
import { docs, eventually, kubectl, on, type Row, SERVER } from "./row.ts";

const FOLDER = "/var/lib/rancher/k3s/server/manifests";

const write = (file: string, name: string, value: string): Promise<string> =>
  on(
    SERVER,
    `cat >${FOLDER}/${file} <<'END'
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: default }
data: { value: "${value}" }
END`,
  );
const valueOf = (name: string): Promise<string> =>
  kubectl(`get configmap ${name} --namespace default --ignore-not-found --output jsonpath={.data.value}`);

/** What lies in the folder of manifests is deployed. */
export const manifests: readonly Row[] = [
  {
    behaviour:
      "a manifest is deployed when it comes and again when it changes; deleting the file deletes nothing",
    quote:
      "On server nodes, any file found in `/var/lib/rancher/k3s/server/manifests` will automatically be deployed to Kubernetes in a manner similar to `kubectl apply`, both on startup and when the file is changed on disk. Deleting files out of this directory will not delete the corresponding resources from the cluster.",
    url: docs("installation/packaged-components#auto-deploying-manifests-addons"),
    async run() {
      await write("contract.yaml", "contract", "one");
      await eventually("the manifest is deployed", async () => (await valueOf("contract")) === "one");
      await write("contract.yaml", "contract", "two");
      await eventually("the change is deployed", async () => (await valueOf("contract")) === "two");
      await on(SERVER, `rm ${FOLDER}/contract.yaml && sleep 20`);

      assert.equal(await valueOf("contract"), "two");
      await kubectl("delete configmap contract --namespace default");
    },
  },
  {
    behaviour: "a manifest with a .skip file beside it is ignored",
    quote:
      "For any file under `/var/lib/rancher/k3s/server/manifests`, you can create a `.skip` file which will cause K3s to ignore the corresponding manifest.",
    url: docs("installation/packaged-components#using-skip-files"),
    async run() {
      await on(SERVER, `touch ${FOLDER}/contract-skipped.yaml.skip`);
      await write("contract-skipped.yaml", "contract-skipped", "one");
      await write("contract-beside.yaml", "contract-beside", "one");
      await eventually("its neighbour is deployed", async () => (await valueOf("contract-beside")) === "one");

      assert.equal(await valueOf("contract-skipped"), "");
      await on(SERVER, `rm ${FOLDER}/contract-*`);
      await kubectl("delete configmap contract-beside --namespace default");
    },
  },
  {
    behaviour: "a disabled part has no manifest",
    quote:
      "Disabled AddOns are actively uninstalled from the cluster, and the source files deleted from the `manifests` directory.",
    url: docs("installation/packaged-components#using-the---disable-flag"),
    async run() {
      const files = await on(SERVER, `ls ${FOLDER}`);
      assert.doesNotMatch(files, /traefik|local-storage/);
      assert.match(files, /rolebindings\.yaml/, "the look was into the right folder");
    },
  },
];
