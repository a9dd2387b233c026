import assert from "node:assert/strict";
import { AGENT, docs, kubectl, meshAddress, on, type Row, SERVER } from "./row.ts";

const listening = (host: string, port: number): Promise<string> =>
  on(
    host,
    `ss -Hltn 'sport = :${port}' | awk '{ print $4 }' | sed 's/:${port}$//; s/^\\[::ffff:\\(.*\\)\\]$/\\1/' | sort -u`,
  );

const localPort = (port: number, part: string, host = SERVER): Row => ({
  behaviour: `${part} at port ${port}, for the host itself`,
  quote:
    "Kubernetes and the Container Runtime listen on the loopback interface for monitoring and communication between components.",
  url: docs("installation/requirements#local-ports"),
  async run() {
    const addresses = (await listening(host, port)).split("\n");
    assert.ok(
      addresses.length > 0 && addresses.every((address) => /^(127\.0\.0\.1|\[::1\])$/.test(address)),
      addresses.join(),
    );
  },
});

/** Addresses: what listens where, and what nodes say of themselves. */
export const listeners: readonly Row[] = [
  {
    behaviour: "the API listens at bind-address, port 6443",
    quote: "The K3s server needs port 6443 to be accessible by all nodes.",
    url: docs("installation/requirements#networking"),
    async run() {
      assert.ok((await listening(SERVER, 6443)).split("\n").includes(await meshAddress(SERVER)));
      assert.equal(
        await on(
          AGENT,
          `curl -ks -o /dev/null -w '%{http_code}' https://${await meshAddress(SERVER)}:6443/ping`,
        ),
        "200",
      );
    },
  },
  {
    behaviour: "etcd listens at ports 2379 and 2380",
    quote:
      "If you plan on achieving high availability with embedded etcd, server nodes must be accessible to each other on ports 2379 and 2380.",
    url: docs("installation/requirements#networking"),
    async run() {
      for (const port of [2379, 2380]) {
        assert.ok(
          (await listening(SERVER, port)).split("\n").includes(await meshAddress(SERVER)),
          String(port),
        );
      }
    },
  },
  {
    behaviour: "the kubelet answers other nodes at port 10250",
    quote:
      "If you wish to utilize the metrics server, all nodes must be accessible to each other on port 10250.",
    url: docs("installation/requirements#networking"),
    async run() {
      const url = `https://${await meshAddress(AGENT)}:10250/metrics`;
      assert.equal(await on(SERVER, `curl -ks -o /dev/null -w '%{http_code}' ${url}`), "401");
    },
  },
  localPort(2381, "etcd's metrics"),
  localPort(6444, "the API's local access"),
  localPort(6444, "the agent's load balancer", AGENT),
  localPort(10010, "containerd's streams", AGENT),
  localPort(10248, "the kubelet's health", AGENT),
  localPort(10249, "kube-proxy's metrics", AGENT),
  localPort(10256, "kube-proxy's health", AGENT),
  localPort(10257, "the controller manager's metrics"),
  localPort(10259, "the scheduler's metrics"),
  {
    behaviour: "advertise-address is the endpoint of the kubernetes Service",
    quote: "IPv4/IPv6 address that apiserver advertises for its service endpoint",
    url: docs("cli/server#listeners"),
    async run() {
      const path = "{.endpoints[*].addresses[*]}:{.ports[*].port}";
      const endpoint = await kubectl(
        `get endpointslice kubernetes --namespace default --output 'jsonpath=${path}'`,
      );
      assert.equal(endpoint, `${await meshAddress(SERVER)}:6443`);
    },
  },
  {
    behaviour: "tls-san is in the API's certificate",
    quote: "Add additional hostnames or IPv4/IPv6 addresses as Subject Alternative Names on the TLS cert",
    url: docs("cli/server#listeners"),
    async run() {
      const address = await meshAddress(SERVER);
      const names = await on(
        SERVER,
        `openssl s_client -connect ${address}:6443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName`,
      );
      for (const name of [`IP Address:${address}`, "IP Address:127.0.0.1", `DNS:three-clouds-${SERVER}`])
        assert.ok(names.includes(name), names);
    },
  },
  {
    behaviour: "node-ip and node-external-ip are the node's addresses",
    quote: "IPv4/IPv6 addresses to advertise for node",
    url: docs("cli/agent#k3s-agent-cli-help"),
    async run() {
      const addresses = await kubectl(
        `get node ${AGENT} --output 'jsonpath={range .status.addresses[*]}{.type}={.address} {end}'`,
      );
      const configured = await on(AGENT, "sed -n 's/^node-external-ip: //p' /etc/rancher/k3s/config.yaml");
      assert.ok(addresses.includes(`InternalIP=${await meshAddress(AGENT)} `), addresses);
      assert.ok(addresses.includes(`ExternalIP=${configured} `), addresses);
    },
  },
  {
    behaviour: "flannel's VXLAN uses the interface of flannel-iface and UDP port 8472",
    quote:
      "The nodes need to be able to reach other nodes over UDP port 8472 when using the Flannel VXLAN backend",
    url: docs("installation/requirements#networking"),
    async run() {
      const link = await on(AGENT, "ip -d link show flannel.1");
      assert.match(link, /vxlan id 1 .*dev tailscale0 .*dstport 8472/);
    },
  },
  {
    behaviour:
      "pods get addresses of cluster-cidr, Services of service-cidr, cluster DNS is the pods' resolver",
    quote: "IPv4 Cluster IP for coredns service. Should be in your service-cidr range",
    url: docs("cli/server#networking"),
    async run() {
      const range = await kubectl(`get node ${AGENT} --output jsonpath={.spec.podCIDR}`);
      const service = await kubectl(
        "get service kubernetes --namespace default --output jsonpath={.spec.clusterIP}",
      );
      const kubelet = await kubectl(`get --raw /api/v1/nodes/${AGENT}/proxy/configz`);
      assert.match(range, /^10\.42\.\d+\.0\/24$/);
      assert.equal(service, "10.43.0.1");
      assert.match(kubelet, /"clusterDNS":\["10\.43\.0\.10"\]/);
    },
  },
];
