"""What the cluster says of itself: the API's objects, and what Argo CD's server wrote of webhooks. Effects alone: judge.py says what
of it is wrong. Reads only, and no Secret."""

import concurrent.futures
import json
import os
import re
import subprocess
import time

import volumes

# The kinds that a cluster without GitOps lacks have their group's name.
CORE = ("nodes", "pods", "deployments.apps", "daemonsets.apps", "persistentvolumeclaims", "persistentvolumes")
CUSTOM = (
    "applications.argoproj.io",
    "certificates.cert-manager.io",
    "certificaterequests.cert-manager.io",
    "clusterissuers.cert-manager.io",
    "orders.acme.cert-manager.io",
    "challenges.acme.cert-manager.io",
    "gateways.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "backupstoragelocations.velero.io",
    "schedules.velero.io",
    "backups.velero.io",
)
# https://github.com/argoproj/argo-cd/blob/v3.6.1/util/webhook/scm.go and webhook.go
REFUSED = re.compile(r"HMAC verification failed|token verification failed|UUID verification failed", re.IGNORECASE)
TAKEN = re.compile(r"Received push event repo")


def kubectl(*args, seconds=30):
    """(exit code, stdout, stderr) of one call to the API on this host."""
    argv = ["k3s", "kubectl", f"--request-timeout={seconds}s", *args]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False, timeout=seconds + 15
        )
    except OSError as error:
        return 127, "", str(error)
    except subprocess.TimeoutExpired:
        return 124, "", f"no answer after {seconds} s"
    return done.returncode, done.stdout, done.stderr.strip()


def items(text):
    try:
        return json.loads(text)["items"]
    except (ValueError, KeyError):
        return None


def objects():
    """Every object of every kind that the cluster knows, and why it could not be asked; empty: it could."""
    code, out, err = kubectl("get", ",".join(CORE + CUSTOM), "--all-namespaces", "--output=json")
    if code != 0:
        # One kind that is not known fails the whole call.
        known, names, err = kubectl("get", "customresourcedefinitions.apiextensions.k8s.io", "--output=name")
        if known != 0:
            return [], said(err)
        there = {line.partition("/")[2] for line in names.splitlines()}
        kinds = CORE + tuple(kind for kind in CUSTOM if kind in there)
        code, out, err = kubectl("get", ",".join(kinds), "--all-namespaces", "--output=json")
    found = items(out)
    return (found, "") if code == 0 and found is not None else (found or [], said(err))


def saved(found):
    """What of each volume is in the newest good backup; of all backups they would be thousands."""
    newest = volumes.newest([one for one in found if one.get("kind") == "Backup"])
    if newest is None:
        return []
    args = ("--namespace=velero", "--selector=velero.io/backup-name=" + newest["metadata"]["name"], "--output=json")
    _, out, _ = kubectl("get", "podvolumebackups.velero.io", *args)
    return items(out) or []


def said(err):
    lines = [line for line in err.splitlines() if line.strip()]
    return lines[-1] if lines else "kubectl said nothing"


def webhooks():
    """When Argo CD's server last refused a webhook and last took one, of the last hour; empty: it did not."""
    args = ("--namespace=argocd", "--selector=app.kubernetes.io/name=argocd-server", "--since=1h", "--timestamps", "--tail=-1")
    _, out, _ = kubectl("logs", *args)
    last = {"refused": "", "taken": ""}
    for line in out.splitlines():
        when = line.partition(" ")[0]
        if REFUSED.search(line):
            last["refused"] = max(last["refused"], when)
        elif TAKEN.search(line):
            last["taken"] = max(last["taken"], when)
    return last


def snapshots():
    """Of etcd's snapshots in S3, what K3s says: https://docs.k3s.io/cli/etcd-snapshot#etcdsnapshotfile-custom-resources"""
    selector = "--selector=etcd.k3s.cattle.io/snapshot-storage-node=s3"
    _, out, _ = kubectl("get", "etcdsnapshotfiles.k3s.cattle.io", selector, "--output=json")
    return [
        {
            "name": one["spec"]["snapshotName"],
            "at": one.get("status", {}).get("creationTime") or "",
            "ready": one.get("status", {}).get("readyToUse") is True,
            "error": (one.get("status", {}).get("error") or {}).get("message", ""),
        }
        for one in items(out) or []
    ]


def second_line(state="/var/lib/infra-k3s/second-line/last.json", program="/usr/local/lib/infra-k3s/second-line/second_line.py"):
    """What the copier said last; before it has ever been done, it counts from when it came to be. {} where there is none."""
    try:
        since = os.stat(program).st_mtime
    except OSError:
        return {}
    try:
        with open(state, encoding="utf-8") as file:
            return {"at": since, **json.load(file)}
    except (OSError, ValueError):
        return {"at": since}


def gathered(with_snapshots=False):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        log = pool.submit(webhooks)
        taken = pool.submit(snapshots if with_snapshots else list)
        found, fault = objects()
        found += saved(found)
        return {"at": time.time(), "objects": found, "fault": fault, "webhooks": log.result(), "snapshots": taken.result(), "second": second_line()}
