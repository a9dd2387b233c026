"""Brings ArgoCD up, once. A line of JSON for each step; a failure is the last line, with what was said. Run again, it goes on."""

import sys
import time

# ArgoCD applies under this name too, so that what a later commit takes out has no other owner and goes.
# https://github.com/argoproj/argo-cd/blob/v3.6.1/common/common.go: ArgoCDSSAManager
MANAGER = "argocd-controller"
PULL_PATIENCE = 300


def say(step):
    print(json.dumps({"step": step}), flush=True)


def fail(kind, output):
    print(json.dumps({"fault": kind, "output": output[-4000:]}), flush=True)
    sys.exit(3)


def give_up(said):
    """In place of kubectl.py's."""
    fail("kubectl", said.strip())


def apply(manifests, quiet=False):
    if not manifests:
        return
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    flags = ["--server-side", "--force-conflicts", "--field-manager=" + MANAGER]
    done = kubectl("apply", *flags, "-f", "-", given=given, check=False)
    if done.returncode != 0:
        # kubectl quotes what was refused at times.
        fail("kubectl", "the Secrets were refused" if quiet else done.stderr.strip())


def prove(pod):
    """Reads the repository as the cluster will: its key, its network, its names."""
    name = ["-n", "argocd", "pod/" + pod["metadata"]["name"]]
    remove = lambda: kubectl("delete", *name, "--ignore-not-found", "--grace-period=1", "--wait=true", check=False)
    remove()
    kubectl("create", "-f", "-", given=json.dumps(pod))
    try:
        deadline = time.monotonic() + PULL_PATIENCE
        while True:
            status = json.loads(kubectl("get", *name, "-o", "json").stdout).get("status", {})
            phase = status.get("phase")
            if phase in ("Succeeded", "Failed"):
                break
            if time.monotonic() > deadline:
                fail("pod", waiting(status))
            time.sleep(0.5)
        output = kubectl("logs", *name, check=False)
        if phase == "Failed":
            fail("git", (output.stdout + output.stderr).strip() or status.get("message", "it said nothing"))
        if not output.stdout.strip():
            fail("branch", "")
    finally:
        remove()


def waiting(status):
    for one in status.get("containerStatuses", []):
        state = one.get("state", {}).get("waiting", {})
        if state:
            return f"{state.get('reason', '')}: {state.get('message', '')}"
    for one in status.get("conditions", []):
        if one.get("status") == "False" and one.get("message"):
            return one["message"]
    return "it did not start"


def established(crds):
    names = ["crd/" + one["metadata"]["name"] for one in crds]
    # `kubectl wait` takes a definition that has no conditions yet for a fault.
    deadline = time.monotonic() + 60
    while names:
        done = kubectl("wait", "--for=condition=Established", "--timeout=30s", *names, check=False)
        if done.returncode == 0:
            return
        if time.monotonic() > deadline:
            fail("kubectl", done.stderr.strip())
        time.sleep(0.5)


def main():
    if kubectl("get", "namespace", "argocd", check=False).returncode != 0:
        kubectl("create", "namespace", "argocd")
    apply(DATA["namespaces"])
    apply(DATA["secrets"], quiet=True)
    say("the namespace argocd has the age key and the deploy key")
    if DATA["restart"]:
        kubectl("-n", "argocd", "delete", "pod", "-l", "app.kubernetes.io/name=argocd-repo-server", "--wait=false")
        say("argocd-repo-server starts anew with the other key")
    if DATA["pod"] is None:
        return
    apply(DATA["knownHosts"])
    prove(DATA["pod"])
    say("a pod in the cluster has read the repository")
    apply(DATA["crds"])
    established(DATA["crds"])
    apply(DATA["projects"])
    apply(DATA["rest"])
    # A first look that finds no repo-server is repeated half a minute later only.
    kubectl("-n", "argocd", "rollout", "status", "deployment/argocd-repo-server", "--timeout=300s", "--request-timeout=0")
    apply(DATA["applications"])
    say("ArgoCD is applied, and follows the repository from now on")


main()
