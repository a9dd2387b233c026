"""Makes a Backup or a Restore of Velero's, or takes the one that is there, and follows it to its end. Runs on the master.

Prints a line of JSON whenever something has moved, and what came of it last. DATA: {"kind": "Backup" | "Restore", "name",
"backup", "namespaces": [names, or "*"], "resources": [kinds] or none for all, "stalled": seconds without a move until it gives up,
"unreached": the same while Velero can't reach its bucket}."""

import re
import time

NAMESPACE = "velero"
HERE = ("--namespace", NAMESPACE)
# https://velero.io/docs/v1.18/api-types/backup/, restore/: `status.phase`.
LAST = ("Completed", "PartiallyFailed", "Failed", "FailedValidation")
# Kopia asks R2 for each small file by itself, and Velero lets it ask for as many at once as a node has cores: by default
# the round trips are most of the time.
AT_ONCE = 16
KIND = DATA["kind"]
RESOURCE = KIND.lower() + "s.velero.io"
VOLUMES = "podvolume" + RESOURCE
LABEL = f"velero.io/{KIND.lower()}-name={DATA['name']}"


def say(**line):
    print(json.dumps(line), flush=True)


def get(*args):
    return look_up(*HERE, "get", *args, seconds=30)


def wanted():
    if KIND == "Restore":
        spec = {
            "backupName": DATA["backup"],
            "includedNamespaces": DATA["namespaces"],
            "uploaderConfig": {"parallelFilesDownload": AT_ONCE},
        }
        if DATA.get("resources"):
            spec["includedResources"] = DATA["resources"]
        return manifest({}, spec)
    schedule, fault = get("schedules.velero.io", "volumes")
    if schedule is None:
        give_up(fault)
    # Without the Schedule's annotations: by Argo CD's among them it would take the Backup for its own, and prune it.
    labels = {**(schedule["metadata"].get("labels") or {}), "velero.io/schedule-name": "volumes"}
    return manifest(labels, schedule["spec"]["template"])


def manifest(labels, spec):
    metadata = {"name": DATA["name"], "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": "velero.io/v1", "kind": KIND, "metadata": metadata, "spec": spec}


def ensure():
    seen, fault = get(RESOURCE, DATA["name"])
    if seen is not None:
        return
    if "not found" not in fault.lower():
        give_up(fault)
    made = kubectl(*HERE, "create", "--filename=-", given=json.dumps(wanted()), check=False)
    if made.returncode != 0 and "AlreadyExists" not in made.stderr:
        give_up(made.stderr)


def megabytes(count):
    return f"{count / 1e6:.1f} MB"


def moved(one, volumes):
    """How far it is, for people."""
    status = one.get("status") or {}
    progress = status.get("progress") or {}
    done, total = progress.get("itemsBackedUp", progress.get("itemsRestored", 0)), progress.get("totalItems", 0)
    text = f"Velero: {status.get('phase') or 'not begun'}, {done} of {total} objects"
    if not volumes:
        return text
    ended = [volume for volume in volumes if volume.get("status", {}).get("phase") in ("Completed", "Failed", "Canceled")]
    sizes = [volume.get("status", {}).get("progress") or {} for volume in volumes]
    through, of = (sum(size.get(key) or 0 for size in sizes) for key in ("bytesDone", "totalBytes"))
    return f"{text}; {len(ended)} of {len(volumes)} volumes, {megabytes(through)} of {megabytes(max(through, of))}"


def unreached():
    """Why Velero can't reach its bucket, by its own look of each minute; "" where it can."""
    location = (get("backupstoragelocations.velero.io", "default")[0] or {}).get("status") or {}
    return (location.get("message") or "it does not say why") if location.get("phase") == "Unavailable" else ""


def follow():
    """The object when it has ended or nothing moves any more, and its volumes."""
    last, since, volumes = "", time.monotonic(), []
    while True:
        one, fault = get(RESOURCE, DATA["name"])
        if one is None and "not found" in fault.lower():
            give_up(f"the {KIND} {DATA['name']} was deleted while it was waited for")
        if one is not None:
            volumes = (get(VOLUMES, "--selector=" + LABEL)[0] or {"items": []})["items"]
            text = moved(one, volumes)
            if text != last:
                last, since = text, time.monotonic()
                say(progress=text)
            if (one.get("status") or {}).get("phase") in LAST:
                return one, volumes
        # The API may be away for a while, and so may R2.
        still = time.monotonic() - since
        if still > DATA["stalled"] or (still > DATA["unreached"] and unreached()):
            return one or {}, volumes
        time.sleep(2)


def described(status):
    """What Velero says of errors and warnings; it has them in the bucket, and its own program gets them there."""
    if not status.get("errors") and not status.get("warnings"):
        return []
    command = ["/velero", KIND.lower(), "describe", DATA["name"]]
    done = kubectl(*HERE, "exec", "deployment/velero", "--container=velero", "--", *command, check=False)
    found = []
    section = ""
    for line in done.stdout.splitlines():
        if re.match(r"\S", line):
            section = line.partition(":")[0]
        elif section in ("Errors", "Warnings") and line.strip() and not line.rstrip().endswith(("<none>", "Namespaces:")):
            found.append((section, f"{section[:-1].lower()}: {' '.join(line.split())}"))
    # Errors first: what follows is cut off.
    return [text for _, text in sorted(found)]


def problems(one, volumes):
    status = one.get("status") or {}
    found = [*(status.get("validationErrors") or [])]
    if status.get("failureReason"):
        found.append(status["failureReason"])
    if status.get("phase") not in LAST and (why := unreached()):
        found.append("Velero can't reach its bucket: " + why)
    for volume in volumes:
        phase, said = volume.get("status", {}).get("phase"), volume.get("status", {}).get("message", "")
        if phase != "Completed":
            pod = volume["spec"].get("pod") or {}
            found.append(f"the volume {volume['spec'].get('volume')} of {pod.get('namespace')}/{pod.get('name')} is {phase or 'not begun'}: {said}")
    return [*found, *described(status)]


def seconds(status):
    """Between its own two times, where it has both."""
    times = [status.get(key) for key in ("startTimestamp", "completionTimestamp")]
    if not all(times):
        return 0
    begun, ended = (seconds_of(text) for text in times)
    return ended - begun


def main():
    ensure()
    one, volumes = follow()
    status = one.get("status") or {}
    say(
        outcome={
            "phase": status.get("phase") or "not begun",
            "warnings": status.get("warnings") or 0,
            "errors": status.get("errors") or 0,
            "problems": problems(one, volumes)[:20],
            "seconds": seconds(status),
        }
    )


main()
