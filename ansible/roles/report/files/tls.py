"""Certificates: what cert-manager has, and where in its chain of request, order and challenge it is held up. Pure."""

from causes import CERTIFICATE, because, known
from seen import condition, place, since

# Seconds. DNS-01 takes a minute or two; a renewal has a third of the lifetime to succeed.
ISSUING = 600
DAY = 86_400
LATE = DAY
LEAST_LEFT = 14 * DAY
# https://github.com/cert-manager/cert-manager/blob/v1.20.0/pkg/apis/acme/v1/types.go
FAILED = ("invalid", "expired", "errored")


def owned(seen, kind, owner_kind, owner):
    """The youngest object of a kind that is of this one; None without any."""
    found = [
        one
        for one in seen.of(kind, "cert-manager.io")
        if place(one)[0] == place(owner)[0]
        and any(
            ref.get("kind") == owner_kind and ref.get("name") == owner["metadata"]["name"]
            for ref in one["metadata"].get("ownerReferences") or []
        )
    ]
    return max(found, key=lambda one: one["metadata"].get("creationTimestamp", ""), default=None)


def challenges(seen, order):
    return [
        one
        for one in seen.of("Challenge", "cert-manager.io")
        if place(one)[0] == place(order)[0]
        and any(ref.get("name") == order["metadata"]["name"] for ref in one["metadata"].get("ownerReferences") or [])
    ]


def chain(seen, certificate):
    """(words, failed, seconds): the deepest thing that says something, whether that is final, and for how long it is tried."""
    request = owned(seen, "CertificateRequest", "Certificate", certificate)
    if request is None:
        return "", False, 0
    waited = seen.age(request)
    order = owned(seen, "Order", "CertificateRequest", request)
    if order is not None:
        for challenge in challenges(seen, order):
            status = challenge.get("status", {})
            if status.get("reason") and status.get("state") != "valid":
                return f"{challenge['spec'].get('dnsName', '')}: {status['reason']}", status.get("state") in FAILED, waited
        status = order.get("status", {})
        if status.get("reason"):
            return status["reason"], status.get("state") in FAILED, waited
    ready = condition(request, "Ready")
    if ready.get("status") == "True":
        return "", False, 0
    return ready.get("message", ""), ready.get("reason") == "Failed", waited


def issuer(seen, certificate):
    """What keeps its issuer from working; empty: nothing known."""
    ref = certificate.get("spec", {}).get("issuerRef", {})
    if ref.get("kind", "Issuer") != "ClusterIssuer":
        return ""
    found = next((one for one in seen.of("ClusterIssuer", "cert-manager.io") if one["metadata"]["name"] == ref.get("name")), None)
    if found is None:
        return f"there is no ClusterIssuer {ref.get('name')}"
    ready = condition(found, "Ready")
    return "" if ready.get("status") == "True" else f"ClusterIssuer {ref['name']}: {ready.get('message') or 'it is not ready yet'}"


def stale(seen, status):
    """Why a certificate that is valid now is too old; empty: it is not."""
    end, renewal = status.get("notAfter"), status.get("renewalTime")
    if not end:
        return ""
    left = -since(end, seen.at)
    life = since(status.get("notBefore"), seen.at) + left if status.get("notBefore") else LEAST_LEFT * 4
    if left <= 0:
        return f"it expired at {end}"
    if renewal and since(renewal, seen.at) > LATE:
        return f"it should have been renewed at {renewal}, and ends at {end}"
    if left < min(LEAST_LEFT, life / 4):
        return f"it ends at {end}"
    return ""


def certificates(seen):
    rows = []
    for certificate in seen.of("Certificate", "cert-manager.io"):
        namespace, name = place(certificate)
        status = certificate.get("status", {})
        ready = condition(certificate, "Ready")
        good = ready.get("status") == "True"
        old = stale(seen, status)
        said, failed, waited = chain(seen, certificate)
        words = said or ("" if good else issuer(seen, certificate))
        # An attempt leaves its last words with the Certificate when cert-manager has cleared its request away.
        issuing = condition(certificate, "Issuing")
        if not words and issuing.get("status") == "False":
            words, failed = issuing.get("message", ""), True
        reason = old or ("" if good else words or ready.get("message") or "cert-manager has not begun")
        rows.append(
            {
                "name": name,
                "namespace": namespace,
                "ready": good,
                "notAfter": status.get("notAfter", ""),
                "renewalTime": status.get("renewalTime", ""),
                "reason": reason,
            }
        )
        cause = known(CERTIFICATE, words)
        # That the record takes a while to be seen is no fault at first; that the token is refused is one at once.
        wrong = failed or (cause is not None and cause[0] != "propagation")
        patience = max(waited, 0 if good or said else seen.age(certificate))
        if old or (words and wrong) or (not good and patience > ISSUING):
            what = f"certificate {namespace}/{name} " + ("is stale" if old and good else "can't be renewed" if good else "is not issued")
            fix = f"infra-k3s kubectl -n {namespace} get certificate,certificaterequest,order,challenge"
            why, fix = because(CERTIFICATE, words or ready.get("message", ""), fix)
            seen.tell(what, f"{old}; {why}" if old and why else why, fix, seen.owner("Certificate", namespace, name))
    return rows


def failing(seen, rows, namespace, secret):
    """Whether the certificate that a Secret is made from is not there yet."""
    made = [place(one) for one in seen.of("Certificate", "cert-manager.io") if one.get("spec", {}).get("secretName") == secret]
    return any((row["namespace"], row["name"]) in made and row["namespace"] == namespace and not row["ready"] for row in rows)
