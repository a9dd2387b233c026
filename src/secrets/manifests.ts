import { isMap, isScalar, LineCounter, type Node, parseAllDocuments, type YAMLMap } from "yaml";
import { ENCRYPT, type Finding } from "./finding.ts";
import { leavesOf, textOf } from "./sops-file.ts";

/** Nothing but what is put in elsewhere: Jinja, a shell's or Kustomize's variable. */
const REFERENCE = /^\s*(\{\{.*\}\}|\$\{\w+\}|\$\(\w+\)|\$\w+)\s*$/s;

/** Plaintext Secrets and kubeconfigs among the documents of a YAML or JSON file. */
export function findManifests(file: string, text: string): Finding[] {
  if (!/\.(ya?ml|json|j2|conf|config|kubeconfig)$/.test(file) && !/kube|k3s/.test(file)) return [];
  if (!/Secret|secretGenerator|client-key-data|\busers"?:/.test(text)) return [];
  const lines = new LineCounter();
  return parseAllDocuments(text, { lineCounter: lines }).flatMap((document) =>
    isMap(document.contents) ? findIn(file, document.contents, lines) : [],
  );
}

function findIn(file: string, resource: YAMLMap, lines: LineCounter): Finding[] {
  if (resource.has("sops")) return [];
  const items = resource.get("items");
  const inner =
    typeof items === "object" && items !== null && "items" in items ? (items.items as unknown[]) : [];
  return [
    ...inner.flatMap((item) => (isMap(item) ? findIn(file, item, lines) : [])),
    ...secretIn(file, resource, lines),
    ...generatorsIn(file, resource, lines),
    ...kubeconfigIn(file, resource, lines),
  ];
}

function secretIn(file: string, resource: YAMLMap, lines: LineCounter): Finding[] {
  if (resource.get("kind") !== "Secret" || resource.get("apiVersion") !== "v1") return [];
  const name = textOf(resource.getIn(["metadata", "name"]) ?? "");
  const first = ["data", "stringData"]
    .flatMap((field) => leavesOf((resource.get(field, true) ?? null) as Node | null, lines, [field]))
    .find(({ value }) => value !== "" && !REFERENCE.test(value));
  if (first === undefined) return [];
  return [
    {
      file,
      line: first.line,
      code: "plaintext-secret",
      what: `the Secret ${name} is in plain text: ${first.path.join(".")}`,
      why: "base64 hides nothing; who reads the repository, or any old copy of it, has the value",
      fix: `infra-k3s secrets set FILE.sops.yaml ${first.path[1] ?? "KEY"} --name ${name || "NAME"}, then git rm --cached ${file}; make a new value if this was ever committed`,
    },
  ];
}

/** https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/secretgenerator/ */
function generatorsIn(file: string, resource: YAMLMap, lines: LineCounter): Finding[] {
  const generators = leavesOf(resource.get("secretGenerator", true) ?? null, lines);
  return generators
    .filter(({ path, value }) => {
      const [, given] = /^[^=]+=(.*)$/s.exec(value) ?? [];
      return path.includes("literals") && given !== undefined && given !== "" && !REFERENCE.test(given);
    })
    .map(({ line }) => ({
      file,
      line,
      code: "plaintext-secret",
      what: "a secretGenerator with its value in plain text",
      why: "who reads the repository, or any old copy of it, has the value",
      fix: ENCRYPT,
    }));
}

function kubeconfigIn(file: string, resource: YAMLMap, lines: LineCounter): Finding[] {
  if (resource.get("kind") !== "Config" || !resource.has("users")) return [];
  const users = leavesOf(resource.get("users", true) as Node, lines);
  const credential = users.find(
    ({ path, value }) =>
      ["client-key-data", "token", "password", "id-token", "refresh-token"].includes(path.at(-1) ?? "") &&
      value !== "" &&
      !REFERENCE.test(value),
  );
  if (credential === undefined) return [];
  return [
    {
      file,
      line: credential.line,
      code: "kubeconfig",
      what: `a kubeconfig with its credential (${credential.path.at(-1) ?? ""})`,
      why: "it opens the cluster to whoever reads the repository",
      fix: `git rm --cached ${file}, keep it outside (infra-k3s kubeconfig writes one at any time); if it was ever committed, rotate the cluster's certificates: k3s certificate rotate-ca`,
    },
  ];
}

/** Variables that belong in the vault by their name, and vaults that are not encrypted. */
export function findVaults(file: string, text: string): Finding[] {
  const [, name = ""] = /(?:^|\/)(?:group_vars|host_vars)\/(?:.*\/)?([^/]+)$/.exec(file) ?? [];
  if (name === "") return [];
  if (text.startsWith("$ANSIBLE_VAULT;")) {
    const body = text.split("\n").slice(1).join("").trim();
    if (/^[0-9a-f]{64,}$/.test(body)) return [];
    return [vaultFinding(file, 2, "the vault is damaged: what follows its header is not encrypted")];
  }
  const isVault = /(^|[._-])vault(\.|$)/.test(name);
  const lines = new LineCounter();
  return parseAllDocuments(text, { lineCounter: lines })
    .flatMap((document) => (isMap(document.contents) ? document.contents.items : []))
    .flatMap(({ key, value }) => {
      const variable = isScalar(key) ? String(key.value) : "";
      if (!isVault && !variable.startsWith("vault_")) return [];
      const plain = leavesOf(value as Node | null, lines).find(
        (leaf) =>
          leaf.value !== "" && !REFERENCE.test(leaf.value) && !leaf.value.startsWith("$ANSIBLE_VAULT;"),
      );
      return plain === undefined
        ? []
        : [vaultFinding(file, plain.line, `the vault's variable ${variable} is in plain text`)];
    })
    .slice(0, isVault ? 1 : undefined);
}

function vaultFinding(file: string, line: number, what: string): Finding {
  return {
    file,
    line,
    code: "vault",
    what,
    why: "who reads the repository, or any old copy of it, has the value",
    fix: `ansible-vault encrypt ${file} (or keep the variable in ansible/inventory/group_vars/all/vault.yml); make a new value if this was ever committed`,
  };
}
