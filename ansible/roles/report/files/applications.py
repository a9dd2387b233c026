"""Applications of Argo CD: whether they are what git says, and why not. Pure; comes after everything that may be the cause."""

import re

from causes import APPLICATION, SYNC, because, known, short
from seen import since

# Seconds. A rollout takes a while; so does a wave. Argo CD corrects a live edit at once, after several within minutes.
BECOMING = 600
CORRECTING = 60
LOOK = "infra-k3s kubectl -n argocd describe application {}"


def application(found):
    """{name, sync, health, revision, message}"""
    status = found.get("status", {})
    return {
        "name": found["metadata"]["name"],
        "sync": (status.get("sync") or {}).get("status", "Unknown"),
        "health": (status.get("health") or {}).get("status", "Unknown"),
        "revision": (status.get("sync") or {}).get("revision", ""),
        "message": "",
    }


def operation(found):
    return found.get("status", {}).get("operationState") or {}


def failures(found):
    """What the last sync could not apply, in the API's words."""
    results = (operation(found).get("syncResult") or {}).get("resources") or []
    return [
        f"{one.get('kind')} {one.get('name')}: {one.get('message', '')}"
        for one in results
        if one.get("status") == "SyncFailed" or one.get("hookPhase") in ("Failed", "Error")
    ]


def failed(found):
    """Why the last sync failed; empty: it did not."""
    state = operation(found)
    words = "; ".join(failures(found))
    if state.get("phase") in ("Failed", "Error") or (state.get("phase") == "Running" and words):
        return words or state.get("message", "") or "it does not say why"
    return ""


def errors(found):
    """{type: message} of its conditions that are errors."""
    return {
        one["type"]: one.get("message", "")
        for one in found.get("status", {}).get("conditions") or []
        if one.get("type", "").endswith("Error")
    }


def resources(found, kind=None, status=None):
    return [
        one
        for one in found.get("status", {}).get("resources") or []
        if kind in (None, one.get("kind")) and status in (None, one.get("status"))
    ]


def unreadable(seen, all_of_them):
    """One git host that is down is one problem, not one of each Application."""
    told = {}
    for found in all_of_them:
        name = found["metadata"]["name"]
        for kind, words in errors(found).items():
            if kind == "SyncError":
                continue
            cause = known(APPLICATION, words)
            shared = cause is not None and cause[0] in ("repo-server", "host key", "deploy key", "repository", "branch", "git host")
            told.setdefault(cause[0] if shared else (name, kind), []).append((name, kind, words))
            seen.blamed.add(name)
    for several in told.values():
        name, kind, words = several[0]
        why, fix = because(APPLICATION, words, LOOK.format(name))
        what = f"app {name}: {kind}" if len(several) == 1 else f"Argo CD can't compare {len(several)} apps with git"
        rest = "" if len(several) == 1 else f" ({', '.join(sorted(each for each, _, _ in several))})"
        seen.tell(what, why + rest, fix, name)


def sync(seen, found, row):
    name = row["name"]
    words = failed(found)
    if words and (row["sync"] != "Synced" or "SyncError" in errors(found)) and name not in seen.blamed:
        why, fix = because(SYNC + APPLICATION, words, LOOK.format(name))
        tries = operation(found).get("retryCount", 0)
        seen.tell(f"app {name}: the sync failed", why + (f" (tried {tries + 1} times)" if tries else ""), fix, name)
        return
    state = operation(found)
    guarded = [one for one in resources(found, status="OutOfSync") if one.get("requiresPruning")]
    if guarded and state.get("phase") == "Succeeded" and row["sync"] == "OutOfSync":
        named = ", ".join(f"{one['kind']} {one['name']}" for one in guarded)
        fix = "put it back into git, or delete it by hand when its data may go: infra-k3s kubectl delete"
        seen.tell(f"app {name}: git no longer has {named}", "it is guarded, so Argo CD keeps it", fix, name)
        return
    same = (state.get("syncResult") or {}).get("revision") == row["revision"]
    if row["sync"] == "OutOfSync" and state.get("phase") == "Succeeded" and same and since(state.get("finishedAt"), seen.at) > CORRECTING:
        named = ", ".join(f"{one['kind']} {one['name']}" for one in resources(found, status="OutOfSync")[:5])
        why = f"it was applied at {state['finishedAt']} and differs again: {named}"
        fix = "write out in git what the API adds, or look who changes it: infra-k3s kubectl get … -o yaml --show-managed-fields"
        seen.tell(f"app {name} stays OutOfSync", why, fix, name)


def health(seen, found, row, ill):
    name, status = row["name"], found.get("status", {})
    if row["health"] in ("Healthy", "Unknown") or name in seen.blamed:
        return
    children = {one["name"] for one in resources(found, kind="Application")}
    if children & ill:
        return
    long = since((status.get("health") or {}).get("lastTransitionTime"), seen.at)
    if row["health"] == "Degraded" or long > BECOMING:
        words = (status.get("health") or {}).get("message", "") or operation(found).get("message", "")
        for_how_long = "" if row["health"] == "Degraded" else f" for {long // 60:.0f} min"
        seen.tell(f"app {name} is {row['health']}{for_how_long}", short(words) or "Argo CD does not say why", LOOK.format(name), name)


def stuck(seen, found, row, ill):
    """A sync that waits for a wave, and an Application that can't go."""
    name, state = row["name"], operation(found)
    gone = found["metadata"].get("deletionTimestamp")
    if gone and since(gone, seen.at) > BECOMING:
        words = errors(found).get("DeletionError", "something of it has a finalizer that nobody answers")
        seen.tell(f"app {name} does not go away", short(words), LOOK.format(name), name)
    elif state.get("phase") == "Running" and since(state.get("startedAt"), seen.at) > BECOMING and name not in seen.blamed:
        waits = re.search(r"waiting for (?:healthy state|completion) of (.*)", state.get("message", ""))
        if not {one["name"] for one in resources(found, kind="Application")} & ill:
            why = f"it waits for {waits.group(1)}" if waits else state.get("message", "") or "it does not say why"
            seen.tell(f"app {name}: the sync does not end", short(why), LOOK.format(name), name)


def applications(seen):
    all_of_them = seen.of("Application", "argoproj.io")
    rows = {found["metadata"]["name"]: application(found) for found in all_of_them}
    unreadable(seen, all_of_them)
    # Those that others are made of come last: what is wrong with a child is told of the child.
    for found in sorted(all_of_them, key=lambda one: len(resources(one, kind="Application"))):
        row = rows[found["metadata"]["name"]]
        ill = seen.blamed | {name for name, each in rows.items() if each["health"] not in ("Healthy", "Unknown") and name != row["name"]}
        sync(seen, found, row)
        health(seen, found, row, ill)
        stuck(seen, found, row, ill)
        if row["sync"] != "Synced" or row["health"] != "Healthy":
            words = failed(found) or next(iter(errors(found).values()), "")
            words = words or (found.get("status", {}).get("health") or {}).get("message", "") or operation(found).get("message", "")
            row["message"] = short(words)
    return list(rows.values())
