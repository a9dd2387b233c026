"""What a restore of namespaces asks of the cluster, and does to it, besides Velero. Runs on the master; DATA["do"] says which:

look: what is there, and changes nothing. clear: keeps the Secrets of the namespaces aside, which no backup has, and deletes
the namespaces. fill: makes them anew, with their Secrets: a pod that mounts one could not even begin to wait for its volumes.
wait: for their pods. forget: the Secrets kept aside."""

import base64
import os
import sys
import time

# What somebody would miss. A ServiceAccount and a ConfigMap come with each namespace.
THINGS = "pods,persistentvolumeclaims,deployments.apps,statefulsets.apps,daemonsets.apps,cronjobs.batch,jobs.batch,services,configmaps"
OF_ITS_OWN = ("configmap/kube-root-ca.crt", "service/kubernetes")
# Argo CD applies under this name, so that it is the owner of what is made here of git's.
MANAGER = "argocd-controller"
KEPT = f"/var/lib/rancher/k3s/server/infra-k3s-restore-{DATA['id']}.json"
PATIENCE = 300
# Velero looks at its bucket each minute: what it says of it may be older than what is.
LOOKS_AGAIN = 90


def things(namespace):
    """The first of what is in the way."""
    named = [f"{one['kind'].lower()}/{one['metadata']['name']}" for one in items("--namespace", namespace, THINGS)]
    return [name for name in named if name not in OF_ITS_OWN][:5]


def location():
    return next(iter(items("--namespace", "velero", "backupstoragelocations.velero.io", "default")), {}).get("status", {})


def located():
    """What Velero says of its bucket: where it can't reach it, what it says when it has looked once more."""
    end = time.monotonic() + LOOKS_AGAIN
    first = now = location()
    while now and now.get("phase") != "Available" and now.get("lastValidationTime") == first.get("lastValidationTime"):
        if time.monotonic() > end:
            break
        time.sleep(2)
        now = location()
    return now


def look():
    bucket = located()
    secret = next(iter(items("--namespace", "velero", "secret", "velero-repo-credentials")), {}).get("data", {})
    restore = next(iter(items("--namespace", "velero", "restores.velero.io", DATA["restore"])), None)
    there = {one["metadata"]["name"] for one in items("namespaces")}
    password = secret.get("repository-password")
    return {
        "location": bucket.get("phase", ""),
        "why": bucket.get("message", ""),
        "password": None if password is None else base64.b64decode(password).decode(),
        "restore": None if restore is None else restore.get("status", {}).get("phase", ""),
        "things": {name: things(name) for name in DATA["namespaces"] if name in there},
    }


def plain(secret):
    """As somebody would write it."""
    metadata = secret["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if metadata.get(key)}
    return {**secret, "metadata": kept}


def keep():
    """How many there are; from a run before that was killed, too. Nobody but root reads the file."""
    if os.path.exists(KEPT):
        with open(KEPT) as file:
            return len(json.load(file)["items"])
    found = [one for namespace in DATA["namespaces"] for one in items("--namespace", namespace, "secrets")]
    mine = [plain(one) for one in found if one.get("type") != "kubernetes.io/service-account-token"]
    with open(os.open(KEPT + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": mine}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(KEPT + ".new", KEPT)
    return len(mine)


def clear():
    kept = keep()
    # Nobody can delete `default`; that nothing is in it was seen before.
    wanted = [name for name in DATA["namespaces"] if name != "default"]
    there = [one["metadata"]["name"] for one in items("namespaces") if one["metadata"]["name"] in wanted]
    if there:
        kubectl("delete", "namespaces", *there, "--ignore-not-found", "--wait=false")
    end = time.monotonic() + PATIENCE
    while True:
        left = [one for one in items("namespaces") if one["metadata"]["name"] in there]
        if not left:
            return {"kept": kept, "deleted": len(there)}
        if time.monotonic() > end:
            said = [one.get("message", "") for one in left[0].get("status", {}).get("conditions", []) if one.get("status") == "True"]
            sys.exit(f"the namespace {left[0]['metadata']['name']} is not gone after {PATIENCE} s: {'; '.join(said)}")
        time.sleep(1)


def apply(manifests):
    if manifests:
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        done = kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=" + MANAGER, "--filename=-", given=given, check=False)
        if done.returncode != 0:
            # Of a Secret it may repeat what it was given.
            give_up("a Secret was refused" if '"Secret"' in given else done.stderr)


def fill():
    kept = []
    if os.path.exists(KEPT):
        with open(KEPT) as file:
            kept = json.load(file)["items"]
    place = lambda one: (one["metadata"]["namespace"], one["metadata"]["name"])
    live = {place(one) for one in kept}
    secrets = kept + [one for one in DATA["secrets"] if place(one) not in live]
    apply(DATA["manifests"])
    apply(secrets)
    return {"secrets": len(secrets)}


def waiting(pod):
    """Why a pod is not ready; empty: it is, or has done its work."""
    status = pod.get("status", {})
    if status.get("phase") == "Succeeded" or any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", [])):
        return ""
    for one in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        state = one.get("state", {}).get("waiting")
        if state and state.get("reason") not in ("PodInitializing", "ContainerCreating"):
            return f"{one['name']}: {state.get('reason')} {state.get('message', '')}".strip()
    for one in status.get("conditions", []):
        if one["type"] == "PodScheduled" and one["status"] != "True":
            return one.get("message", "it has no node")
    return status.get("phase", "Pending")


def short_of(one):
    wanted = one["spec"].get("replicas", 1)
    return one["kind"] != "Pod" and one.get("status", {}).get("readyReplicas", 0) < wanted


def wait():
    """Those that are not ready when the time is over, with why."""
    end = time.monotonic() + DATA["seconds"]
    while True:
        found = [one for namespace in DATA["namespaces"] for one in items("--namespace", namespace, "pods,deployments.apps,statefulsets.apps")]
        name = lambda one: f"{one['metadata']['namespace']}/{one['metadata']['name']}"
        late = [{"name": name(one), "why": waiting(one)} for one in found if one["kind"] == "Pod" and waiting(one)]
        if not late:
            late = [{"name": name(one), "why": "it has too few pods"} for one in found if short_of(one)]
        if not late or time.monotonic() > end:
            return {"late": late}
        time.sleep(2)


def forget():
    if os.path.exists(KEPT):
        os.remove(KEPT)
    return {}


print(json.dumps({"look": look, "clear": clear, "fill": fill, "wait": wait, "forget": forget}[DATA["do"]]()))
