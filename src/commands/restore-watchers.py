"""Has every pod begin anew that may have watched the API since before the database went back. Runs on the master.

A watch goes on at the revision it was at, which the restored database comes to with other things: nobody tells the pod that what
it saw is gone. A pod without a token has no watch. DATA: {"mark": a file of the moment at which the database went back}. Prints
{"restarted": how many}."""

import os
import time


def has_token(pod):
    volumes = pod["spec"].get("volumes") or []
    return any("serviceAccountToken" in source for volume in volumes for source in (volume.get("projected") or {}).get("sources") or [])


def comes_back(pod):
    """A pod that nothing makes anew is left alone, and one of a node's own files is none of the API's."""
    owner = owner_of(pod)
    return owner is not None and owner["kind"] != "Node"


def began(pod):
    states = [one.get("state", {}) for one in pod.get("status", {}).get("containerStatuses") or []]
    return [seconds_of(state["running"]["startedAt"]) for state in states if "running" in state]


def main():
    since = os.path.getmtime(DATA["mark"]) if os.path.exists(DATA["mark"]) else time.time()
    names = {}
    for pod in items("pods", "--all-namespaces"):
        if has_token(pod) and comes_back(pod) and any(at < since for at in began(pod)):
            names.setdefault(pod["metadata"]["namespace"], []).append(pod["metadata"]["name"])
    for namespace, some in sorted(names.items()):
        kubectl("--namespace", namespace, "delete", "pods", *some, "--ignore-not-found", "--wait=false")
    print(json.dumps({"restarted": sum(map(len, names.values()))}))


main()
