"""Known words of Argo CD, cert-manager and containerd: what they mean and what to do. Pure."""

import re

# (what it is about, its words, what it means, what to do); the first that matches counts.
APPLICATION = (
    (
        "repo-server",
        r"repo-server|:8081\b",
        "argocd-repo-server does not answer",
        "infra-k3s kubectl -n argocd get pods; infra-k3s kubectl -n argocd logs deployment/argocd-repo-server",
    ),
    (
        "host key",
        r"knownhosts|host key (is|verification)|key mismatch|key is unknown",
        "the git host shows another key than those pinned in cluster.yaml",
        "compare with what the git host publishes; if it is right, correct gitops.hostKeys, then infra-k3s up",
    ),
    (
        "deploy key",
        r"unable to authenticate|permission denied \(publickey|no supported methods remain|invalid auth method",
        "the git host does not accept the deploy key",
        "add kubernetes/bootstrap/deploy-key.pub to the repository as a read-only deploy key",
    ),
    (
        "repository",
        r"repository not found|does not appear to be a git repository|project you were looking for could not be found",
        "the git host knows no such repository, or the deploy key may not read it",
        "compare gitops.repository in cluster.yaml with the git host, and look whether the deploy key is registered there",
    ),
    (
        "branch",
        r"unable to resolve '?[^ ]*'? to a commit|couldn't find remote ref|reference not found",
        "the git host has no such branch",
        "push the branch that gitops.branch names",
    ),
    (
        "age key",
        r"no identity matched|failed to get the data key|error getting data key|sops_age_key|failed to decrypt|mac mismatch",
        "the cluster's age key does not open a SOPS file",
        "infra-k3s secrets check says whether the file is for the cluster's key; infra-k3s up gives the cluster the present key",
    ),
    (
        "ksops",
        r"plugin root|external plugins disabled|unable to find plugin|fork/exec|executable file not found",
        "KSOPS did not run",
        "infra-k3s doctor looks at the parts that it needs",
    ),
    (
        "git host",
        r"failed to (list refs|fetch|initialize repository)|ls-remote|dial tcp|connection (refused|reset)|i/o timeout|no such host"
        r"|no route to host|network is unreachable|kex_exchange|ssh: handshake failed|unable to access|could not read from remote",
        "Argo CD can't reach the git host",
        "look whether the git host is up and reachable from the nodes; what runs goes on, and Argo CD catches up by itself",
    ),
    (
        "project",
        r"is not permitted in project|not permitted to use project|do not match any of the allowed destinations",
        "the AppProject `cluster` does not allow it: one repository, this cluster",
        "an Application's repoURL is gitops.repository of cluster.yaml, its project is `cluster`",
    ),
    ("path", r"app path does not exist", "the folder is not in the branch", "push the folder, or remove its application.yaml"),
)
SYNC = (
    (
        "ciphertext",
        r"illegal base64 data|ENC\[AES256",
        "ciphertext instead of a Secret: KSOPS was not asked to open the file",
        "the folder's kustomization.yaml has to name the file under `generators`, not `resources`",
    ),
    (
        "pod security",
        r"violates podsecurity",
        "the namespace's Pod Security level refuses it",
        "give the pod the securityContext that is named, or its namespace another level by its label",
    ),
    (
        "cert-manager webhook",
        r"failed calling webhook",
        "a webhook that has to admit it does not answer",
        "infra-k3s kubectl get pods --all-namespaces: the pod behind that webhook; Argo CD then tries again by itself",
    ),
    (
        "immutable",
        r"field is immutable|forbidden: updates to .* (for fields|are forbidden)",
        "a field that can't change later was changed",
        "put the field back, or delete the object by hand, so that it is made anew",
    ),
    ("kind", r"no matches for kind|could not find the requested resource", "the cluster does not know that kind", "its CRD has to come in an earlier wave"),
)
CERTIFICATE = (
    (
        "ACME limit",
        r"ratelimited|too many (certificates|failed|new orders|requests)|rate limit",
        "the limit of the certificate authority is reached",
        "wait until the time it names (https://letsencrypt.org/docs/rate-limits/); `tls.issuer: staging` in cluster.yaml has no such limits. "
        "After that cert-manager tries again by itself, or at once: docs/seeing.md",
    ),
    (
        "Cloudflare token",
        r"cloudflare.*?(\b(9109|9103|6003|6111|10000|1000[01])\b|invalid (access|api) token|authentication error|unauthorized)|no zones for domain",
        "Cloudflare refuses the token for DNS-01",
        "infra-k3s up --push seals the token that OpenTofu minted, and pushes it; where Cloudflare has it no more: "
        "tofu -chdir=tofu/stacks/cloudflare apply -replace=module.dns.cloudflare_account_token.dns01, then infra-k3s up --push",
    ),
    (
        "Cloudflare secret",
        r"secrets? \"?cloudflare-dns\"? not found|error getting cloudflare",
        "the token for DNS-01 is not in the cluster",
        "infra-k3s up --push seals it into kubernetes/infrastructure/issuers/cloudflare.sops.yaml and pushes it",
    ),
    ("Cloudflare", r"querying the cloudflare api", "Cloudflare's API does not do as asked", "https://www.cloudflarestatus.com; cert-manager tries again by itself"),
    (
        "propagation",
        r"not yet propagated|propagation check|waiting for dns-01",
        "the record that proves the domain is not seen in public DNS",
        "look whether the registrar names Cloudflare's name servers for the zone, and whether nodes reach 1.1.1.1 and 8.8.8.8 on port 53",
    ),
    (
        "CAA",
        r"\bcaa\b",
        "a CAA record forbids this certificate authority",
        "allow letsencrypt.org in the zone's CAA records, or remove them",
    ),
    (
        "ACME server",
        r"dial tcp|no such host|i/o timeout|connection refused|context deadline exceeded|x509|acme server|failed to register|failed to verify acme",
        "the certificate authority can't be reached or does not know the account",
        "https://letsencrypt.status.io; cert-manager tries again by itself",
    ),
)
IMAGE = (
    (
        "access",
        r"unauthorized|401|403|denied|authorization failed|no basic auth",
        "the registry wants credentials, or has no such repository",
        "give the namespace a pull secret (docs/gitops.md), or correct the image's name",
    ),
    (
        "missing",
        r"not ?found|manifest unknown|404|invalid ?image ?name|couldn't parse image|invalid reference",
        "the registry has no such image",
        "push the image, or correct it in git",
    ),
    (
        "registry",
        r"dial tcp|no such host|timeout|connection (refused|reset)|x509|tls|too ?many ?requests|429|5\d\d",
        "the registry does not give it",
        "look whether the node reaches the registry; the kubelet tries again by itself",
    ),
)


def known(table, text):
    """(about, why, fix) of the first known cause; None where nobody has met it yet."""
    for about, pattern, why, fix in table:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            return about, why, fix
    return None


def short(text, most=400):
    """One line of it; of a long one the beginning, and the end, where the cause is."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most // 3]} … {line[-most * 2 // 3:]}"


def because(table, text, fix):
    """(why, fix): what is known of it with its own words, else its own words and the given fix."""
    found = known(table, text)
    return (f"{found[1]}: {short(text)}", found[2]) if found else (short(text) or "it does not say why", fix)
