import { type Finished, run } from "../process/process.ts";
import { withData } from "../ssh/python.ts";

/**
 * In place of the program `k3s`, within the one that asks it: each start of Python costs more than a test. It answers by the
 * first rule that the arguments contain; of a rule's answers each is given once, the last for ever. Nothing is waited for.
 */
const FAKE = `
import atexit, subprocess, time
RULES, ASKED = DATA["rules"], []
DATA = DATA["data"]
def answer(argv, input=None, **options):
    args = " ".join(argv[1:])
    ASKED.append({"args": args, "given": input or ""})
    for part, answers in RULES:
        if part in args:
            one = answers.pop(0) if len(answers) > 1 else answers[0]
            break
    else:
        one = {}
    texts = [one.get("out", ""), one.get("err", "")]
    if not (options.get("encoding") or options.get("text")):
        texts = [text.encode() for text in texts]
    return subprocess.CompletedProcess(argv, one.get("code", 0), *texts)
subprocess.run = answer
time.sleep = lambda _: None
atexit.register(lambda: print(json.dumps({"asked": ASKED})))
`;

export interface Answer {
  out?: string;
  err?: string;
  code?: number;
}

export interface Ran extends Finished {
  /** What it printed, a value for each line. */
  lines: unknown[];
  asked: { args: string; given: string }[];
}

/** Runs one of the programs that run on a master, here, with what it asks of K3s answered so. */
export async function runWith(
  program: string,
  data: unknown,
  rules: readonly [part: string, answers: readonly Answer[]][],
): Promise<Ran> {
  const stdin = withData(FAKE + program, { data, rules });
  const done = await run({ argv: ["python3", "-"], stdin, timeout: 60_000 });
  const lines = done.stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line) as unknown); // prettier-ignore
  const { asked } = lines.pop() as Pick<Ran, "asked">;
  return { ...done, lines, asked };
}

export const json = (value: unknown): Answer => ({ out: JSON.stringify(value) });
export const NOT_FOUND: Answer = { err: `Error from server (NotFound): "x" not found\n`, code: 1 };
