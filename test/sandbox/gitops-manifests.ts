import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { GO, K3S } from "../../sandbox/artifacts/pins.ts";
import { writeSchemas } from "../kubernetes/schemas.ts";
import { command, type Case } from "./harness.ts";
import { caches, clone, cluster, must, work } from "./place.ts";

/** The newest of what the sandbox has built under that name. */
export function program(name: string): string {
  const [newest] = globSync(join(caches, `infra-k3s/artifacts/${name}-*/${name}`)).toSorted(
    (a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs,
  );
  assert.ok(newest, `the sandbox has made no ${name}`);
  return newest;
}

/** Kubernetes' own OpenAPI document, of the module that the K3s stand-in is built from. */
async function swagger(): Promise<string> {
  const modules = join(caches, "infra-k3s/go/mod");
  const file = join(modules, `k8s.io/kubernetes@${K3S.kubernetes}/api/openapi-spec/swagger.json`);
  // The stand-in may have been built elsewhere, or K3s may be a real one.
  if (!existsSync(file)) {
    const go = join(caches, `infra-k3s/tools/go-${GO.version}/go/bin/go`);
    const env = {
      GOTOOLCHAIN: "local",
      GOFLAGS: "-modcacherw",
      GOPATH: dirname(modules),
      GOMODCACHE: modules,
    };
    await must(command([go, "mod", "download", `k8s.io/kubernetes@${K3S.kubernetes}`], { cwd: work, env }));
  }
  return file;
}

/** Builds a kustomization as ArgoCD's repo-server does, KSOPS and the cluster's age key included. */
async function build(folder: string): Promise<string> {
  const flags = ["--enable-alpha-plugins", "--enable-exec"];
  const { stdout } = await must(
    command([program("kustomize"), "build", ...flags, folder], {
      env: {
        PATH: `${dirname(program("ksops"))}:/usr/bin:/bin`,
        SOPS_AGE_KEY_FILE: join(cluster, ".age-key.local"),
      },
    }),
  );
  return stdout;
}

interface Verdict {
  resources: { kind: string; name: string; status: string; msg: string }[];
  summary: Record<"valid" | "invalid" | "errors" | "skipped", number>;
}

async function judge(schemas: string, files: readonly string[]): Promise<Verdict> {
  const location = join(schemas, "{{.ResourceKind}}-{{.Group}}-{{.ResourceAPIVersion}}.json");
  const argv = ["-strict", "-summary", "-output", "json", "-schema-location", location, ...files];
  const { stdout, all } = await command([program("kubeconform"), ...argv]);
  assert.match(stdout, /"summary"/, all);
  return JSON.parse(stdout) as Verdict;
}

/** The tunnel's, which this cluster does not use: built without its Secret, which there is nothing to seal for. */
function tunnel(kubernetes: string): string {
  const folder = join(kubernetes, "infrastructure/tunnel");
  cpSync(join(clone, "kubernetes/infrastructure/tunnel"), folder, { recursive: true });
  const file = join(folder, "kustomization.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace(/^generators:[\s\S]*/m, ""));
  return folder;
}

function planted(text: string, what: RegExp, by: string): string {
  const changed = text.replace(what, by);
  assert.notEqual(changed, text, `nothing to change by ${String(what)}`);
  return changed;
}

export const manifests: readonly Case[] = [
  {
    name: "gitops: everything in kubernetes/ builds with stock kustomize and is valid against its schema, CRDs included",
    async run() {
      const kubernetes = join(work, "manifests/kubernetes");
      const [built, schemas] = [join(work, "manifests/built"), join(work, "manifests/schemas")];
      cpSync(join(cluster, "kubernetes"), kubernetes, { recursive: true });
      mkdirSync(built, { recursive: true });
      const folders = globSync("{bootstrap,infrastructure/*,apps/*}/kustomization.yaml", { cwd: kubernetes });
      const names = folders.map(dirname).toSorted();
      const outputs = new Map<string, string>();
      for (const folder of [...names.map((name) => join(kubernetes, name)), tunnel(kubernetes)]) {
        outputs.set(relative(kubernetes, folder), await build(folder));
      }
      const files = [...outputs].map(([name, text]) => {
        const file = join(built, `${name.replaceAll("/", "-")}.yaml`);
        writeFileSync(file, text, { mode: 0o600 });
        return file;
      });
      const applications = globSync("**/application.yaml", { cwd: kubernetes }).map((path) =>
        join(kubernetes, path),
      );
      writeSchemas(schemas, await swagger(), [...outputs.values()]);
      const { resources, summary } = await judge(schemas, [...files, ...applications]);

      const echo = outputs.get("apps/echo") ?? "";
      const misspelt = join(built, "misspelt.yaml");
      writeFileSync(misspelt, planted(echo, /^  replicas:/m, "  replica:"));
      const wrong = join(built, "wrong.yaml");
      writeFileSync(wrong, planted(echo, /^  hostnames:\n(  - .*\n)+/m, "  hostnames: echo.example.com\n"));
      const faults = await judge(schemas, [misspelt, wrong]);
      // What was decrypted stays nowhere.
      rmSync(join(work, "manifests"), { recursive: true });

      for (const name of ["bootstrap", "infrastructure/issuers", "infrastructure/traefik", "apps/echo"]) {
        assert.ok(names.includes(name), `${name} in ${names.join(" ")}`);
      }
      assert.deepEqual(resources, []);
      assert.deepEqual(
        { ...summary, valid: summary.valid > 100 },
        { valid: true, invalid: 0, errors: 0, skipped: 0 },
      );
      assert.ok(![...outputs.values()].some((text) => text.includes("ENC[")), "KSOPS has decrypted");
      assert.deepEqual(faults.resources.map(({ kind, status }) => `${kind} ${status}`).toSorted(), [
        "Deployment statusInvalid",
        "HTTPRoute statusInvalid",
      ]);
      assert.equal(faults.summary.errors, 0);
    },
  },
];
