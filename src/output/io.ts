/** Where a command's words go. `out` is for the answer, `err` for what is told on the way. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Whether `err` is a person's terminal. */
  isTerminal: boolean;
}
