/** What a long command tells while it runs; with `--json` one of these a line on stdout. */
export type Event = StageEvent | HostEvent | LogEvent | ComparisonEvent | DoneEvent;

export interface StageEvent {
  event: "stage";
  stage: string;
  state: "start" | "done" | "failed";
  seconds: number;
}

/** One task on one host that did something, or failed at it. */
export interface HostEvent {
  event: "host";
  stage: string;
  host: string;
  state: "changed" | "failed";
  task: string;
  message: string;
}

export interface LogEvent {
  event: "log";
  level: "info" | "warning" | "error";
  message: string;
}

/** What came back, beside what was saved. */
export interface ComparisonEvent {
  event: "comparison";
  equal: boolean;
  /** What was compared, a line each. */
  compared: string[];
  differing: { where: string; what: string; how: string }[];
}

export interface DoneEvent {
  event: "done";
  ok: boolean;
  changed: number;
  seconds: number;
  stages: StageSummary[];
  /** It did not come to its end because it was asked to end. */
  interrupted?: boolean;
}

export interface StageSummary {
  name: string;
  changed: number;
  seconds: number;
  hosts: Record<string, HostSummary>;
}

export interface HostSummary {
  ok: number;
  changed: number;
  failed: number;
}

export type Emit = (event: Event) => void;
