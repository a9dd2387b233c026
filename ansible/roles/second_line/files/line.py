"""What the second line has to hold, and what of it may go. Pure.

second/GENERATION/velero/…            a copy of what Velero restores from; GENERATION is when it was begun
second/complete/GENERATION/TIME.json  written last: the generation held everything that was Completed at TIME

The bucket's lock holds each object below second/ for LOCK days after it was written, whatever key comes. So a generation is whole
at least until LOCK days after it was begun, and another is begun every DAYS: LOCK is 2 × DAYS + 1.
"""

import calendar
import re
import time

SOURCE = "velero/"
SECOND = "second/"
COMPLETE = SECOND + "complete/"
DAY = 24 * 3600
# Seconds. Velero may write a backup's tarball once more after it has called it Completed.
SETTLED = 60
# A generation that can't go on is not replaced sooner, or whoever has the key could have everything copied again and again.
EARLY = DAY
# What Kopia does without: its log, who writes at present, when it last tidied up. They change under their names.
LEFT_OUT = re.compile(r"^kopia/[^/]+/(_log_|s[0-9a-f]|kopia\.maintenance)")
# Written after what they point at: an index that is older than a list has all its packs in a list that is younger.
INDEX = re.compile(r"^kopia/[^/]+/[xnml]")
FORMAT = re.compile(r"^kopia/[^/]+/kopia\.")
BACKUP = re.compile(r"^backups/([^/]+)/(.*)$")
METADATA = "velero-backup.json"


def lock_days(days):
    """As tofu/modules/cloudflare-r2 has it."""
    return 2 * days + 1


def stamp(seconds):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def begun(generation):
    """Seconds since 1970; None: no generation is called so."""
    try:
        return calendar.timegm(time.strptime(generation, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def below(objects, prefix):
    return {key[len(prefix) :]: value for key, value in objects.items() if key.startswith(prefix)}


def generations(second, now):
    """The names of those that are there, oldest first. None begins in the future: a thief may have written that."""
    names = {key[len(SECOND) :].partition("/")[0] for key in second if not key.startswith(COMPLETE)}
    return sorted(name for name in names if (begun(name) or now + 1) <= now)


def completed_at(second, generation):
    """When it was last complete, in seconds since 1970; None: never."""
    marks = ((begun(name.removesuffix(".json")), written) for name, (_, written) in below(second, f"{COMPLETE}{generation}/").items())
    # Whoever writes one names it as he likes; when it was written is R2's to say.
    return max((min(mark, written) for mark, written in marks if mark is not None), default=None)


def settled(source, now):
    """Names of backups whose metadata was written a while ago; only it says whether they are Completed."""
    found = ((BACKUP.match(name), written) for name, (_, written) in source.items())
    return sorted(match[1] for match, written in found if match and match[2] == METADATA and written <= now - SETTLED)


def wanted(first, then, completed):
    """{name below velero/: (bytes, written)} of what a generation has to hold, of a list and a younger one."""
    found = {name: about for name, about in then.items() if name.startswith("kopia/") and not INDEX.match(name)}
    found |= {name: about for name, about in first.items() if INDEX.match(name)}
    found |= {name: about for name, about in first.items() if (match := BACKUP.match(name)) and match[1] in completed}
    return {name: about for name, about in found.items() if not LEFT_OUT.match(name)}


def spoilt(want, have):
    """The first name under which the generation holds something else than it has to, and can't be put right; None: there is none."""
    for name, (size, written) in sorted(want.items()):
        if name.startswith("kopia/") and name in have and (have[name][0] != size or (FORMAT.match(name) and have[name][1] < written)):
            return name
    return None


def missing(want, have):
    """Names to copy, in the order in which they may be there: each list before the next is begun."""
    stages = [], [], [], []
    # A backup that is whole there stays as it is; one of the same name that is made later comes with the next generation.
    whole = {match[1] for name in have if (match := BACKUP.match(name)) and match[2] == METADATA}
    for name in sorted(set(want) - set(have)):
        match = BACKUP.match(name)
        if match and match[1] in whole:
            continue
        stages[(3 if match[2] == METADATA else 2) if match else 1 if INDEX.match(name) else 0].append(name)
    return stages


def goes_on(generation, spoiled, days, now):
    """Whether the newest generation is added to; else another is begun."""
    age = now - begun(generation)
    return age < days * DAY and not (spoiled and age >= EARLY)


def expired(second, days, now):
    """Keys that may go: their own lock and their generation's has run out, and a younger one is complete."""
    held = lock_days(days) * DAY
    newest = max((name for name in generations(second, now) if completed_at(second, name) is not None), default="")
    of = lambda key: key.removeprefix(COMPLETE).removeprefix(SECOND).partition("/")[0]
    gone = {name for name in map(of, second) if name < newest and (begun(name) or now) + held < now}
    return sorted(key for key, (_, written) in second.items() if of(key) in gone and written + held < now)
