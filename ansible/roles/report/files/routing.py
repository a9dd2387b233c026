"""The Gateway, the routes at it, and the webhook that comes in over one. Pure."""

import tls
from causes import short
from seen import condition, place
from workloads import workload

# Seconds until Traefik has looked at something new.
LOOKING = 120
ROUTE_FIXES = {
    "NotAllowedByListeners": "label its namespace in git: infra-k3s/routes: \"true\"",
    "NoMatchingListenerHostname": "its host has to be the domain, or a name one level below it",
    "NoMatchingParent": "its parentRefs have to name Gateway `public` of namespace `gateway` and a listener of it: https-wildcard, https-apex",
    "BackendNotFound": "its backendRefs have to name a Service that is there, and a port of it",
    "RefNotPermitted": "a Service in another namespace needs a ReferenceGrant there",
}
LISTENER_FIXES = {
    "PortUnavailable": "a listener's port has to be that of an entryPoint of Traefik: 80 and 443",
    "InvalidCertificateRef": "its Secret is made by cert-manager: infra-k3s kubectl get certificates --all-namespaces",
    "RefNotPermitted": "a Secret in another namespace needs a ReferenceGrant there",
}


def listener(one):
    """{name, attachedRoutes, ok, reason}, of a listener's status."""
    bad = [
        each
        for each in one.get("conditions") or []
        if each.get("status") == ("True" if each.get("type") == "Conflicted" else "False")
    ]
    reason = "; ".join(short(f"{each.get('reason', '')}: {each.get('message', '')}") for each in bad)
    row = {"name": one["name"], "attachedRoutes": one.get("attachedRoutes", 0), "ok": not bad, "reason": reason}
    return row, [each.get("reason", "") for each in bad]


def gateways(seen, certificates):
    rows = []
    for gateway in seen.of("Gateway", "gateway.networking.k8s.io"):
        namespace, name = place(gateway)
        programmed = condition(gateway, "Programmed")
        looked = [listener(one) for one in gateway.get("status", {}).get("listeners") or []]
        listeners = [row for row, _ in looked]
        good = programmed.get("status") == "True" and all(row["ok"] for row in listeners)
        ill = [f"{row['name']}: {row['reason']}" for row in listeners if not row["ok"]]
        reason = "" if good else "; ".join(ill) or programmed.get("message") or "Traefik has not looked at it"
        rows.append({"name": name, "namespace": namespace, "programmed": good, "reason": reason, "listeners": listeners})
        if good or (not ill and seen.age(gateway) < LOOKING):
            continue
        application = seen.owner("Gateway", namespace, name)
        secrets = {
            ref["name"]
            for one in gateway.get("spec", {}).get("listeners") or []
            for ref in (one.get("tls") or {}).get("certificateRefs") or []
        }
        if any(tls.failing(seen, certificates, namespace, secret) for secret in secrets):
            # It waits for its certificate, which is told or still young.
            seen.blamed.add(application)
            continue
        why = [each for _, reasons in looked for each in reasons]
        fix = next((LISTENER_FIXES[each] for each in why if each in LISTENER_FIXES), "infra-k3s kubectl -n traefik logs daemonset/traefik")
        seen.tell(f"gateway {namespace}/{name} does not serve", short(reason), fix, application)
    return rows


def routes(seen, gateway_rows):
    rows = []
    waiting = {(row["namespace"], row["name"]) for row in gateway_rows if not row["programmed"]}
    for route in seen.of("HTTPRoute", "gateway.networking.k8s.io"):
        namespace, name = place(route)
        spec, parents = route.get("spec", {}), route.get("status", {}).get("parents") or []
        faults = []
        for parent in parents:
            for kind in ("Accepted", "ResolvedRefs"):
                found = condition(parent, kind)
                if found.get("status") != "True":
                    faults.append((kind, found.get("reason") or "Pending", found.get("message", "")))
        # Traefik leaves the status of a route alone whose Gateway it does not serve, so a route can lack one of its parents.
        if len(parents) < len(spec.get("parentRefs") or [None]):
            faults.append(("Accepted", "Pending", "no Gateway has taken it"))
        reason = "; ".join(dict.fromkeys(f"{why}: {said}" if said else why for _, why, said in faults))
        row = {
            "name": name,
            "namespace": namespace,
            "hosts": spec.get("hostnames") or [],
            "accepted": not any(kind == "Accepted" for kind, _, _ in faults),
            "resolvedRefs": not any(kind == "ResolvedRefs" for kind, _, _ in faults),
            "reason": reason,
        }
        rows.append(row)
        at = {(ref.get("namespace", namespace), ref["name"]) for ref in spec.get("parentRefs") or []}
        if not faults or seen.age(route) < LOOKING or at & waiting:
            continue
        fix = next((ROUTE_FIXES[why] for _, why, _ in faults if why in ROUTE_FIXES), f"infra-k3s kubectl -n {namespace} describe httproute {name}")
        hosts = f" ({', '.join(row['hosts'])})" if row["hosts"] else ""
        seen.tell(f"route {namespace}/{name}{hosts} is not served", short(reason), fix, seen.owner("HTTPRoute", namespace, name))
    return rows


def taken(seen):
    """A hostPort is translated before any program of the node's sees the connection; that Traefik listens there keeps nobody off."""
    if not seen.of("Gateway", "gateway.networking.k8s.io"):
        return
    ingress = {place(node)[1] for node in seen.of("Node") if node["metadata"].get("labels", {}).get("infra-k3s/ingress") == "true"}
    for pod in seen.of("Pod"):
        spec = pod.get("spec", {})
        if spec.get("hostNetwork") or spec.get("nodeName") not in ingress or pod.get("status", {}).get("phase") != "Running":
            continue
        asked = {port.get("hostPort") for container in spec.get("containers") or [] for port in container.get("ports") or []}
        (kind, name), namespace = workload(pod), place(pod)[0]
        for port in sorted(asked & {80, 443}):
            seen.tell(
                f"{kind.lower()} {namespace}/{name} takes port {port} from Traefik",
                f"its hostPort gets what comes to {spec['nodeName']} by IPv4, so that no route is served there",
                "take the hostPort out of its manifest in git, and give it a route: docs/gitops.md",
                seen.owner(kind, namespace, name),
            )


def webhook(seen):
    """Anybody can send one without the secret, so it is told, but wakes nobody; a push that was taken since ends it."""
    refused, taken = seen.webhooks["refused"], seen.webhooks["taken"]
    if refused and refused > taken:
        seen.tell(
            "the webhook's secret is wrong",
            f"Argo CD refused a webhook at {refused}: HMAC verification failed. Pushes are seen only at the next look, every 30 s",
            "give the git host the secret: infra-k3s secrets show kubernetes/bootstrap/secrets/webhook.sops.yaml",
            severity="warning",
        )
