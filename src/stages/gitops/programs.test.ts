import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "../../tools/process/process.ts";
import { withData } from "../../tools/ssh/python.ts";
import { bootstrapSecrets, proofPod } from "./manifests.ts";
import { LookSchema } from "./parse.ts";

/** Answers `k3s kubectl` by the first rule of `answers.json` that its arguments contain, and notes how it was asked. */
const K3S = `#!/usr/bin/env python3
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
args = " ".join(sys.argv[1:])
given = "" if sys.stdin.closed or "-f -" not in args else sys.stdin.read()
open(here + "/asked.jsonl", "a").write(json.dumps({"args": args, "given": given}) + "\\n")
for part, answer in json.load(open(here + "/answers.json")):
    if part in args:
        sys.stdout.write(answer.get("out", "")); sys.stderr.write(answer.get("err", "")); sys.exit(answer.get("code", 0))
`;
interface Answer {
  out?: string;
  err?: string;
  code?: number;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-k3s-gitops-"));
  writeFileSync(join(folder, "k3s"), K3S);
  chmodSync(join(folder, "k3s"), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

function python(files: string[], tail: string, data: unknown, answers: [string, Answer][]) {
  writeFileSync(join(folder, "answers.json"), JSON.stringify(answers));
  const program =
    files.map((file) => readFileSync(join(import.meta.dirname, file), "utf8")).join("\n\n") + tail;
  const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
  return run({ argv: ["python3", "-"], stdin: withData(program, data), env, timeout: 30_000 });
}

function asked(): { args: string; given: string }[] {
  const text = readFileSync(join(folder, "asked.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { args: string; given: string });
}

const list = (...items: object[]) => JSON.stringify({ kind: "List", items });
const base64 = (text: string) => Buffer.from(text).toString("base64");
const LOOK = "\njson.dump(look(), sys.stdout)\n";
const NO_KIND = { err: `error: the server doesn't have a resource type "applications"\n`, code: 1 };

test("a cluster without ArgoCD is looked at, and has nothing", async () => {
  const { stdout } = await python(["look.py"], LOOK, {}, [
    ["applications", NO_KIND],
    ["secret", {}],
  ]);
  expect(LookSchema.parse(JSON.parse(stdout))).toEqual({
    ageKeys: null, repository: null, knownHosts: null, projects: {}, applications: [],
  }); // prettier-ignore
});

test("an API that does not answer is a failure, with its words", async () => {
  const refused = { err: "The connection to the server 100.64.0.1:6443 was refused\n", code: 1 };
  const { exitCode, stderr } = await python(["look.py"], LOOK, {}, [["", refused]]);
  expect([exitCode, stderr]).toEqual([1, refused.err.trim()]);
});

const secret = (name: string, data: Record<string, string>, labels = {}) => ({
  kind: "Secret",
  metadata: { name, labels },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});

test("of Secrets only hashes leave the master; of Applications what tells how they stand", async () => {
  const application = {
    kind: "Application",
    metadata: { name: "cluster" },
    spec: { source: { repoURL: "ssh://git@h/r.git", targetRevision: "main" } },
    status: {
      sync: { status: "OutOfSync", revision: "abc" },
      health: { status: "Degraded" },
      conditions: [{ type: "ComparisonError", message: "no" }, { type: "SharedResourceWarning", message: "well" }],
      operationState: {
        phase: "Failed",
        message: "one or more objects failed",
        syncResult: { resources: [{ kind: "Gateway", name: "public", status: "SyncFailed", message: "bad" }, { kind: "Pod", name: "p", status: "Synced" }] },
      },
      resources: [{ kind: "Application", name: "apps" }, { kind: "ConfigMap", name: "c" }],
    },
  }; // prettier-ignore
  const { stdout } = await python(["look.py"], LOOK, {}, [
    ["applications", { out: list(application, { kind: "AppProject", metadata: { name: "default" }, spec: { sourceRepos: null } }) }],
    ["sops-age", { out: list(secret("sops-age", { "keys.txt": "PRIVATE" }), secret("repository", { url: "ssh://git@h/r.git", type: "git", project: "cluster", sshPrivateKey: "PRIVATE" }, { "argocd.argoproj.io/secret-type": "repository" })) }],
  ]); // prettier-ignore
  expect(stdout).not.toMatch(/PRIVATE|UFJJVkFUR/);
  const hash = "3fc25bb3e54ef9ef93f3e56ffb08d86f9cc3d7f3e4d2a8ab5d41a6a0a5d4b0e5".length;
  const look = LookSchema.parse(JSON.parse(stdout));
  expect([look.ageKeys?.length, look.repository?.key]).toEqual([hash, look.ageKeys]);
  expect(look.projects).toEqual({ default: [] });
  expect(look.applications).toEqual([
    {
      name: "cluster", repoURL: "ssh://git@h/r.git", targetRevision: "main", sync: "OutOfSync", revision: "abc",
      health: "Degraded", conditions: ["no"], operation: { phase: "Failed", message: "one or more objects failed" },
      failed: ["Gateway public: bad"], children: ["apps"],
    },
  ]); // prettier-ignore
});

const one = (kind: string, name: string) => ({ apiVersion: "v1", kind, metadata: { name } });
const data = {
  namespaces: [one("Namespace", "argocd")],
  secrets: bootstrapSecrets("ssh://git@h/r.git", { ageKeys: "PRIVATE-AGE", deployKey: "PRIVATE-SSH" }),
  restart: false,
  knownHosts: [one("ConfigMap", "argocd-ssh-known-hosts-cm")],
  pod: proofPod("quay.io/argoproj/argocd@sha256:0", { repository: "ssh://git@h/r.git", branch: "main" }),
  crds: [one("CustomResourceDefinition", "applications.argoproj.io")],
  projects: [one("AppProject", "cluster")],
  rest: [one("Deployment", "argocd-server")],
  applications: [one("Application", "cluster")],
};
const pod = (status: object) => ({ out: JSON.stringify({ kind: "Pod", status }) });

test("ArgoCD is brought up in an order that works, after the repository was read; no secret is in an argument", async () => {
  const { exitCode, stdout } = await python(["bootstrap.py"], "", data, [
    ["get -n argocd pod/", pod({ phase: "Succeeded" })],
    ["logs", { out: "abc\trefs/heads/main\n" }],
    ["", {}],
  ]);
  expect([
    exitCode,
    stdout
      .trim()
      .split("\n")
      .map((line) => Object.keys(JSON.parse(line) as object)[0]),
  ]).toEqual([0, ["step", "step", "step"]]);
  const applied = asked()
    .filter(({ args }) => / (apply|create|wait|delete) /.test(args))
    .map(({ args, given }) => {
      const kinds = [...given.matchAll(/"kind": "(?!List)(\w+)"/g)].map((match) => match[1]);
      return `${/ (apply|create|wait|delete) /.exec(args)?.[1]} ${kinds.join(" ")}`.trim();
    });
  expect(applied).toEqual([
    "apply Namespace", "apply Secret Secret", "apply ConfigMap", "delete", "create Pod", "delete",
    "apply CustomResourceDefinition", "wait", "apply AppProject", "apply Deployment", "apply Application",
  ]); // prettier-ignore
  const encoded = [base64("PRIVATE-AGE"), base64("PRIVATE-SSH"), "PRIVATE"];
  expect(asked().filter(({ args }) => encoded.some((text) => args.includes(text)))).toEqual([]);
});

test.each<[string, object, Answer, object]>([
  [
    "git's words",
    { phase: "Failed" },
    { out: "Permission denied (publickey)." },
    { fault: "git", output: "Permission denied (publickey)." },
  ],
  ["no such branch", { phase: "Succeeded" }, { out: "" }, { fault: "branch", output: "" }],
])(
  "a repository that can't be read ends it before ArgoCD, with %s; the pod is gone",
  async (_, status, logs, fault) => {
    const { exitCode, stdout } = await python(["bootstrap.py"], "", data, [
      ["get -n argocd pod/", pod(status)],
      ["logs", logs],
      ["", {}],
    ]);
    expect([exitCode, JSON.parse(stdout.trim().split("\n").at(-1) ?? "")]).toEqual([3, fault]);
    expect(asked().at(-1)?.args).toContain("delete");
    expect(asked().some(({ given }) => given.includes("argocd-server"))).toBe(false);
  },
);

test("Secrets that the API refuses are not repeated in what is said", async () => {
  const { stdout } = await python(["bootstrap.py"], "", { ...data, namespaces: [] }, [
    ["apply", { code: 1, err: "invalid: PRIVATE-AGE" }],
    ["", {}],
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ fault: "kubectl" });
  expect(stdout).not.toContain("PRIVATE");
});
