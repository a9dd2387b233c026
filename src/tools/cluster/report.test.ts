import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PRODUCT_ROOT } from "../../repository/shipped.ts";
import { run } from "../process/process.ts";
import { withData } from "../ssh/python.ts";
import { app, gateway, node, route } from "./things.fake.ts";

interface Told {
  method: string;
  url: string;
  body: string;
}

/** Runs the timer's program as the unit does, but for where its files are and how long it waits for a second look. */
const PROGRAM = `
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, DATA["files"])
import report
report.CONFIG, report.STATE, report.RECHECK = DATA["config"], DATA["state"], 0
report.time.sleep = lambda seconds: None
report.main()
`;
/** Answers as kubectl: with this file's objects, and without CRDs where the first call asks for kinds that are not known. */
const K3S = `#!/bin/sh
case "$*" in
  *" logs "*) cat "$LOOK/log" ;;
  *etcdsnapshotfiles.k3s.cattle.io*) cat "$LOOK/snapshots" ;;
  *customresourcedefinitions*) echo customresourcedefinition.apiextensions.k8s.io/applications.argoproj.io ;;
  *certificates.cert-manager.io*) [ ! -e "$LOOK/unknown" ] || { echo 'error: the server doesn'"'"'t have a resource type "certificates"' >&2; exit 1; }; cat "$LOOK/objects" ;;
  *" get "*) cat "$LOOK/objects" ;;
esac
`;

const told: Told[] = [];
let answer = 200;
let server: Server;
let folder = "";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "report-"));
  writeFileSync(join(folder, "k3s"), K3S);
  chmodSync(join(folder, "k3s"), 0o755);
  writeFileSync(join(folder, "log"), "");
  answer = 200;
  told.length = 0;
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      told.push({ method: request.method ?? "", url: request.url ?? "", body });
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const healthy = [node("a"), app("shop"), gateway(), route("shop")];
const ill = [node("a", "Unknown", "Kubelet stopped posting node status."), ...healthy.slice(1)];

async function report(
  objects: object[],
  kind: "webhook" | "ping" = "webhook",
  url?: string,
  snapshotMinutes = 0,
) {
  const { port } = server.address() as AddressInfo;
  const config = join(folder, "config");
  const target = url ?? `http://127.0.0.1:${port}/secret-path?a=b`;
  writeFileSync(
    config,
    JSON.stringify({ url: target, kind, cluster: "c1", nodes: ["a"], snapshot_minutes: snapshotMinutes }),
  );
  writeFileSync(join(folder, "objects"), JSON.stringify({ items: objects }));
  const data = {
    files: join(PRODUCT_ROOT, "ansible/roles/report/files"),
    config,
    state: join(folder, "state"),
  };
  return run({
    argv: ["python3", "-"],
    stdin: withData(PROGRAM, data),
    env: { PATH: `${folder}:${process.env["PATH"] ?? ""}`, LOOK: folder },
  });
}

const bodies = () =>
  told.map(({ body }) => JSON.parse(body) as { ok: boolean; problems: object[]; cluster: string });

describe("a webhook", () => {
  test("is told at first, when something is wrong, and when it is over; not between", async () => {
    for (const objects of [healthy, healthy, ill, ill, healthy])
      expect((await report(objects)).exitCode).toBe(0);

    expect(bodies().map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(bodies()[1]?.cluster).toBe("c1");
    expect(bodies()[1]?.problems).toEqual([
      {
        what: "node a is down",
        why: expect.stringContaining("Kubelet stopped"),
        fix: expect.stringContaining("doctor"),
      },
    ]);
  });

  test("is told again after six hours while something is wrong", async () => {
    await report(ill);
    const state = join(folder, "state");
    const last = JSON.parse(readFileSync(state, "utf8")) as { at: number };
    writeFileSync(state, JSON.stringify({ ...last, at: last.at - 6 * 3600 }));
    await report(ill);

    expect(bodies().map(({ ok }) => ok)).toEqual([false, false]);
  });

  test("that refuses is tried again at the next look, and its URL is not printed", async () => {
    answer = 404;
    const { exitCode, stdout, stderr } = await report(ill);
    answer = 200;
    await report(ill);

    expect(exitCode).toBe(1);
    expect(stderr).toContain("the receiver answered 404");
    expect(stdout + stderr).not.toContain("secret-path");
    expect(told).toHaveLength(2);
  });

  test.each(["file:///etc/passwd", "http://host:port-secret/", "no url secret"])(
    "%s is refused unseen",
    async (url) => {
      const { exitCode, stdout, stderr } = await report(healthy, "webhook", url);

      expect(exitCode).toBe(1);
      expect(stdout + stderr).not.toMatch(/secret|passwd|Traceback/);
    },
  );

  test("is not told of a warning: anybody can send a webhook that is refused", async () => {
    const line =
      '2999-01-01T00:00:00.1Z time="…" level=info msg="GitHub webhook HMAC verification failed" security=3\n';
    writeFileSync(join(folder, "log"), line);
    await report(healthy);

    expect(bodies().map(({ ok }) => ok)).toEqual([true]);
  });
});

test("a ping is sent each time, with /fail and the causes when something is wrong", async () => {
  for (const objects of [healthy, healthy, ill]) await report(objects, "ping");

  expect(told.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "GET /secret-path?a=b",
    "GET /secret-path?a=b",
    "POST /secret-path/fail?a=b",
  ]);
  expect(told[2]?.body).toContain("node a is down");
});

test("a snapshot that K3s could not upload is told with K3s's words", async () => {
  const status = {
    creationTime: new Date().toISOString(),
    readyToUse: false,
    error: { message: "Access Denied" },
  };
  writeFileSync(
    join(folder, "snapshots"),
    JSON.stringify({ items: [{ spec: { snapshotName: "s" }, status }] }),
  );
  const old = node("a");
  old.metadata["labels"] = { "node-role.kubernetes.io/etcd": "true" };
  await report([old, ...healthy.slice(1)], "webhook", undefined, 15);

  expect(bodies()[0]?.problems).toEqual([
    expect.objectContaining({
      what: "etcd is not saved to R2",
      why: expect.stringContaining("Access Denied"),
    }),
  ]);
});

test("kinds that the cluster does not know are left out", async () => {
  writeFileSync(join(folder, "unknown"), "");
  const { stdout } = await report(ill);

  expect(stdout).toBe("c1: node a is down");
});

test("a program that is missing is told, not thrown", async () => {
  rmSync(join(folder, "k3s"));
  const { stdout, exitCode } = await report(healthy);

  expect(exitCode).toBe(0);
  expect(stdout).toContain("the API does not answer as it should");
});
