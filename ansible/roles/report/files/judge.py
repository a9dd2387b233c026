"""What is in the cluster and what is wrong with it: the same for `infra-k3s status` and for the timer. Pure."""

import applications
import routing
import snapshots
import tls
import volumes
import workloads
from seen import Seen


def judged(raw, expected=(), snapshot_minutes=0, second_line_days=0):
    """`raw` is what gather.py brought; `expected` are names of nodes that must be there; a snapshot of etcd is due every so many minutes."""
    seen = Seen(raw)
    if seen.fault:
        fix = "infra-k3s ssh to the master: systemctl status k3s; infra-k3s doctor"
        seen.tell("the API does not answer as it should", seen.fault, fix)
    # What may be the cause of an ill Application comes before it.
    nodes = workloads.nodes(seen, expected)
    certificates = tls.certificates(seen)
    workloads.pods(seen)
    workloads.refused(seen)
    gateways = routing.gateways(seen, certificates)
    routes = routing.routes(seen, gateways)
    routing.taken(seen)
    apps = applications.applications(seen)
    routing.webhook(seen)
    backups = volumes.backups(seen)
    snapshots.snapshots(seen, snapshot_minutes)
    snapshots.second(seen, second_line_days)
    return {
        "nodes": nodes,
        "apps": apps,
        "certificates": certificates,
        "gateways": gateways,
        "routes": routes,
        "backups": {"volumes": backups},
        "webhooks": seen.webhooks,
        "problems": seen.problems,
        "fault": seen.fault,
    }
