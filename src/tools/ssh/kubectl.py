import calendar
import json
import subprocess
import sys
import time


def kubectl(*args, given=None, check=True, seconds=60):
    """Asks the API. Where it refuses, the program ends with what was said, unless it has something to do about it: `check`."""
    done = subprocess.run(
        ["k3s", "kubectl", f"--request-timeout={seconds}s", *args],
        input=given, stdin=subprocess.DEVNULL if given is None else None, capture_output=True, encoding="utf-8", errors="replace", check=False,
    )
    if check and done.returncode != 0:
        give_up(done.stderr)
    return done


def give_up(said):
    sys.exit(said.strip() or "kubectl said nothing")


def items(*args, **how):
    """What there is of this, as a list: one thing by its name, several, or none, of which `--ignore-not-found` prints nothing at all."""
    return listed(kubectl("get", *args, "--ignore-not-found", "--output=json", **how).stdout)


def listed(text):
    found = json.loads(text) if text.strip() else {"items": []}
    return found["items"] if "items" in found else [found]


def look_up(*args, **how):
    """What there is as JSON, and why there is none."""
    done = kubectl(*args, "--output=json", check=False, **how)
    return (json.loads(done.stdout), "") if done.returncode == 0 else (None, done.stderr.strip())


def owner_of(one):
    return next((owner for owner in one["metadata"].get("ownerReferences") or [] if owner.get("controller")), None)


def seconds_of(text):
    """Of a time of the API's, since 1970."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def claims_in(pod_spec):
    """The names of the claims that a pod of this spec would use."""
    return [volume["persistentVolumeClaim"]["claimName"] for volume in pod_spec.get("volumes") or [] if "persistentVolumeClaim" in volume]
