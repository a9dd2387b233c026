"""Has K3s take a snapshot of etcd now, and says what came of it. Runs on the master; DATA: {name, prefix, keep}; of
those whose names begin with `prefix`, `keep` stay on the master.

`k3s etcd-snapshot save` ends well when only the upload has failed: why is in the snapshot's object.
https://docs.k3s.io/cli/etcd-snapshot#etcdsnapshotfile-custom-resources"""

import json
import os
import re
import subprocess
import time

FOLDER = "/var/lib/rancher/k3s/server/db/snapshots/"


def k3s(*args):
    """(exit code, all that it said)"""
    done = subprocess.run(["k3s", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout + done.stderr


def saved():
    """One at a time: the one by the clock may be under way."""
    for _ in range(60):
        code, said = k3s("etcd-snapshot", "save", "--name", DATA["name"])
        if "already in progress" not in said:
            return code, said
        time.sleep(2)
    return code, said


def upload_fault(name):
    """Why it is not in S3, in K3s's words; empty: it does not say."""
    code, said = k3s("kubectl", "get", "etcdsnapshotfiles.k3s.cattle.io", "--output=json", "--request-timeout=20s")
    try:
        items = json.loads(said)["items"] if code == 0 else []
    except ValueError:
        items = []
    for one in items:
        if one["spec"].get("s3") and one["spec"].get("snapshotName") == name:
            return (one.get("status", {}).get("error") or {}).get("message", "")
    return ""


code, said = saved()
name = next(iter(re.findall(r"Snapshot (\S+) saved\.", said)), "")
if code != 0 or not name:
    # Each key of the configuration that is not about snapshots has a line, too.
    lines = [line.partition("msg=")[2].strip('"') or line for line in said.splitlines() if "Unknown flag" not in line]
    print(json.dumps({"name": "", "bytes": 0, "fault": "\n".join(lines[-5:]) or f"k3s ended with {code}"}))
else:
    size = os.path.getsize(FOLDER + name)
    print(json.dumps({"name": name, "bytes": size, "fault": upload_fault(name)}))
    # K3s prunes none that it was asked for; in S3 they stay.
    k3s("etcd-snapshot", "prune", "--name", DATA["prefix"], "--snapshot-retention", str(DATA["keep"]), "--s3=false")
