"""What gather.py brought, by kind, with the problems found in it so far. Pure."""

import calendar
import time


def since(text, at):
    """Seconds from a time as the API writes it until `at`; zero where there is none."""
    try:
        return at - calendar.timegm(time.strptime(str(text)[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0


def condition(thing, name):
    """A condition of an object, or of a part of its status; {} where it has none of that type."""
    conditions = thing.get("status", thing).get("conditions") or []
    return next((one for one in conditions if one.get("type") == name), {})


def place(thing):
    """namespace, name."""
    meta = thing["metadata"]
    return meta.get("namespace", ""), meta["name"]


class Seen:
    """`problems`: {what, why, fix, severity}. A warning is told, but is no reason to wake anybody."""

    def __init__(self, raw):
        self.at = raw["at"]
        self.fault = raw["fault"]
        self.webhooks = raw["webhooks"]
        self.snapshots = raw.get("snapshots", [])
        self.second = raw.get("second", {})
        self.problems = []
        self.blamed = set()
        self.objects = raw["objects"]
        self.owners = {}
        for application in self.of("Application", "argoproj.io"):
            for one in application.get("status", {}).get("resources") or []:
                self.owners[one.get("kind"), one.get("namespace", ""), one.get("name")] = application["metadata"]["name"]

    def of(self, kind, group=""):
        found = [one for one in self.objects if one.get("kind") == kind and one.get("apiVersion", "").partition("/")[0].endswith(group)]
        return sorted(found, key=place)

    def age(self, thing):
        return since(thing["metadata"].get("creationTimestamp"), self.at)

    def owner(self, kind, namespace, name):
        """The Application that an object is of; empty: none."""
        return self.owners.get((kind, namespace, name), "")

    def tell(self, what, why, fix, application="", severity="error"):
        """One problem, once; the Application it is of is ill because of it, and need not be told again."""
        if application:
            self.blamed.add(application)
        if not any(one["what"] == what for one in self.problems):
            self.problems.append({"what": what, "why": why, "fix": fix, "severity": severity})
