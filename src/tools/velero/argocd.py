"""Holds ArgoCD or lets it go on: its controllers at 0, with how many there were noted on each. Runs on the master.

DATA: {"hold": bool}. Prints {"changed": bool}."""

import sys
import time

# What changes the cluster; the server and the repo-server only answer.
CONTROLLERS = ("statefulset/argocd-application-controller", "deployment/argocd-applicationset-controller")
NOTE = "infra-k3s/replicas-before-restore"
PATIENCE = 120
HERE = ("--namespace", "argocd")


def look(name):
    return next(iter(items(*HERE, name, seconds=30)), None)


def set_to(name, replicas, note):
    """Both at once: what was held without a note nobody would let go on."""
    body = {"metadata": {"annotations": {NOTE: note}}, "spec": {"replicas": replicas}}
    kubectl(*HERE, "patch", name, "--type=merge", "--patch", json.dumps(body))


def hold(name, one):
    """Whether it was changed; it has no pod any more afterwards."""
    replicas = one["spec"].get("replicas", 1)
    noted = NOTE in (one["metadata"].get("annotations") or {})
    # At 0 without a note it is by somebody else's wish, and stays so when the restore is done.
    if replicas > 0:
        set_to(name, 0, str(replicas))
    end = time.monotonic() + PATIENCE
    while (look(name) or {}).get("status", {}).get("replicas", 0) > 0:
        if time.monotonic() > end:
            sys.exit(f"{name} still has pods {PATIENCE} s after it was to have none")
        time.sleep(1)
    return replicas > 0 and not noted


def resume(name, one):
    noted = (one["metadata"].get("annotations") or {}).get(NOTE)
    if noted is None:
        return False
    set_to(name, max(one["spec"].get("replicas", 0), int(noted)), None)
    return True


def wait_for_a_look(since):
    """What its Applications say until then is of the time when it was held. One that is never looked at holds nobody up for ever."""
    end = time.monotonic() + PATIENCE
    while any((one.get("status") or {}).get("reconciledAt", "") < since for one in items(*HERE, "applications.argoproj.io", seconds=30)):
        if time.monotonic() > end:
            return
        time.sleep(2)


def main():
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    found = [(name, one) for name in CONTROLLERS for one in [look(name)] if one is not None]
    change = hold if DATA["hold"] else resume
    changed = any([change(name, one) for name, one in found])
    if changed and not DATA["hold"]:
        wait_for_a_look(since)
    print(json.dumps({"changed": changed}))


main()
