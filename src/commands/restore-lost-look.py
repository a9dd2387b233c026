"""Prints the volumes that lie on nodes' own disks, and what makes the pods that use claims, as one JSON object. Changes nothing.

Runs on the master."""

import re

KINDS = "persistentvolumes,persistentvolumeclaims,pods,deployments.apps,replicasets.apps,statefulsets.apps,daemonsets.apps"


def node_of(spec):
    for term in spec.get("nodeAffinity", {}).get("required", {}).get("nodeSelectorTerms", []):
        for one in term.get("matchExpressions", []):
            if one.get("key") == "kubernetes.io/hostname" and one.get("values"):
                return one["values"][0]
    return ""


def volume(one):
    spec = one["spec"]
    path = (spec.get("local") or spec.get("hostPath") or {}).get("path")
    claim, node = spec.get("claimRef"), node_of(spec)
    if path is None or claim is None or node == "" or one.get("status", {}).get("phase") != "Bound":
        return None
    return {"volume": one["metadata"]["name"], "claim": f"{claim['namespace']}/{claim['name']}", "node": node, "path": path}


def main():
    things = items(KINDS, "--all-namespaces")
    claims = [one for one in things if one["kind"] == "PersistentVolumeClaim"]
    names = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in claims]
    # It ends with its pod, as an emptyDir does.
    ephemeral = {f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in claims if (owner_of(one) or {}).get("kind") == "Pod"}
    replica_sets = {(one["metadata"]["namespace"], one["metadata"]["name"]): one for one in things if one["kind"] == "ReplicaSet"}
    makers = {}

    def note(kind, namespace, name, claims):
        if claims:
            makers.setdefault((kind, namespace, name), set()).update(f"{namespace}/{claim}" for claim in claims)

    def maker(kind, namespace, name):
        """Of a ReplicaSet the Deployment, where it has one."""
        owner = owner_of(replica_sets[namespace, name]) if kind == "ReplicaSet" and (namespace, name) in replica_sets else None
        return (owner["kind"], owner["name"]) if owner else (kind, name)

    for one in things:
        kind, namespace, name = one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]
        if kind == "Pod":
            owner = owner_of(one)
            if owner is None or one.get("status", {}).get("phase") in ("Succeeded", "Failed"):
                continue
            of, by = maker(owner["kind"], namespace, owner["name"])
            note(of, namespace, by, claims_in(one["spec"]))
        elif kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"):
            of, by = maker(kind, namespace, name)
            used = claims_in(one["spec"].get("template", {}).get("spec", {}))
            for template in one["spec"].get("volumeClaimTemplates") or []:
                pattern = re.compile(re.escape(f"{template['metadata']['name']}-{name}-") + r"\d+\Z")
                used += [claim for space, claim in names if space == namespace and pattern.match(claim)]
            note(of, namespace, by, used)
    volumes = [found for found in (volume(one) for one in things if one["kind"] == "PersistentVolume") if found and found["claim"] not in ephemeral]
    workloads = [{"kind": kind, "namespace": namespace, "name": name, "claims": sorted(claims)} for (kind, namespace, name), claims in makers.items()]
    print(json.dumps({"volumes": volumes, "workloads": workloads}))


main()
