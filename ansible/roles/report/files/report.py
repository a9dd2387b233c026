"""Tells one URL how the cluster is. Run by a timer on the master; `status` looks with the same files.

/etc/infra-k3s/report.json: {url, kind: webhook|ping, cluster, nodes, snapshot_minutes, second_line_days}.
A webhook is told when something changes, and again every six hours while something is wrong; a ping is sent each time, so that
its receiver also notices when none comes: that the master is down.
The URL is a secret: it is in no argument and nothing that is printed.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

CONFIG = "/etc/infra-k3s/report.json"
STATE = os.path.join(os.environ.get("STATE_DIRECTORY", "/var/lib/infra-k3s/report"), "last.json")
AGAIN = 6 * 3600
# Seconds until a second look: what is over by then was only a moment of a rollout, a restart, a lost packet.
RECHECK = 20


def errors(seen):
    return [one for one in seen["problems"] if one["severity"] == "error"]


def lasting(look, wait):
    """The problems that two looks in a row have."""
    first = errors(look())
    if not first:
        return []
    wait()
    names = {one["what"] for one in first}
    return [one for one in errors(look()) if one["what"] in names]


def is_due(problems, last, now):
    """Whether a webhook is to be told; `last` is what it was told last, {} before the first time."""
    told = sorted(one["what"] for one in problems)
    return "told" not in last or told != last["told"] or (bool(told) and now - last["at"] >= AGAIN)


def payload(cluster, problems, now):
    lines = [f"{one['what']}: {one['why']}; fix: {one['fix']}" for one in problems]
    return {
        "cluster": cluster,
        "ok": not problems,
        "problems": [{key: one[key] for key in ("what", "why", "fix")} for one in problems],
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        # What chat programs show of it.
        "text": "\n".join([f"{cluster}: {'not ok' if problems else 'ok'}", *lines]),
    }


def requested(config, message):
    """(url, body, content type) of one request."""
    if config["kind"] == "webhook":
        return config["url"], json.dumps(message).encode(), "application/json"
    if message["ok"]:
        return config["url"], None, ""
    # https://healthchecks.io/docs/http_api/#fail-uuid
    parts = urllib.parse.urlsplit(config["url"])
    url = urllib.parse.urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/fail"))
    return url, message["text"].encode(), "text/plain; charset=utf-8"


def send(config, message):
    """Why it could not be told; empty: it was. Never the URL."""
    url, body, kind = requested(config, message)
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        return "the URL is none of http or https"
    headers = {"User-Agent": "infra-k3s", **({"Content-Type": kind} if kind else {})}
    for attempt in range(3):
        if attempt:
            time.sleep(5)
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=15):
                return ""
        except urllib.error.HTTPError as error:
            why = f"the receiver answered {error.code}"
            if error.code < 500 and error.code != 429:
                return why
        except urllib.error.URLError as error:
            why = f"the receiver can't be reached: {error.reason}"
        except Exception as error:  # Some of their words are the URL.
            why = f"the receiver can't be asked: {type(error).__name__}"
    return why


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


def main():
    import gather
    import judge

    config = read(CONFIG)
    if not config:
        sys.exit(f"{CONFIG} can't be read; fix: infra-k3s up")
    minutes = int(config.get("snapshot_minutes", 0))
    days = int(config.get("second_line_days", 0))
    look = lambda: judge.judged(gather.gathered(minutes > 0), config.get("nodes", ()), minutes, days)
    problems = lasting(look, lambda: time.sleep(RECHECK))
    now, last = time.time(), read(STATE)
    print(f"{config['cluster']}: " + ("ok" if not problems else "; ".join(one["what"] for one in problems)))
    if config["kind"] == "webhook" and not is_due(problems, last, now):
        return
    why = send(config, payload(config["cluster"], problems, now))
    if why:
        sys.exit(f"not reported: {why}; fix: INFRA_K3S_REPORT_URL in .envrc.local, then infra-k3s up")
    write(STATE, {"told": sorted(one["what"] for one in problems), "at": now})


if __name__ == "__main__":
    main()
