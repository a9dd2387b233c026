import type { ClusterModel } from "../config/model.ts";

/** What the folder has because it is a git repository, the same for every cluster. */
export function renderProject(): [string, string][] {
  return [
    [".gitignore", GITIGNORE],
    [".gitattributes", GITATTRIBUTES],
    [".github/workflows/infra-k3s.yml", WORKFLOW],
  ];
}

const written = (own: string) => `# Written by infra-k3s: \`infra-k3s render\`. ${own}\n`;

/** What is never in git: secrets, this tool's own state, and what a run that was killed left half-written. */
const GITIGNORE = `${written("Patterns of your own: a .gitignore in a folder below, or .git/info/exclude.")}.envrc.local
.age-key.local
.drill-key.local
*.recovery-kit.age
.infra-k3s/
.ansible/
.terraform/
*.tfstate
*.tmp
`;

/** Whatever git is set to elsewhere, a checkout has the bytes that were rendered: else each file would look edited. */
const GITATTRIBUTES = `${written("Attributes of your own: a .gitattributes in a folder below.")}* -text
`;

const WORKFLOW = `${written("Checks of your own: a workflow of another name beside it.")}# It runs where the repository has two variables (Settings, Secrets and variables, Actions): INFRA_K3S_SOURCE, the git URL that
# you have infra-k3s from, and INFRA_K3S_COMMIT, the full id of the commit that you use. It needs no secret.
name: infra-k3s

"on":
  push:
  pull_request:

permissions:
  contents: read

jobs:
  check:
    if: vars.INFRA_K3S_SOURCE != '' && vars.INFRA_K3S_COMMIT != ''
    runs-on: ubuntu-latest
    timeout-minutes: 15
    steps:
      # v4.2.2
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
        with:
          persist-credentials: false
      - name: Fetch infra-k3s
        env:
          SOURCE: \${{ vars.INFRA_K3S_SOURCE }}
          COMMIT: \${{ vars.INFRA_K3S_COMMIT }}
        run: |
          git init --quiet "$RUNNER_TEMP/infra-k3s"
          cd "$RUNNER_TEMP/infra-k3s"
          git fetch --quiet --depth 1 "$SOURCE" "$COMMIT"
          git checkout --quiet --detach FETCH_HEAD
          pwd >> "$GITHUB_PATH"
      - name: cluster.yaml is valid
        run: infra-k3s validate
      - name: What is rendered is committed
        run: infra-k3s render --check --diff
      - name: No secret is committed
        run: infra-k3s secrets check
`;

/** `README.md`, which `init` writes once: from then on it is the user's. */
export function renderReadme({ name, domain, gitops }: ClusterModel): string {
  const publish = gitops === null ? "infra-k3s up" : "infra-k3s up --push";
  return `# ${name}

The Kubernetes cluster of ${domain}, made of [cluster.yaml](cluster.yaml) by infra-k3s. This page was written once, and is yours.

\`\`\`sh
infra-k3s validate    # every fault of cluster.yaml, with its place
infra-k3s plan        # what would change, and what it costs a month
${publish.padEnd(22)}# makes it so
infra-k3s status      # how it is, and the cause of what is wrong
infra-k3s doctor      # looks for what is wrong on the hosts
\`\`\`

It works without infra-k3s, too: \`ansible-playbook -i ansible/inventory ansible/playbooks/site.yml\`, and \`tofu plan\` in each folder of \`tofu/stacks\`.

| file | is |
|---|---|
| \`cluster.yaml\` | yours: what the cluster is |
| \`servers.json\` | the servers' addresses and host keys; of servers you brought, yours |
| \`versions.lock.json\` | every download and image by its hash |
| \`ansible/inventory/host_vars/\`, \`ansible/inventory/group_vars/all/local.yml\` | yours: settings of one host, of all |
| \`ansible/inventory/group_vars/all/vault.yml\` | secrets that outlive a run, encrypted |
${gitops === null ? "" : "| `kubernetes/apps/` | yours: a folder for each app |\n"}| \`.envrc.local\`, \`.age-key.local\` | your secrets; never in git. Keep them safe: \`infra-k3s recovery-kit export\` |
| everything that \`.infra-k3s.manifest.json\` names | written by \`infra-k3s render\` |

What \`render\` writes it does not touch once you have edited it: it shows the difference, and you choose. \`infra-k3s render --keep FILE\` leaves it to you, \`--take FILE\` gives the edit up.
`;
}
