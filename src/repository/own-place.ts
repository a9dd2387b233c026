/** Where a change of a rendered file lasts, because nothing of ours is written there; the first that matches. */
const PLACES: readonly [RegExp, string][] = [
  [/^ansible\/inventory\/known_hosts$/, "servers.json has the host keys"],
  [
    /^ansible\/inventory\/hosts\.yml$/,
    "ansible/inventory/host_vars/NODE.yml for a host; nodes are in cluster.yaml",
  ],
  [/^ansible\/inventory\//, "ansible/inventory/group_vars/all/local.yml, or host_vars/NODE.yml for one host"],
  [
    /^ansible\/(roles|playbooks)\//,
    "a role's settings: ansible/inventory/group_vars/all/local.yml; other tasks: a playbook or role of another name beside",
  ],
  [/^ansible\.cfg$/, "ANSIBLE_… variables in .envrc.local"],
  [/^\.envrc$/, ".envrc.local"],
  [/^\.gitignore$/, "a .gitignore in a folder below, or .git/info/exclude"],
  [/^\.gitattributes$/, "a .gitattributes in a folder below, or .git/info/attributes"],
  [/^\.github\//, "a workflow of another name beside it"],
  [/^kubernetes\/images\//, "versions.lock.json has the digests"],
  [
    /^kubernetes\/(bootstrap|infrastructure)\/.*kustomization\.yaml$/,
    "a patch in a file of your own beside it, which this file names: keep that one line as yours",
  ],
  [
    /^kubernetes\//,
    "a patch in a file of your own beside it, named by the kustomization.yaml there; what is new: a folder of its own in kubernetes/apps",
  ],
  [/^tofu\/.*\.tfvars\.json$/, "cluster.yaml"],
  [/^tofu\/stacks\//, "a file of your own beside it that ends in _override.tf"],
  [/^tofu\/modules\//, "an _override.tf beside the stack that uses it, or a module of another name"],
  [/^scripts\//, "a script of another name beside it"],
];

/** What is told of a file that was edited by hand; empty where there is no place but the file itself. */
export function ownPlace(path: string): string {
  return PLACES.find(([pattern]) => pattern.test(path))?.[1] ?? "";
}
