"""Waits until Velero can restore a backup: it works, reaches its bucket, and has taken all of the backup's list over from it.

Runs on the master, and prints what it waits for as lines of JSON. DATA: {"backup", "volumes": how many of the backup's volumes it has to know, "patience": seconds}."""

import sys
import time


def get(*args):
    return look_up("--namespace", "velero", "get", *args, seconds=30)


def missing(since):
    """What there is to wait for; empty: nothing. What the restored database says of before does not count."""
    locations, fault = get("backupstoragelocations.velero.io")
    status = (locations["items"] or [{}])[0].get("status", {}) if locations else {}
    validated = status.get("lastValidationTime")
    if not validated or seconds_of(validated) < since:
        return fault or "Velero has not looked at its bucket yet: its pod does not run"
    if status.get("phase") != "Available":
        return f"Velero does not reach its bucket: {status.get('message', status.get('phase', ''))}"
    agents, fault = get("daemonset", "node-agent")
    agents = agents["status"] if agents else {}
    if agents.get("numberReady", 0) == 0:
        return fault or "no node agent is ready"
    backup, fault = get("backups.velero.io", DATA["backup"])
    if backup is None:
        return f"Velero has not taken {DATA['backup']} over from the bucket yet: {fault}"
    volumes, fault = get("podvolumebackups.velero.io", "--selector=velero.io/backup-name=" + DATA["backup"])
    known = len(volumes["items"]) if volumes else 0
    # It makes these after the Backup, and restores no volume that it does not know.
    if known < DATA["volumes"]:
        return fault or f"Velero knows {known} of the backup's {DATA['volumes']} volumes"
    wanted = agents.get("desiredNumberScheduled", 0)
    if agents["numberReady"] < wanted:
        return f"{agents['numberReady']} of {wanted} node agents are ready"
    return ""


def main():
    begun, end, told = time.time(), time.monotonic() + DATA["patience"], ""
    while True:
        waiting = missing(begun)
        if waiting == "":
            return
        # One node's agent does not keep the others' volumes.
        if time.monotonic() > end:
            if "node agents are ready" in waiting:
                return
            sys.exit(waiting)
        if waiting != told:
            print(json.dumps({"progress": waiting}), flush=True)
            told = waiting
        time.sleep(3)


main()
