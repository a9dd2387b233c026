import { expect, test } from "vitest";
import { parse } from "yaml";
import { inPlace, requirePlace } from "./repository.ts";

const TEXT = `# ours
name: prod
ssh:
  publicKey: ssh-ed25519 AAAAreal
# the nodes' git host
gitops:
  repository: ssh://git@github.com/ops/prod.git
  hostKeys:
    - ssh-ed25519 AAAAtheirs

nodes: # three
  - { name: a, role: master }
`;

test("cluster.yaml gets the drill's host key and SSH key, and stays as it is besides", () => {
  const text = inPlace(TEXT, "ssh-ed25519 AAAAhost", "ssh-ed25519 AAAAoperator operator\n");

  expect(parse(text)).toEqual({
    name: "prod",
    ssh: { publicKey: "ssh-ed25519 AAAAoperator operator" },
    gitops: { repository: "ssh://git@github.com/ops/prod.git", hostKeys: ["ssh-ed25519 AAAAhost"] },
    nodes: [{ name: "a", role: "master" }],
  });
  expect(text).toMatch(/^# ours\n[^]*# the nodes' git host\n[^]*nodes: # three\n/);
  expect(inPlace(text, "ssh-ed25519 AAAAhost", "ssh-ed25519 AAAAoperator operator")).toBe(text);
});

test("a repository that the sandbox's git host can't serve is refused", () => {
  expect(requirePlace("git@github.com:ops/prod.git")).toEqual({ host: "github.com", path: "ops/prod.git" });
  expect(() => requirePlace("ssh://git@example.com:2222/prod.git")).toThrow("a drill can't serve");
  expect(() => requirePlace("ssh://ops@example.com/prod.git")).toThrow("a drill can't serve");
});
