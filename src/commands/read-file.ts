import { closeSync, openSync, readSync } from "node:fs";
import { EXIT, UserError } from "../output/errors.ts";

/** One byte more than `config` reads: it then says that the file is too large. */
const LIMIT = 1024 * 1024 + 1;

/** What to do about the ways in which a file can't be read. */
const FIXES: Readonly<Record<string, readonly [why: string, fix: string]>> = {
  ENOENT: ["there is no such file", "check the name"],
  EISDIR: ["it is a directory", "name the file in it, or give the directory to --cluster"],
  ENOTDIR: ["a part of its path is a file", "check the name"],
  EACCES: ["you may not read it", "see its owner and mode with `ls -l`, and change them with `chmod u+r`"],
  ELOOP: ["it is a symbolic link that leads to itself", "remove the link and put the file there"],
};

/** A file of configuration; of an endless one its beginning. */
export function readConfigFile(path: string): Buffer {
  try {
    const file = openSync(path, "r");
    try {
      const buffer = Buffer.alloc(LIMIT);
      let length = 0;
      let read = -1;
      while (read !== 0 && length < LIMIT) {
        read = readSync(file, buffer, length, LIMIT - length, null);
        length += read;
      }
      return buffer.subarray(0, length);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const [why, fix = ""] = FIXES[code] ?? [message];
    throw new UserError({ what: `${path} can't be read`, why, fix }, EXIT.config);
  }
}
