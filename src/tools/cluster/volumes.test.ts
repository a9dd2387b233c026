import { beforeAll, expect, test } from "vitest";
import { run } from "../process/process.ts";
import { withData } from "../ssh/python.ts";
import { LOADER, readModules } from "./look.ts";
import { type Survey, SurveySchema } from "./survey.ts";
import { node, NOW } from "./things.fake.ts";
import { backup, claim, location, schedule, user, volume, volumeBackup } from "./volumes.fake.ts";

interface Case {
  objects: object[];
  /** `status`' row, as far as it is named. */
  volumes: Partial<NonNullable<Survey["backups"]["volumes"]>> | null;
  /** `what`, and a pattern of its `why`. */
  told?: [what: string, why: RegExp][];
}

const DATA = "shop/data";
const good = backup("volumes-1", 53 * 60);
const there = [schedule(), location()];
/** A claim that is used, and whatever else. */
const used = (...others: object[]) => [
  ...there,
  good,
  claim(DATA),
  volume("pvc-of-data", "local"),
  ...others,
];
const unsaved = (reason: string, name = "data") => [{ namespace: "shop", name, reason }];
const STALE = "the volumes' backup is stale";
const NOT_SAVED = "the volume shop/data is not saved";

const CASES: Record<string, Case> = {
  "a cluster without Velero": { objects: [node("hetzner-1")], volumes: null },
  "a volume that is in the newest good backup": {
    objects: used(user(DATA), volumeBackup("volumes-1", DATA)),
    volumes: { newest: "volumes-1", ageSeconds: 53 * 60, stale: false, location: "Available", unsaved: [] },
  },
  "the newest good one counts: neither one that failed, nor one that is under way, nor one that a person made":
    {
      objects: [
      ...there, good, backup("old", 9000), backup("volumes-2", 600, { phase: "PartiallyFailed", errors: 1 }),
      backup("volumes-3", 60, { phase: "InProgress" }), backup("mine", 30, {}, {}),
    ], // prettier-ignore
      volumes: { newest: "volumes-1", ageSeconds: 53 * 60, stale: false },
    },
  "one run was missed": { objects: [...there, backup("volumes-1", 113 * 60)], volumes: { stale: false } },
  "two runs were missed": {
    objects: [...there, backup("volumes-1", 114 * 60), backup("volumes-2", 600, { phase: "Failed", failureReason: "no such bucket" })],
    volumes: { newest: "volumes-1", stale: true },
    told: [[STALE, /volumes-1, 114 minutes old; volumes-2 is Failed: no such bucket/]],
  }, // prettier-ignore
  "two runs were missed, and nothing was begun": {
    objects: [...there, backup("volumes-1", 3 * 3600)],
    volumes: { stale: true },
    told: [[STALE, /none was begun since/]],
  },
  "a new cluster, before the first is done": {
    objects: [
      schedule("7 * * * *", 1800),
      location({ phase: "Available" }, 1800),
      claim(DATA, 600),
      user(DATA),
    ],
    volumes: {
      newest: null,
      ageSeconds: null,
      stale: false,
      unsaved: unsaved("there is no good backup yet"),
    },
  },
  "none has ever been good": {
    objects: there,
    volumes: { newest: null, stale: true },
    told: [[STALE, /none has ever been good/]],
  },
  "every night at two": {
    objects: [schedule("0 2 * * *"), location(), backup("volumes-1", 33 * 3600)],
    volumes: { stale: false },
  },
  "every night at two, two nights missed": {
    objects: [schedule("0 2 * * *"), location(), backup("volumes-1", 35 * 3600)],
    volumes: { stale: true },
    told: [[STALE, /./]],
  },
  "Sundays, or the first of the month": {
    // The clock shows Monday, the first of June.
    objects: [schedule("30 11 1 * 0"), location(), backup("volumes-1", 23 * 3600)],
    volumes: { stale: false },
  },
  "Sundays alone": {
    objects: [schedule("30 11 * * 0"), location(), backup("volumes-1", 9 * 86_400)],
    volumes: { stale: true },
    told: [[STALE, /./]],
  },
  "the bucket can't be reached": {
    objects: [schedule(), location({ phase: "Unavailable", message: "403 Access Denied" }), good],
    volumes: { location: "403 Access Denied" },
    told: [["Velero can't reach the backups' bucket", /403/]],
  },
  "the bucket is not looked at yet": {
    objects: [schedule("7 * * * *", 60), location({}, 60)],
    volumes: { location: "Velero has not looked at it yet" },
  },
  "a volume that failed": {
    objects: used(user(DATA), volumeBackup("volumes-1", DATA, "Failed")),
    volumes: { unsaved: unsaved("it is not in volumes-1") },
    told: [[NOT_SAVED, /it is not in volumes-1/]],
  },
  "another claim of that name is no other": {
    objects: used(user(DATA), volumeBackup("volumes-1", "blog/data")),
    volumes: { unsaved: unsaved("it is not in volumes-1") },
    told: [[NOT_SAVED, /./]],
  },
  "a volume that is younger than the backup": {
    objects: [...there, good, claim(DATA, 600), user(DATA)],
    volumes: { unsaved: unsaved("it is not in volumes-1") },
  },
  "a claim that no pod uses is told, and wakes nobody": {
    objects: used(user("shop/other", "Running"), user(DATA, "Pending")),
    volumes: { unsaved: unsaved("no running pod uses it, and only through one Velero sees a volume") },
  },
  "a hostPath": {
    objects: [...there, good, claim(DATA), volume("pvc-of-data", "hostPath"), user(DATA)],
    volumes: {},
    told: [[NOT_SAVED, /hostPath/]],
  },
  "a pod that wants it so": {
    objects: used(user(DATA, "Running", { "backup.velero.io/backup-volumes-excludes": "cache,data" })),
    volumes: { unsaved: unsaved("its pod says so: backup.velero.io/backup-volumes-excludes") },
  },
  "a namespace of the cluster's own": {
    objects: [...there, good, claim("velero/data"), user("velero/data")],
    volumes: { unsaved: [{ namespace: "velero", name: "data", reason: "its namespace is the cluster's own and is not saved" }] },
  }, // prettier-ignore
};

