"""Nodes, and pods that do not run. Pure."""

from causes import IMAGE, because, short
from seen import condition, place, since

# Seconds that a pod may wait for a place: a rolling update makes room first.
PLACING = 120
IMAGES = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError")
CONFIGURATION = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


def nodes(seen, expected=()):
    """Every node of the API; `expected` are the names that must be there."""
    rows = []
    for node in seen.of("Node"):
        name, ready = node["metadata"]["name"], condition(node, "Ready")
        good = ready.get("status") == "True"
        reason = "" if good else ready.get("message") or "it has not reported"
        rows.append({"name": name, "ready": good, "reason": reason})
        if not good:
            seen.tell(
                f"node {name} is down",
                f"{reason} (since {ready.get('lastTransitionTime', 'its start')})",
                f"look whether its server runs, then infra-k3s doctor; its unit: infra-k3s ssh {name} systemctl status 'k3s*'",
            )
    for name in sorted(set(expected) - {row["name"] for row in rows}):
        if not seen.fault:
            seen.tell(f"node {name} is not in the cluster", "the API has no such node", "infra-k3s up")
    return rows


def workload(pod):
    """(kind, name) of what a person declared that this pod is of."""
    owner = next(iter(pod["metadata"].get("ownerReferences") or []), None)
    if owner is None:
        return "Pod", pod["metadata"]["name"]
    if owner["kind"] == "ReplicaSet":
        return "Deployment", owner["name"].rpartition("-")[0]
    return owner["kind"], owner["name"]


def pods(seen):
    for pod in seen.of("Pod"):
        status = pod.get("status", {})
        if pod["metadata"].get("deletionTimestamp") or status.get("phase") == "Succeeded":
            continue
        namespace, _ = place(pod)
        kind, name = workload(pod)
        application = seen.owner(kind, namespace, name)
        who = f"app {application}" if application else f"{kind.lower()} {namespace}/{name}"
        unplaced(seen, pod, who, application)
        for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
            waiting = (container.get("state") or {}).get("waiting")
            if waiting:
                held(seen, pod, container, who, application)


def unplaced(seen, pod, who, application):
    placed = condition(pod, "PodScheduled")
    if placed.get("status") == "False" and since(placed.get("lastTransitionTime"), seen.at) > PLACING:
        why = f"{'/'.join(place(pod))}: {short(placed.get('message', 'it has not been placed'))}"
        seen.tell(f"{who}: a pod finds no node", why, "make room, or change what the pod asks for", application)


def held(seen, pod, container, who, application):
    namespace, pod_name = place(pod)
    waiting = container["state"]["waiting"]
    reason, said = waiting.get("reason", ""), waiting.get("message", "")
    if reason in IMAGES:
        why, fix = because(IMAGE, f"{reason}: {said}", f"infra-k3s kubectl -n {namespace} describe pod {pod_name}")
        node = pod.get("spec", {}).get("nodeName", "")
        seen.tell(f"{who}: the image {container.get('image', '')} can't be pulled", f"{why} (on {node})", fix, application)
    elif reason in CONFIGURATION:
        fix = f"infra-k3s kubectl -n {namespace} describe pod {pod_name}"
        seen.tell(f"{who}: the container {container['name']} can't start", short(f"{reason}: {said}"), fix, application)
    elif reason == "CrashLoopBackOff":
        last = (container.get("lastState") or {}).get("terminated") or {}
        ended = f"it ended with {last.get('exitCode', '?')} ({last.get('reason', 'no reason given')}), {container.get('restartCount', 0)} times"
        why = short(f"{ended}: {last['message']}") if last.get("message") else ended
        fix = f"infra-k3s kubectl -n {namespace} logs {pod_name} -c {container['name']} --previous"
        seen.tell(f"{who}: the container {container['name']} keeps ending", why, fix, application)


def refused(seen):
    """Deployments whose pods the API does not take."""
    for deployment in seen.of("Deployment", "apps"):
        failure = condition(deployment, "ReplicaFailure")
        if failure.get("status") != "True":
            continue
        namespace, name = place(deployment)
        application = seen.owner("Deployment", namespace, name)
        who = f"app {application}" if application else f"deployment {namespace}/{name}"
        fix = "correct what is named: a pod's securityContext, a quota, a ServiceAccount"
        seen.tell(f"{who}: its pods are refused", short(failure.get("message", "")), fix, application)
