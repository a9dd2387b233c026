import assert from "node:assert/strict";
import { AGENT, docs, eventually, kubectl, on, type Row, secondAgent, SERVER } from "./row.ts";

const CONFIG = "/etc/rancher/k3s";
const CONTAINERD = "/var/lib/rancher/k3s/agent/etc/containerd";

const kubelet = (): Promise<string> => kubectl(`get --raw /api/v1/nodes/${AGENT}/proxy/configz`);

/** Writes files on the agent, restarts it, looks, and puts everything back whatever was seen. */
async function restartedWith(
  files: Readonly<Record<string, string>>,
  look: () => Promise<void>,
): Promise<void> {
  const names = Object.keys(files);
  const restart = "systemctl restart k3s-agent";
  const writes = names.map(
    (name) => `mkdir -p "$(dirname ${name})"; cat >${name} <<'END'\n${files[name] ?? ""}\nEND\n`,
  );
  try {
    await on(AGENT, `${writes.join("")}${restart}`);
    await look();
  } finally {
    await on(AGENT, `rm -f ${names.join(" ")}; rmdir ${CONFIG}/config.yaml.d 2>/dev/null; ${restart}`);
    await kubectl(`wait --for=condition=Ready node/${AGENT} --timeout=60s`);
  }
}

/** Files, flags and environment; the kubeconfig; the embedded tools. */
export const configuration: readonly Row[] = [
  {
    behaviour: "drop-ins are read in order: the last value counts, + appends",
    quote:
      "If present in multiple files, the last value found for a given key will be used. A `+` can be appended to the key to append the value to the existing string or slice, instead of replacing it.",
    url: docs("installation/configuration#multiple-config-files"),
    run: () =>
      restartedWith(
        {
          [`${CONFIG}/config.yaml.d/10-a.yaml`]: "lb-server-port: 6555\nkubelet-arg+:\n  - max-pods=99",
          [`${CONFIG}/config.yaml.d/20-b.yaml`]: "lb-server-port: 6556\nkubelet-arg+:\n  - registry-qps=7",
        },
        async () => {
          await eventually("the kubelet has both arguments", async () =>
            /"registryPullQPS":7,/.test(await kubelet()),
          );
          const ports = await on(AGENT, "ss -Hltn");

          assert.match(await kubelet(), /"maxPods":99,/);
          assert.match(ports, /127\.0\.0\.1:6556 /);
          assert.doesNotMatch(ports, /127\.0\.0\.1:6555 /);
        },
      ),
  },
  {
    behaviour: "registries.yaml and a template of one's own get into containerd's configuration",
    quote:
      "If so, the registry configuration contained in this file is used when generating the containerd configuration.",
    url: docs("installation/private-registry"),
    run: () =>
      restartedWith(
        {
          [`${CONFIG}/registries.yaml`]:
            'mirrors:\n  docker.io:\n    endpoint:\n      - "https://registry.example.com:5000"',
          [`${CONTAINERD}/config-v3.toml.tmpl`]: '{{ template "base" . }}\n# contract: appended to the base',
        },
        async () => {
          const config = await on(AGENT, `cat ${CONTAINERD}/config.toml`);

          assert.match(
            await on(AGENT, `cat ${CONTAINERD}/certs.d/docker.io/hosts.toml`),
            /registry\.example\.com:5000/,
          );
          assert.match(config, /^\[plugins\.'?"?io\.containerd/m);
          assert.match(config, /# contract: appended to the base\s*$/);
        },
      ),
  },
  {
    behaviour: "an argument overrides the file, which --config names",
    quote:
      "In these situations, values will be loaded from both sources, but CLI arguments will take precedence.",
    url: docs("installation/configuration#configuration-file"),
    async run() {
      await on(AGENT, "echo 'server: https://127.0.0.1:11' >/tmp/contract.yaml");
      const fromFile = await secondAgent(AGENT, "--config /tmp/contract.yaml --token secret");
      const overridden = await secondAgent(
        AGENT,
        "--config /tmp/contract.yaml --token secret --server https://127.0.0.1:22",
      );

      assert.match(fromFile, /127\.0\.0\.1:11\b/);
      assert.match(overridden, /127\.0\.0\.1:22\b/);
      assert.doesNotMatch(overridden, /127\.0\.0\.1:11\b/);
    },
  },
  {
    behaviour: "the environment is configuration, too",
    quote: "You can pass configuration by setting `K3S_` environment variables:",
    url: docs("installation/configuration#configuration-with-binary"),
    async run() {
      const said = await on(
        AGENT,
        "K3S_URL=https://127.0.0.1:33 K3S_TOKEN=secret timeout 8 k3s agent --config /dev/null --data-dir /tmp/contract-agent --lb-server-port 7444 2>&1; rm -rf /tmp/contract-agent",
      );
      assert.match(said, /127\.0\.0\.1:33\b/);
    },
  },
  {
    behaviour: "labels of the configuration are on the node",
    quote: "Registering and starting kubelet with set of labels",
    url: docs("cli/agent#node"),
    async run() {
      assert.equal(
        await kubectl(`get node ${AGENT} --output 'jsonpath={.metadata.labels.infra-k3s/provider}'`),
        "aws",
      );
    },
  },
  {
    behaviour: "the admin's kubeconfig lies at its path, for root alone",
    quote: "The kubeconfig file is owned by root, and written with a default mode of 600.",
    url: docs("cli/server#admin-kubeconfig-options"),
    async run() {
      assert.equal(await on(SERVER, "stat -c '%U %a' /etc/rancher/k3s/k3s.yaml"), "root 600");
    },
  },
  {
    behaviour: "`k3s kubectl` finds the kubeconfig by itself",
    quote:
      "If the `KUBECONFIG` environment variable is not set, this will automatically attempt to use the kubeconfig at `/etc/rancher/k3s/k3s.yaml`.",
    url: docs("cli"),
    async run() {
      assert.equal((await kubectl("get nodes --output name")).split("\n").length, 3);
    },
  },
  {
    behaviour: "`k3s ctr` speaks to K3s's containerd",
    quote: "This is a CLI for containerd, the container daemon used by K3s.",
    url: docs("cli"),
    async run() {
      assert.match(await on(AGENT, "k3s ctr version"), /Server:\s+Version:\s+v2\./);
    },
  },
  {
    behaviour: "cluster-init makes an embedded etcd; with one on disk the argument no longer matters",
    quote:
      "If an etcd datastore is found on disk either because that node has either initialized or joined a cluster already, the datastore arguments (`--cluster-init`, `--server`, `--datastore-endpoint`, etc) are ignored.",
    url: docs("datastore/ha-embedded#existing-single-node-clusters"),
    async run() {
      await on(SERVER, "test -d /var/lib/rancher/k3s/server/db/etcd/member");
      const file = `${CONFIG}/config.yaml.d/contract.yaml`;
      const restart = "systemctl restart k3s && k3s kubectl get --raw /readyz";
      try {
        await on(SERVER, `mkdir -p ${CONFIG}/config.yaml.d; echo 'cluster-init: false' >${file}; ${restart}`);
        assert.equal((await kubectl("get nodes --output name")).split("\n").length, 3);
      } finally {
        await on(SERVER, `rm ${file}; rmdir ${CONFIG}/config.yaml.d; ${restart}`);
      }
    },
  },
];
