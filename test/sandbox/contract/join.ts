import assert from "node:assert/strict";
import { docs, kubectl, meshAddress, NEIGHBOUR, on, type Row, secondAgent, SERVER } from "./row.ts";

const CA = "/var/lib/rancher/k3s/server/tls/server-ca.crt";
const TOKEN = "/var/lib/rancher/k3s/server/token";

/** Tokens, and how a node gets in. */
export const join: readonly Row[] = [
  {
    behaviour: "the server token lies in secure format at its path, with the CA's hash",
    quote: "The server token is always written to `/var/lib/rancher/k3s/server/token`, in secure format.",
    url: docs("cli/token#server"),
    async run() {
      const token = await on(SERVER, `cat ${TOKEN}`);
      const hash = await on(SERVER, `sha256sum ${CA} | cut -d' ' -f1`);

      assert.match(token, /^K10[0-9a-f]{64}::server:\S+$/);
      assert.equal(token.slice(3, 67), hash);
    },
  },
  {
    behaviour: "without an agent token, its file is a link to the server token",
    quote: "If no agent token is specified, this file is a link to the server token.",
    url: docs("cli/token#agent"),
    async run() {
      const folder = "/var/lib/rancher/k3s/server";
      assert.equal(
        await on(SERVER, `readlink -f ${folder}/agent-token`),
        await on(SERVER, `readlink -f ${folder}/token`),
      );
    },
  },
  {
    behaviour: "/cacerts gives the CA bundle to whoever asks",
    quote:
      "With TLS verification disabled, download the CA bundle from `/cacerts` on the server it is joining.",
    url: docs("cli/token#tls-bootstrapping"),
    async run() {
      const server = await meshAddress(SERVER);
      const bundle = await on(NEIGHBOUR, `curl -ksS https://${server}:6443/cacerts`);

      assert.equal(bundle, await on(SERVER, `cat ${CA}`));
    },
  },
  {
    behaviour: "a token with another CA's hash joins nothing",
    quote: "Compare the calculated SHA256 hash to the hash from the token.",
    url: docs("cli/token#tls-bootstrapping"),
    async run() {
      const server = await meshAddress(SERVER);
      const token = `K10${"0".repeat(64)}::server:whatever`;
      const said = await secondAgent(NEIGHBOUR, `--server https://${server}:6443 --token ${token}`);

      assert.match(said, /CA hash does not match/);
    },
  },
  {
    behaviour: "a wrong password joins nothing",
    quote: "Shared secret used to join a server or agent to a cluster",
    url: docs("cli/server#cluster-options"),
    async run() {
      const server = await meshAddress(SERVER);
      const said = await secondAgent(NEIGHBOUR, `--server https://${server}:6443 --token wrong`);

      assert.match(said, /401 Unauthorized|not authorized/i);
    },
  },
  {
    behaviour: "`k3s token generate` prints a bootstrap token",
    quote:
      "You can do so yourself as long as it is in the format `[a-z0-9]{6}.[a-z0-9]{16}`, where the first portion is the token ID, and the second portion is the secret.",
    url: docs("cli/token#k3s-token-generate"),
    async run() {
      assert.match(await on(NEIGHBOUR, "k3s token generate"), /^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    },
  },
  {
    behaviour: "each node has a password of its own, and the server a Secret for it",
    quote:
      "Node password secrets are stored in the `kube-system` namespace with names using the template `<host>.node-password.k3s`.",
    url: docs("architecture#how-agent-node-registration-works"),
    async run() {
      const secrets = await kubectl("get secrets --namespace kube-system --output name");

      assert.match(secrets, new RegExp(`^secret/${NEIGHBOUR}\\.node-password\\.k3s$`, "m"));
      assert.match(await on(NEIGHBOUR, "cat /etc/rancher/node/password"), /^\S{16,}$/);
    },
  },
  {
    behaviour: "a node that takes another's name is refused",
    quote:
      "The server will store the passwords for individual nodes as Kubernetes secrets, and any subsequent attempts must use the same password.",
    url: docs("architecture#how-agent-node-registration-works"),
    async run() {
      const server = await meshAddress(SERVER);
      const token = await on(SERVER, `cat ${TOKEN}`);
      const said = await secondAgent(
        NEIGHBOUR,
        `--server https://${server}:6443 --token ${token} --node-name ${SERVER}`,
      );

      assert.match(said, /node password rejected/i);
    },
  },
];
