import assert from "node:assert/strict";
import type { Case } from "./harness.ts";
import { at, must } from "./place.ts";
import {
  asTester,
  assertAllAnswered,
  deployProbes,
  exchanges,
  kubectl,
  NAMESPACE,
  pods,
  SERVICE,
} from "./probe.ts";

/** Pods across clouds, with images pulled by their real names. */
export const podNetworking: readonly Case[] = [
  {
    name: "the packaged add-ons run, pulled from the registries by their upstream names",
    async run() {
      for (const name of ["coredns", "metrics-server"]) {
        await kubectl(
          "rollout",
          "status",
          `deployment/${name}`,
          "--namespace",
          "kube-system",
          "--timeout=180s",
        );
      }
      const running = await kubectl(
        "get",
        "pods",
        "--all-namespaces",
        "--output",
        "jsonpath={.items[*].spec.containers[*].image}",
      );
      const images = (await must(at("hetzner-1", "k3s ctr images list"))).stdout;

      assert.match(running, /rancher\/mirrored-coredns-coredns:/);
      assert.match(images, /^docker\.io\/rancher\/mirrored-pause:3\.6 .*io\.cri-containerd\.pinned=pinned/m);
    },
  },
  {
    name: "new connections pod to pod and pod to Service by name, on every pair of nodes, larger than the MTU",
    async run() {
      const all = (await deployProbes()).filter(({ app }) => app === "probe");

      assert.equal(new Set(all.map(({ node }) => node)).size, 3);
      await Promise.all(
        all.map(async (pod) => {
          const targets = [...all.map(({ ip }) => `${ip}:7000`), SERVICE];
          assertAllAnswered(pod, targets, await exchanges(pod, 4, "connect", ...targets));
        }),
      );
    },
  },
  {
    name: "a stream on every pair of nodes",
    async run() {
      const all = (await pods()).filter(({ app }) => app === "probe");
      await Promise.all(
        all.flatMap((from) =>
          all.map(async (to) => {
            const seen = await exchanges(from, 4, "stream", `${to.ip}:7000`);
            assertAllAnswered(from, [`${to.ip}:7000`], seen);
            assert.ok(seen.filter(({ kind }) => kind === "stream").length >= 2);
          }),
        ),
      );
    },
  },
  {
    name: "a pod in its host's network reaches pods and Services",
    async run() {
      const all = await pods();
      const targets = [...all.filter(({ app }) => app === "probe").map(({ ip }) => `${ip}:7000`), SERVICE];
      await Promise.all(
        all
          .filter(({ app }) => app === "host")
          .map(async (pod) =>
            assertAllAnswered(pod, targets, await exchanges(pod, 4, "connect", ...targets)),
          ),
      );
    },
  },
  {
    name: "kubectl logs, exec and top on every node",
    async run() {
      for (const pod of (await pods()).filter(({ app }) => app === "probe")) {
        assert.equal(await kubectl("logs", "--namespace", NAMESPACE, pod.name), "serving");
        assert.equal(await kubectl("exec", "--namespace", NAMESPACE, pod.name, "--", "hostname"), pod.name);
      }
      const top = await kubectl("top", "nodes", "--no-headers");
      for (const node of ["hetzner-1", "vultr-1", "aws-1"])
        assert.match(top, new RegExp(`^${node} +\\d+m `, "m"));
    },
  },
  {
    name: "pods trust the sandbox's authority, and no other place's",
    async run() {
      const pod = (await pods()).find(({ app }) => app === "probe");
      const get = (url: string) =>
        asTester("exec", "--namespace", NAMESPACE, pod?.name ?? "", "--", "probe", "get", url);

      assert.match((await must(get("https://ghcr.io/v2/"))).stdout, /^200$/m);
      assert.match(
        (await get("https://10.43.0.1/version")).stderr,
        /certificate signed by unknown authority/,
      );
    },
  },
  {
    name: "pods have no search domain and no resolver of the tailnet",
    async run() {
      for (const pod of await pods()) {
        const resolver = await kubectl(
          "exec",
          "--namespace",
          NAMESPACE,
          pod.name,
          "--",
          "cat",
          "/etc/resolv.conf",
        );
        assert.match(resolver, /^nameserver 10\.43\.0\.10$/m);
        assert.doesNotMatch(resolver, /ts\.net|100\.100\.100\.100/);
      }
    },
  },
];
