"""Whether etcd is saved outside of the cluster as often as it should be, and the volumes where no key of it deletes them. Pure."""

from seen import since

# An upload takes its time, and so does a master that was just started.
GRACE = 5 * 60


def snapshots(seen, minutes):
    """`minutes` is how often one is due; older than two intervals, at least one was missed. 0: none is declared."""
    if not minutes or seen.fault:
        return
    limit = 2 * minutes * 60 + GRACE
    servers = [node for node in seen.of("Node") if "node-role.kubernetes.io/etcd" in node["metadata"].get("labels", {})]
    if servers and max(seen.age(node) for node in servers) <= limit:
        return
    good = [one for one in seen.snapshots if one["ready"]]
    newest = max(good, key=lambda one: one["at"], default=None)
    if newest and since(newest["at"], seen.at) <= limit:
        return
    failed = max((one for one in seen.snapshots if one["error"]), key=lambda one: one["at"], default=None)
    had = f"the newest in R2 is {newest['name']}, taken {newest['at']}" if newest else "there is none in R2"
    why = f"{had}, and one is due every {minutes} min"
    if failed:
        why += f"; K3s says: {failed['error']}"
    seen.tell("etcd is not saved to R2", why, "infra-k3s up, which writes the bucket's key anew, then infra-k3s backup create")


# A copy is looked for every 15 min, and called complete once more after an hour at most where nothing is new.
STALE = 150 * 60
DAY = 24 * 3600


def second(seen, days):
    """The copy of the volumes' backups that can't be deleted for so many days; 0: none is declared."""
    last = seen.second
    # Velero has made nothing yet.
    if not days or not last or (last.get("empty") and "generation" not in last):
        return
    age, left = seen.at - last["at"], last.get("until", seen.at + days * DAY) - seen.at
    if age <= STALE and left >= days * DAY:
        return
    why = f"it was last complete {age / 60:.0f} min ago, and is locked for {left / DAY:.1f} more days" if "until" in last else "it was never complete"
    if last.get("empty"):
        why += "; Velero's folder in the bucket has no Completed backup any more"
    elif last.get("fault"):
        why += f"; {last['fault']}"
    seen.tell("the volumes' second line is not safe", why, "infra-k3s ssh MASTER sudo journalctl -u infra-k3s-second-line.service")
