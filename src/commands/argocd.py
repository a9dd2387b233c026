"""Gives ArgoCD's admin a password for as long as this program's standard input stays open, then one that nobody knows."""

import datetime
import signal
import subprocess


def kubectl(*args, given=None):
    return subprocess.run(
        ["k3s", "kubectl", "--request-timeout=20s", "-n", "argocd", *args],
        input=given, stdin=subprocess.DEVNULL if given is None else None, capture_output=True, text=True, check=False,
    )


def set_password(hashed):
    # Sessions that are older than the password end: https://github.com/argoproj/argo-cd/blob/v3.6.1/util/session/sessionmanager.go
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    patch = json.dumps({"stringData": {"admin.password": hashed, "admin.passwordMtime": now}})
    done = kubectl("patch", "secret", "argocd-secret", "--type=merge", "--patch-file=/dev/stdin", given=patch)
    if done.returncode != 0:
        print(json.dumps({"fault": done.stderr.strip()}), flush=True)
        sys.exit(3)


# The connection may end in any way: the password ends with it.
for one in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
    signal.signal(one, signal.SIG_IGN)
set_password(DATA["open"])
# What ArgoCD made up when it first started holds no more.
kubectl("delete", "secret", "argocd-initial-admin-secret", "--ignore-not-found")
print(json.dumps({"state": "open"}), flush=True)
sys.stdin.read()
set_password(DATA["closed"])
print(json.dumps({"state": "closed"}), flush=True)
