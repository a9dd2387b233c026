"""Takes lost volumes out of the cluster, with all that would keep Velero from making them anew. Runs on the master.

Nothing where the Restore is there already: then they are on their way back. Run again, it goes on. Prints {"removed": bool}.
DATA: {"restore", "claims": [{"volume", "claim"}], "workloads": [{"kind", "namespace", "name"}], "pods", "withheld"}."""

import sys
import time

PATIENCE = 180
MARK = "infra-k3s/withheld"
# A StatefulSet's other pods and volumes may be there still, and a DaemonSet's on other nodes.
ORPHANS = ("StatefulSet", "DaemonSet")


def split(name):
    return tuple(name.split("/", 1))


def delete(kind, namespace, name, *how):
    space = ["--namespace", namespace] if namespace else []
    kubectl(*space, "delete", kind, name, "--ignore-not-found", "--wait=false", *how)


def remaining(claims, volumes):
    """What there still is of them: pods that use a claim, claims, volumes, and what would make pods anew."""
    found = []
    for namespace in sorted({namespace for namespace, _ in claims}):
        for one in items("pods,replicasets.apps,persistentvolumeclaims", "--namespace", namespace):
            name = one["metadata"]["name"]
            if one["kind"] == "PersistentVolumeClaim" and (namespace, name) in claims:
                found.append(("persistentvolumeclaim", namespace, name))
            elif one["kind"] == "Pod" and any((namespace, claim) in claims for claim in claims_in(one["spec"])):
                found.append(("pod", namespace, name))
            elif one["kind"] == "ReplicaSet" and any((namespace, claim) in claims for claim in claims_in(one["spec"].get("template", {}).get("spec", {}))):
                found.append(("replicaset.apps", namespace, name))
    return found + [("persistentvolume", "", name) for name in volumes if items("persistentvolume", name)]


def remove():
    claims = {split(one["claim"]) for one in DATA["claims"]}
    # Kept by its policy, no provisioner waits for a node that is gone. By the claim, too: what a run that was killed has left.
    volumes = {one["volume"] for one in DATA["claims"]}
    for one in items("persistentvolumes"):
        claim = one["spec"].get("claimRef") or {}
        if one["metadata"]["name"] in volumes or (claim.get("namespace"), claim.get("name")) in claims:
            volumes.add(one["metadata"]["name"])
            kubectl("patch", "persistentvolume", one["metadata"]["name"], "--type=merge", "--patch", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
    for one in DATA["workloads"]:
        delete(one["kind"].lower() + "s.apps", one["namespace"], one["name"], "--cascade=" + ("orphan" if one["kind"] in ORPHANS else "background"))
    for pod in DATA["pods"]:
        delete("pod", *split(pod), "--grace-period=0", "--force")
    end = time.monotonic() + PATIENCE
    while True:
        left = remaining(claims, volumes)
        if not left:
            return
        if time.monotonic() > end:
            sys.exit("still there: " + ", ".join(f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}" for kind, namespace, name in left))
        for kind, namespace, name in left:
            # No pod of a volume whose folder is not there runs.
            delete(kind, namespace, name, *(["--grace-period=0", "--force"] if kind == "pod" else []))
        time.sleep(2)


def withhold():
    """Velero skips a pod that is there: one that is never scheduled, in the place of each that must not come back."""
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    spaces = {one["metadata"]["name"] for one in items("namespaces")}
    there = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in items("pods", "--all-namespaces")}
    for namespace, name in map(split, DATA["withheld"]):
        if namespace not in spaces or (namespace, name) in there:
            continue
        pod = {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": {MARK: "true"}},
            "spec": {
                "schedulingGates": [{"name": MARK}],
                "automountServiceAccountToken": False,
                "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{"name": "none", "image": "none", "securityContext": secure, "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}}}],
            },
        }
        kubectl("create", "--filename=-", given=json.dumps(pod))


def main():
    if DATA["restore"] == "":
        kubectl("delete", "pods", "--all-namespaces", "--selector=" + MARK, "--wait=false", "--ignore-not-found")
        removed = False
    else:
        removed = not items("restores.velero.io", DATA["restore"], "--namespace", "velero")
        if removed:
            remove()
            withhold()
    print(json.dumps({"removed": removed}))


main()
