import { expect, test } from "vitest";
import { failure, readMessage, StateLocked } from "./messages.ts";

test("a resource's progress", () => {
  const hook = {
    resource: { addr: "hcloud_server.a" },
    action: "create",
    id_key: "id",
    id_value: "42",
    elapsed_seconds: 7,
  };
  expect(readMessage(JSON.stringify({ "@level": "info", type: "apply_complete", hook }))).toEqual({
    address: "hcloud_server.a",
    state: "done",
    action: "create",
    seconds: 7,
  });
});

const diagnostic = (severity: string) =>
  JSON.stringify({
    type: "diagnostic",
    diagnostic: { severity, summary: "quota reached", detail: "5 of 5", address: "hcloud_server.a" },
  });

test("an error in OpenTofu's words; a warning and anything else is passed over", () => {
  expect(readMessage(diagnostic("error"))).toEqual({ error: "hcloud_server.a: quota reached\n5 of 5" });
  expect(readMessage(diagnostic("warning"))).toBeUndefined();
  expect(readMessage('{"type":"version","ui":"1.2"}')).toBeUndefined();
  expect(readMessage("{broken")).toBeUndefined();
  expect(readMessage("plain text")).toBeUndefined();
});

test("a lock is told with its holder", () => {
  const said = `Error acquiring the state lock
Lock Info:
  ID:        2f1c9f0e-9b2f-4d0a-8ad8-6c1e5a1f7d10
  Path:      three-clouds-state/hetzner.tfstate
  Operation: OperationTypeApply
  Who:       root@operator
  Version:   1.12.6
  Created:   2026-11-23 18:36:14.769 +0000 UTC
  Info:      
`;
  const error = failure("tofu plan of the stack hetzner failed", said);
  expect(error).toBeInstanceOf(StateLocked);
  expect((error as StateLocked).lock).toEqual({
    id: "2f1c9f0e-9b2f-4d0a-8ad8-6c1e5a1f7d10",
    who: "root@operator",
    operation: "OperationTypeApply",
    created: "2026-11-23 18:36:14.769 +0000 UTC",
  });
  expect(error.message).toContain("tofu force-unlock 2f1c9f0e");
  expect(failure("x", "Error: no such bucket")).not.toBeInstanceOf(StateLocked);
});
