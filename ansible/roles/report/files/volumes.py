"""What Velero has of the apps' volumes, and what it has not. Pure."""

import time

from causes import short
from seen import place, since

# Seconds until Velero has looked at its bucket for the first time.
FIRST_LOOK = 600
# No schedule is looked at further back.
FARTHEST = 32 * 24 * 3600


def newest(backups):
    """The newest backup that a schedule has brought to a good end, by when it began; None: there is none."""
    good = [
        one
        for one in backups
        if one.get("status", {}).get("phase") == "Completed" and "velero.io/schedule-name" in (one["metadata"].get("labels") or {})
    ]
    return max(good, key=began, default=None)


def began(backup):
    return backup.get("status", {}).get("startTimestamp", "")


def backups(seen):
    """{newest, ageSeconds, stale, location, unsaved}; None in a cluster without Velero."""
    schedule = next(iter(seen.of("Schedule", "velero.io")), None)
    if schedule is None:
        return None
    last = newest(seen.of("Backup", "velero.io"))
    # One may fail or take long; when the next has gone, too, somebody should know.
    due = dues(schedule["spec"]["schedule"], seen.at, 2)
    missed = due[-1] if len(due) == 2 else 0
    age = None if last is None else int(since(began(last), seen.at))
    stale = (seen.age(schedule) if age is None else age) > seen.at - missed
    location = located(seen)
    if stale:
        fix = "infra-k3s kubectl -n velero get backups.velero.io; infra-k3s kubectl -n velero logs deployment/velero"
        seen.tell("the volumes' backup is stale", because(seen, last, age), fix)
    unsaved = [one for claim in seen.of("PersistentVolumeClaim") for one in judged(seen, claim, last, due)]
    name = None if last is None else last["metadata"]["name"]
    return {"newest": name, "ageSeconds": age, "stale": stale, "location": location, "unsaved": unsaved}


def because(seen, last, age):
    tried = max(seen.of("Backup", "velero.io"), key=began, default=None)
    before = "none has ever been good" if last is None else f"the newest good one is {last['metadata']['name']}, {age // 60} minutes old"
    if tried is None or (last is not None and began(tried) <= began(last)):
        return f"{before}; none was begun since"
    status = tried.get("status", {})
    why = status.get("failureReason") or "; ".join(status.get("validationErrors") or []) or f"{status.get('errors', 0)} errors"
    return short(f"{before}; {tried['metadata']['name']} is {status.get('phase', 'not begun')}: {why}")


def located(seen):
    """Available, or why the bucket is not."""
    location = next(iter(seen.of("BackupStorageLocation", "velero.io")), None)
    if location is None:
        return "there is no BackupStorageLocation"
    status = location.get("status", {})
    phase = status.get("phase", "")
    if phase == "Available":
        return phase
    why = short(status.get("message", "") or "Velero has not looked at it yet")
    if phase or seen.age(location) > FIRST_LOOK:
        fix = "infra-k3s up --push seals the key that OpenTofu minted; else https://www.cloudflarestatus.com: Velero tries again by itself"
        seen.tell("Velero can't reach the backups' bucket", why, fix)
    return why


def judged(seen, claim, last, due):
    """[{namespace, name, reason}] of a claim that is not in the newest good backup; [] of one that is."""
    namespace, name = place(claim)
    reason, bad = missing(seen, claim, last, due)
    if not reason:
        return []
    if bad:
        fix = f"infra-k3s kubectl -n velero logs deployment/velero; the claim's pods: infra-k3s kubectl -n {namespace} get pods"
        seen.tell(f"the volume {namespace}/{name} is not saved", reason, fix)
    return [{"namespace": namespace, "name": name, "reason": reason}]


def missing(seen, claim, last, due):
    """(why it is not in the backup, whether that is wrong); an empty reason: it is."""
    namespace, name = place(claim)
    volume = next((one for one in seen.of("PersistentVolume") if one["metadata"]["name"] == claim.get("spec", {}).get("volumeName")), {})
    if "hostPath" in volume.get("spec", {}):
        return "it is a hostPath, which Velero leaves out: give it the storage class local-path", True
    users = [pod for pod in seen.of("Pod") if place(pod)[0] == namespace and mount(pod, name) is not None]
    if last is not None:
        if namespace in (last["spec"].get("excludedNamespaces") or []):
            return "its namespace is the cluster's own and is not saved", False
        kept = [one for one in seen.of("PodVolumeBackup", "velero.io") if is_of(one, claim)]
        if any(one.get("status", {}).get("phase") == "Completed" for one in kept):
            return "", False
        if any(declined(pod, name) for pod in users):
            return "its pod says so: backup.velero.io/backup-volumes-excludes", False
    if not any(pod.get("status", {}).get("phase") == "Running" for pod in users):
        return "no running pod uses it, and only through one Velero sees a volume", False
    if last is None:
        return "there is no good backup yet", False
    # One run may have been on its way when it was made.
    made_late = seen.age(claim) < seen.at - due[-1] if due else True
    return f"it is not in {last['metadata']['name']}", not made_late


def is_of(saved, claim):
    uid = claim["metadata"].get("uid")
    return uid is not None and (saved["metadata"].get("labels") or {}).get("velero.io/pvc-uid") == uid


def mount(pod, claim):
    """The name that a pod's volume of that claim has; None: it has none."""
    for volume in pod.get("spec", {}).get("volumes") or []:
        if (volume.get("persistentVolumeClaim") or {}).get("claimName") == claim:
            return volume["name"]
    return None


def declined(pod, claim):
    notes = pod["metadata"].get("annotations") or {}
    return mount(pod, claim) in notes.get("backup.velero.io/backup-volumes-excludes", "").split(",")


def dues(schedule, at, count):
    """The last times at which a schedule was due, the newest first: five fields as cron has them, in UTC."""
    fields = [set(values(text, *span)) for text, span in zip(schedule.split(), ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6)))]
    if len(fields) != 5:
        return []
    days, weekdays = schedule.split()[2], schedule.split()[4]
    found = []
    minute = int(at) // 60 * 60
    while len(found) < count and minute > at - FARTHEST:
        when = time.gmtime(minute)
        by_day, by_weekday = when.tm_mday in fields[2], (when.tm_wday + 1) % 7 in fields[4]
        # Where both are given, either will do.
        day = by_day and by_weekday if "*" in (days[0], weekdays[0]) else by_day or by_weekday
        if day and when.tm_mon in fields[3] and when.tm_hour in fields[1] and when.tm_min in fields[0]:
            found.append(minute)
        minute -= 60
    return found


def values(text, least, most):
    """The numbers that a field of cron means."""
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if first == "*":
            first, last = least, most
        elif not last:
            last = most if step else first
        yield from range(int(first), int(last) + 1, int(step or 1))
