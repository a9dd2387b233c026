"""Prints facts about what the cluster runs by GitOps as JSON, for judge.ts to judge. Reads only; of Secrets it tells names, and of the
age keys hashes. Runs on the master."""

import base64
import hashlib
import re

# Annotations of Gateway API's and Helm's: one line a definition, since the definitions themselves are megabytes.
CRDS = (
    r"jsonpath={range .items[*]}{.metadata.name}{'\t'}{.metadata.annotations.gateway\.networking\.k8s\.io/bundle-version}{'\t'}"
    r"{.metadata.annotations.gateway\.networking\.k8s\.io/channel}{'\t'}{.metadata.annotations.meta\.helm\.sh/release-name}{'\n'}{end}"
)
WORKLOADS = ("deployments.apps", "daemonsets.apps", "statefulsets.apps")
AGE_SECRET = "sops-age"
SECONDS = 20


def place(thing):
    return thing["metadata"].get("namespace", ""), thing["metadata"]["name"]


def definitions():
    rows = [line.split("\t") for line in kubectl("get", "customresourcedefinitions.apiextensions.k8s.io", "--output", CRDS, seconds=SECONDS).stdout.splitlines()]
    return [{"name": name, "version": version, "channel": channel, "helm": helm} for name, version, channel, helm in rows]


def find(things, kind, namespace, name):
    return next((one for one in things if one["kind"] == kind and place(one) == (namespace, name)), None)


def pod_spec(thing):
    return thing.get("spec", {}).get("template", {}).get("spec") or {}


def words(container):
    return [*(container.get("command") or []), *(container.get("args") or [])]


def arguments(workload, container):
    """What a workload's container is started with; None where there is no such workload."""
    if workload is None:
        return None
    containers = pod_spec(workload).get("containers") or []
    named = [one for one in containers if one["name"] == container] or containers[:1]
    return [word for one in named for word in words(one)]


def uses(container, volumes):
    """Whether a container gets the age key: as a file, or in its environment."""
    mounted = any(mount["name"] in volumes for mount in container.get("volumeMounts") or [])
    named = [(one.get("valueFrom") or {}).get("secretKeyRef", {}).get("name") for one in container.get("env") or []]
    whole = [(one.get("secretRef") or {}).get("name") for one in container.get("envFrom") or []]
    return mounted or AGE_SECRET in named + whole


def age_users(workloads):
    found = []
    for one in workloads:
        spec = pod_spec(one)
        volumes = {
            volume["name"]
            for volume in spec.get("volumes") or []
            if (volume.get("secret") or {}).get("secretName") == AGE_SECRET
            or any((source.get("secret") or {}).get("name") == AGE_SECRET for source in (volume.get("projected") or {}).get("sources") or [])
        }
        namespace, name = place(one)
        if namespace != "argocd":
            continue
        for container in (spec.get("initContainers") or []) + (spec.get("containers") or []):
            if uses(container, volumes):
                found.append(f"{name}/{container['name']}")
    return found


def ksops(repo_server):
    if repo_server is None:
        return None
    spec = pod_spec(repo_server)
    inits = [one for one in spec.get("initContainers") or [] if "ksops" in one.get("image", "") + one["name"]]
    environment = {one["name"]: one.get("value", "") for each in spec.get("containers") or [] for one in each.get("env") or []}
    return {"install": words(inits[0]) if inits else [], "keyFile": environment.get("SOPS_AGE_KEY_FILE", "")}


def decoded(value):
    try:
        return base64.b64decode(value)
    except ValueError:
        return b""


def secrets():
    """(hashes of the age keys or None, places of ciphertext); the values stay here."""
    keys, ciphertext = None, []
    for one in items("secrets", "--all-namespaces", seconds=SECONDS):
        namespace, name = place(one)
        for key, value in (one.get("data") or {}).items():
            if b"ENC[AES256_GCM" in decoded(value):
                ciphertext.append({"namespace": namespace, "name": name, "key": key})
        if (namespace, name) == ("argocd", AGE_SECRET):
            text = decoded((one.get("data") or {}).get("keys.txt", "")).decode(errors="replace")
            keys = [hashlib.sha256(line.encode()).hexdigest() for line in re.findall(r"^AGE-SECRET-KEY-1[0-9A-Z]+$", text, re.MULTILINE)]
    return keys, ciphertext


def gateway(thing):
    annotations = thing["metadata"].get("annotations") or {}
    return {
        "namespace": place(thing)[0],
        "name": place(thing)[1],
        "shim": sorted(key for key in annotations if key.startswith("cert-manager.io/")),
        "listeners": [
            {
                "name": one["name"],
                "port": one["port"],
                "secrets": [ref["name"] for ref in (one.get("tls") or {}).get("certificateRefs") or []],
            }
            for one in thing.get("spec", {}).get("listeners") or []
        ],
    }


def differing(application):
    """The routes that differ from git although the same commit was applied."""
    status = application.get("status", {})
    state = status.get("operationState") or {}
    applied = (state.get("syncResult") or {}).get("revision") == (status.get("sync") or {}).get("revision")
    if state.get("phase") != "Succeeded" or not applied:
        return []
    return [
        {"app": application["metadata"]["name"], "kind": one["kind"], "name": one["name"]}
        for one in status.get("resources") or []
        if one.get("status") == "OutOfSync" and one.get("kind") in ("HTTPRoute", "Gateway", "CustomResourceDefinition")
    ]


def main():
    crds = definitions()
    known = {one["name"] for one in crds}
    custom = (
        "applications.argoproj.io",
        "appprojects.argoproj.io",
        "certificates.cert-manager.io",
        "gateways.gateway.networking.k8s.io",
        "helmcharts.helm.cattle.io",
    )
    things = items(",".join([*WORKLOADS, *(kind for kind in custom if kind in known)]), "--all-namespaces", seconds=SECONDS)
    of = lambda kind: [one for one in things if one["kind"] == kind]
    workloads = of("Deployment") + of("DaemonSet") + of("StatefulSet")
    settings = next(iter(items("configmap/argocd-cm", "--namespace=argocd", seconds=SECONDS)), {})
    keys, ciphertext = secrets()
    repo_server = find(workloads, "Deployment", "argocd", "argocd-repo-server")
    facts = {
        "crds": [one for one in crds if re.search(r"\.gateway\.networking\.k8s\.io$|\.traefik\.io$|\.networking\.x-k8s\.io$", one["name"])],
        "helmCharts": [place(one)[1] for one in of("HelmChart")],
        "traefik": arguments(find(workloads, "DaemonSet", "traefik", "traefik"), "traefik"),
        "certManager": arguments(find(workloads, "Deployment", "cert-manager", "cert-manager"), "cert-manager-controller"),
        "gateways": [gateway(one) for one in of("Gateway")],
        "certificates": [
            {"namespace": place(one)[0], "name": place(one)[1], "secret": one["spec"].get("secretName", "")} for one in of("Certificate")
        ],
        "buildOptions": (settings.get("data") or {}).get("kustomize.buildOptions", ""),
        "ksops": ksops(repo_server),
        "ageUsers": age_users(workloads),
        "ageKeys": keys,
        "ciphertext": ciphertext,
        "projects": [
            {
                "name": place(one)[1],
                "sourceRepos": one["spec"].get("sourceRepos") or [],
                "destinations": [f"{each.get('server', each.get('name', ''))} {each.get('namespace', '')}" for each in one["spec"].get("destinations") or []],
            }
            for one in of("AppProject")
        ],
        "differing": [each for one in of("Application") for each in differing(one)],
    }
    print(json.dumps(facts))


main()
