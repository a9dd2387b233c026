import { expect, test } from "vitest";
import { VolumeBackupsSchema } from "./volume-backups.ts";

const told = (fields: object) => VolumeBackupsSchema.safeParse(fields).error?.issues.map(({ message }) => message); // prettier-ignore

test.each(["0 0 1 1 0", "59 23 31 12 6", "*/15 */12 * * *", "0,30 1-5 1-31/10 * 0-6"])(
  "the volumes can be saved at %s",
  (schedule) => {
    expect(told({ schedule })).toBeUndefined();
  },
);

test.each([
  "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 7",
  "1,60 * * * *", "60,1 * * * *", "5-1 * * * *", "*/0 * * * *", "x1 * * * *", "1x * * * *", "@hourly", "",
])("and not at %j", (schedule) => {
  expect(told({ schedule })).toEqual(["must be five fields in numbers, such as '7 * * * *' for every hour"]);
}); // prettier-ignore

test.each([["1h"], ["99999h"]])("a backup can be kept for %s", (ttl) => {
  expect(told({ ttl })).toBeUndefined();
});

test.each([["0h"], ["100000h"], ["2d"], ["12"], ["12hours"], ["-1h"]])("and not for %s", (ttl) => {
  expect(told({ ttl })).toEqual(["must be hours, such as 336h"]);
});
