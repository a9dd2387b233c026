import { z } from "zod";
import { shaped } from "./shape.ts";

/** What each of cron's fields may be: minute, hour, day of the month, month, day of the week. */
const CRON = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const;

/** Numbers alone: the timer on the master reads it, too. */
function isCron(text: string): boolean {
  const fields = text.split(" ");
  return fields.length === CRON.length && CRON.every((range, index) => isField(fields[index] ?? "", range));
}

function isField(text: string, [least, most]: (typeof CRON)[number]): boolean {
  return text.split(",").every((part) => {
    const [, from, to, step] = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part) ?? [part, NaN];
    const [first, last] = [Number(from ?? least), Number(to ?? from ?? most)];
    return first >= least && first <= last && last <= most && Number(step ?? 1) > 0;
  });
}

export const VolumeBackupsSchema = z.strictObject({
  schedule: z
    .string()
    .refine(isCron, { error: "must be five fields in numbers, such as '7 * * * *' for every hour" })
    .default("7 * * * *")
    .describe("When the volumes are saved, as cron writes it, in UTC."),
  ttl: shaped(/^[1-9]\d{0,4}h$/, "must be hours, such as 336h")
    .default("336h")
    .describe("How long a backup of the volumes is kept."),
});
