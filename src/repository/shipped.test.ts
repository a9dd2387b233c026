import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { STACKS } from "../config/model.ts";
import { readShipped, stacksToKeep, tfvarsOf } from "./shipped.ts";

const tofu = (stacks: readonly string[]) =>
  [...readShipped(stacks, []).keys()].filter((path) => path.startsWith("tofu/"));
const folders = (stacks: readonly string[]) => [...new Set(tofu(stacks).map((path) => dirname(path)))];

test("a stack comes with the modules it is made of, and with no other", () => {
  expect(tofu([])).toEqual([]);
  expect(folders(["hetzner"])).toEqual([
    "tofu",
    "tofu/modules/cloud-init",
    "tofu/modules/hetzner-server",
    "tofu/stacks/hetzner",
  ]);
  expect(folders(["cloudflare", "aws"])).toEqual([
    "tofu",
    "tofu/modules/aws-server",
    "tofu/modules/cloud-init",
    "tofu/modules/cloudflare-dns",
    "tofu/modules/cloudflare-r2",
    "tofu/modules/cloudflare-tunnel",
    "tofu/stacks/aws",
    "tofu/stacks/cloudflare",
  ]);
});

test("tests of modules, and what a run of OpenTofu left here, are not shipped", () => {
  expect(
    tofu(STACKS).filter(
      (path) => !/^tofu\/(README\.md|(modules|stacks)\/[a-z0-9-]+\/[^/.]+\.(tf|md))$/.test(path),
    ),
  ).toEqual([]);
});

test("every stack keeps its state the same way, under a name of its own", () => {
  const shipped = readShipped(STACKS, []);
  const texts = STACKS.map((stack) => shipped.get(`tofu/stacks/${stack}/state.tf`)?.text ?? "");
  expect(texts.map((text, i) => text.replace(`"${STACKS[i]}.tfstate"`, '"NAME.tfstate"'))).toEqual(
    STACKS.map(() => texts[0]?.replace('"hetzner.tfstate"', '"NAME.tfstate"')),
  );
  expect(texts.map((text) => /key += "(.*)"/.exec(text)?.[1])).toEqual(
    STACKS.map((stack) => `${stack}.tfstate`),
  );
});

test("a stack that still names a server stays; while one leaves, all stay", () => {
  const root = mkdtempSync(join(tmpdir(), "infra-k3s-shipped-"));
  try {
    const write = (stack: string, tfvars: unknown) => {
      mkdirSync(dirname(join(root, tfvarsOf(stack))), { recursive: true });
      writeFileSync(join(root, tfvarsOf(stack)), JSON.stringify(tfvars));
      writeFileSync(join(root, dirname(tfvarsOf(stack)), "main.tf"), "");
    };
    write("hetzner", { servers: { "hetzner-1": {} } });
    write("vultr", { servers: {} });
    write("cloudflare", { zone: "example.com" });
    expect(stacksToKeep(root, STACKS, false)).toEqual(["hetzner"]);
    expect(stacksToKeep(root, STACKS, true)).toEqual(["hetzner", "vultr", "cloudflare"]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
