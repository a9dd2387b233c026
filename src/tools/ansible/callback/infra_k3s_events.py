"""One JSON line per task that changed something or failed on a host, and the counts at the end.

The shapes are read by src/tools/ansible/playbook.ts.
"""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: infra_k3s_events
type: stdout
short_description: Events for infra-k3s
description: One JSON line per changed or failed task and host, and the counts at the end.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "infra_k3s_events"

    def __init__(self):
        super().__init__()
        # The last failure of each host: it counts only if nothing rescued it, which is known later.
        self._failures = {}

    def _write(self, **event):
        print(json.dumps(event), flush=True)

    def _event(self, result, kind, message):
        return {
            "kind": kind,
            "host": result._host.get_name(),
            "task": result._task.get_name(),
            "message": message,
        }

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._write(kind="task", task=task.get_name())

    def v2_playbook_on_handler_task_start(self, task):
        self._write(kind="task", task=task.get_name())

    def v2_runner_on_ok(self, result):
        self._failures.pop(result._host.get_name(), None)
        message = "" if result._task.no_log else str(result._result.get("msg", ""))
        if result.is_changed():
            self._write(**self._event(result, "changed", message))
        elif result._task.action.endswith("debug"):
            self._write(**self._event(result, "note", message))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if ignore_errors:
            return
        said = result._result
        parts = [str(said.get(key, "")).strip() for key in ("msg", "stderr", "module_stderr")]
        # Ansible's own words for a program that failed; what the program said tells more.
        if parts[0] == "non-zero return code" and parts[1]:
            parts.pop(0)
        hidden = "the task's output holds a secret and is not shown"
        message = hidden if result._task.no_log else "\n".join(p for p in parts if p)
        self._failures[result._host.get_name()] = self._event(result, "failed", message)

    def v2_runner_on_unreachable(self, result):
        message = str(result._result.get("msg", ""))
        self._failures[result._host.get_name()] = self._event(result, "unreachable", message)

    def v2_playbook_on_stats(self, stats):
        for event in self._failures.values():
            self._write(**event)
        for host in sorted(stats.processed):
            s = stats.summarize(host)
            self._write(
                kind="stats",
                host=host,
                ok=s["ok"],
                changed=s["changed"],
                failed=s["failures"] + s["unreachable"],
            )
