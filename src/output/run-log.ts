let file: string | undefined;

/** Where the whole output of this run's programs goes, for who tells how it ended. */
export function runLog(): string | undefined {
  return file;
}

export function noteRunLog(path: string): void {
  file = path;
}