const names = Object.keys(CASES);
let surveys: Survey[] = [];

beforeAll(async () => {
  const raws = Object.values(CASES).map(({ objects }) => ({ at: NOW, objects, fault: "", webhooks: { refused: "", taken: "" } })); // prettier-ignore
  const program = `${LOADER}print(json.dumps([judge.judged(raw) for raw in DATA["raws"]]))\n`;
  const stdin = withData(program, { modules: readModules(), raws });
  const { stdout, stderr } = await run({ argv: ["python3", "-"], stdin });
  if (stderr !== "") throw new Error(stderr);
  surveys = (JSON.parse(stdout) as unknown[]).map((survey) => SurveySchema.parse(survey));
});

test.each(names)("%s", (name) => {
  const { backups, problems } = surveys[names.indexOf(name)] as Survey;
  const { volumes, told = [] } = CASES[name] as Case;

  expect(backups).toMatchObject({ volumes });
  expect(problems.map(({ what }) => what)).toEqual(told.map(([what]) => what));
  for (const [index, [, why]] of told.entries()) expect(problems[index]?.why).toMatch(why);
});

test("of the newest good backup's volumes alone is asked", async () => {
  const older = backup("volumes-0", 7200);
  const asked = `${LOADER}
gather.kubectl = lambda *args, **_: (0, json.dumps({"items": [{"asked": args}]}), "")
print(json.dumps([gather.saved(DATA["objects"]), gather.saved([])]))\n`;
  const stdin = withData(asked, {
    modules: readModules(),
    objects: [older, good, { kind: "Pod", metadata: {} }],
  });
  const { stdout } = await run({ argv: ["python3", "-"], stdin });

  expect(stdout).toContain("velero.io/backup-name=volumes-1");
  expect(JSON.parse(stdout)).toMatchObject([[{}], []]);
});
