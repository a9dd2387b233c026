"""Copies what Velero restores from to where the bucket's lock holds it: docs/backup.md, "The second line". Run by a timer on the
master, with etcd's key of the bucket; R2 does the copying. second_line.py DAYS, as `backups.lockDays` of cluster.yaml has it.

It looks first, so that it can be killed anywhere and run again. What it did last is in last.json, for the role `report`.
"""

import json
import os
import sys

import line
import s3

CONFIG = "/etc/rancher/k3s/config.yaml.d/infra-k3s-s3.yaml"
STATE = os.path.join(os.environ.get("STATE_DIRECTORY", "/var/lib/infra-k3s/second-line"), "last.json")
# A look in which something vanished before it was copied is followed by another.
LOOKS = 4
# Seconds. As often a generation is called complete again where nothing has changed.
AGAIN = 50 * 60


def is_completed(bucket, name):
    try:
        found = json.loads(bucket.read(f"{line.SOURCE}backups/{name}/{line.METADATA}"))
    except s3.Refused as error:
        if error.status == 404:
            return False
        raise
    except ValueError:
        return False
    return isinstance(found, dict) and (found.get("status") or {}).get("phase") == "Completed"


def completed(bucket, source, have):
    """Of those that the generation holds as a whole it is known already."""
    names = line.settled(source, bucket.now)
    new = [name for name in names if f"backups/{name}/{line.METADATA}" not in have]
    good = dict(zip(new, bucket.each(lambda name: is_completed(bucket, name), new)))
    return {name for name in names if good.get(name, True)}


def copied(bucket, generation, names):
    """How many were copied; the others are no longer there, or are copied already: by a try whose answer was lost."""

    def copy(name):
        try:
            bucket.copy(line.SOURCE + name, f"{line.SECOND}{generation}/{line.SOURCE}{name}")
        except s3.Refused as error:
            if error.status == 404 or error.locked:
                return False
            raise
        return True

    return sum(bucket.each(copy, names))


def look(bucket, days):
    """One look: (generation, how many were copied, whether it is complete, when that was)."""
    second = bucket.list(line.SECOND)
    at = bucket.now
    first = line.below(bucket.list(line.SOURCE), line.SOURCE)
    then = line.below(bucket.list(f"{line.SOURCE}kopia/"), line.SOURCE)
    there = line.generations(second, at)
    generation = there[-1] if there else line.stamp(at)
    have = line.below(second, f"{line.SECOND}{generation}/{line.SOURCE}")
    good = completed(bucket, first, have)
    if not good:
        return None
    want = line.wanted(first, then, good)
    spoiled = line.spoilt(want, have)
    if not line.goes_on(generation, spoiled, days, at):
        generation, have, spoiled = line.stamp(at), {}, None
        want = line.wanted(first, then, completed(bucket, first, have))
    if spoiled:
        raise s3.Fault(f"{spoiled} is another than the one that was copied, which is locked; a new copy is begun a day after {generation}")
    stages = line.missing(want, have)
    done = sum(copied(bucket, generation, names) for names in stages)
    whole = done == sum(map(len, stages))
    was = line.completed_at(second, generation)
    if whole and (done or was is None or at - was >= AGAIN):
        about = {"objects": len(want), "bytes": sum(size for size, _ in want.values()), "backups": sorted(good)}
        bucket.write(f"{line.COMPLETE}{generation}/{line.stamp(at)}.json", json.dumps(about).encode())
        was = at
    return generation, done, whole, was


def remove(bucket, key):
    try:
        bucket.delete(key)
    except s3.Refused as error:
        # The lock was longer when it was written, or somebody else is faster.
        if error.status != 404 and not error.locked:
            raise


def run(bucket, days):
    """{generation, at, until}; at: when it was last seen complete."""
    total = 0
    for _ in range(LOOKS):
        seen = look(bucket, days)
        if seen is None:
            return {"empty": True}
        generation, done, whole, at = seen
        total += done
        if whole:
            break
    else:
        raise s3.Fault(f"what was to be copied vanished meanwhile, {LOOKS} times in a row; it is tried again")
    gone = line.expired(bucket.list(line.SECOND), days, bucket.now)
    bucket.each(lambda key: remove(bucket, key), gone)
    print(f"{generation}: {total} objects copied, {len(gone)} of older generations removed")
    return {"generation": generation, "at": at, "until": line.begun(generation) + line.lock_days(days) * line.DAY}


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def write(path, value):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(path + ".new", path)


def main(days):
    last = read(STATE)
    try:
        now = run(s3.opened(CONFIG), days)
    except s3.Fault as error:
        write(STATE, {**last, "empty": False, "fault": str(error)})
        sys.exit(f"the second line is not complete: {error}")
    if now.get("empty"):
        print("Velero has no Completed backup to copy")
    write(STATE, {**last, "empty": False, "fault": "", **now})


if __name__ == "__main__":
    main(int(sys.argv[1]))
