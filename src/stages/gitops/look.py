"""What of GitOps is in the cluster, as one JSON object. Changes nothing; of Secrets it tells hashes alone."""

import base64
import hashlib
import re


def get(*args):
    """What there is of it; nothing where the kind is not known there yet."""
    done = kubectl("-n", "argocd", "get", "--ignore-not-found", "-o", "json", *args, check=False, seconds=20)
    if done.returncode != 0 and not re.search("doesn't have a resource type|could not find the requested resource", done.stderr):
        give_up(done.stderr)
    return listed(done.stdout if done.returncode == 0 else "")


def hashed(secret, key):
    value = secret.get("data", {}).get(key)
    return None if value is None else hashlib.sha256(base64.b64decode(value)).hexdigest()


def text(secret, key):
    return base64.b64decode(secret.get("data", {}).get(key, "")).decode()


def application(found):
    status = found.get("status", {})
    source = found["spec"].get("source", {})
    operation = status.get("operationState", {})
    return {
        "name": found["metadata"]["name"],
        "repoURL": source.get("repoURL", ""),
        "targetRevision": source.get("targetRevision", ""),
        "sync": status.get("sync", {}).get("status", "Unknown"),
        "revision": status.get("sync", {}).get("revision", ""),
        "health": status.get("health", {}).get("status", "Unknown"),
        "conditions": [one.get("message", "") for one in status.get("conditions", []) if one.get("type", "").endswith("Error")],
        "operation": {"phase": operation.get("phase", ""), "message": operation.get("message", "")},
        "failed": [
            f"{one.get('kind')} {one.get('name')}: {one.get('message', '')}"
            for one in operation.get("syncResult", {}).get("resources", [])
            if one.get("status") == "SyncFailed" or one.get("hookPhase") in ("Failed", "Error")
        ],
        "children": [one["name"] for one in status.get("resources", []) if one.get("kind") == "Application"],
    }


def look():
    kinds = {}
    for one in get("secret/sops-age", "secret/repository", "configmap/argocd-ssh-known-hosts-cm"):
        kinds[one["metadata"]["name"]] = one
    age, repository = kinds.get("sops-age"), kinds.get("repository")
    known = kinds.get("argocd-ssh-known-hosts-cm")
    argo = get("applications.argoproj.io,appprojects.argoproj.io")
    return {
        "ageKeys": None if age is None else hashed(age, "keys.txt"),
        "repository": None
        if repository is None
        else {
            "url": text(repository, "url"),
            "type": text(repository, "type"),
            "project": text(repository, "project"),
            "key": hashed(repository, "sshPrivateKey"),
            "label": repository["metadata"].get("labels", {}).get("argocd.argoproj.io/secret-type", ""),
        },
        "knownHosts": None if known is None else known.get("data", {}).get("ssh_known_hosts", ""),
        "projects": {
            one["metadata"]["name"]: one["spec"].get("sourceRepos") or [] for one in argo if one["kind"] == "AppProject"
        },
        "applications": [application(one) for one in argo if one["kind"] == "Application"],
    }
