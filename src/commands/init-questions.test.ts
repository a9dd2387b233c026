import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { loadCluster } from "../config/load.ts";
import type { Io } from "../output/io.ts";
import { PRODUCT_ROOT } from "../repository/shipped.ts";
import { agreed, answered } from "./init-questions.ts";
import { clusterText, examples, type InitOptions } from "./init-text.ts";

const none: InitOptions = { directory: "/x/My Cluster", node: [], yes: false };
const account = "fedcba9876543210fedcba9876543210";

/** A person who gives these answers in turn, and what was said to them. */
function person(...answers: string[]) {
  const asked: string[] = [];
  const said: string[] = [];
  const ask = (question: string, fallback: string) => {
    asked.push(`${question} [${fallback}]`);
    const answer = answers.shift();
    if (answer === undefined) throw new Error(`asked for more: ${question}`);
    return Promise.resolve(answer === "" ? fallback : answer);
  };
  const io: Io = { out: () => {}, err: (text) => void said.push(text), isTerminal: true };
  return { ask, io, asked, said };
}

describe("what is asked", () => {
  test("everything, each with its default; return takes it", async () => {
    const { ask, io, asked } = person("", "", "", "", "");
    const options = await answered(none, ask, io);

    expect(asked).toEqual([
      `Which example to start from (${examples().join(", ")}) [three-clouds]`,
      "The cluster's name [my-cluster]",
      "The domain it serves [example.com]",
      "The id of your Cloudflare account; the dashboard shows it beside each zone [0123456789abcdef0123456789abcdef]",
      "The git repository it follows, by SSH; empty: as in the example []",
    ]);
    expect(options).toMatchObject({ example: "three-clouds", name: "my-cluster", domain: "example.com" });
    expect(options.repository).toBeUndefined();
  });

  test("nothing that a flag says, and nothing that the example has no place for", async () => {
    const { ask, io, asked } = person("");
    const options = await answered({ ...none, example: "one-node", name: "lab" }, ask, io);

    expect(asked).toEqual(["The domain it serves [example.com]"]);
    expect(clusterText(options)).toContain("name: lab\n");
  });

  test("again, with why, where the answer can't be", async () => {
    const { ask, io, asked, said } = person("two-nodes", "", "Prod", "prod", "", account.toUpperCase(), account, "https://github.com/you/prod", "git@github.com:you/prod.git", "you", "you@example.com"); // prettier-ignore
    const options = await answered(none, ask, io);

    expect(said.map((text) => text.trimEnd())).toEqual([
      'there is no example "two-nodes"',
      `name must be lowercase letters, digits and '-', starting with a letter and not ending with '-'; did you mean "prod"?`,
      `accountId must be the account's id: 32 hexadecimal digits; did you mean "${account}"?`,
      expect.stringContaining("https://github.com/you/prod"),
      expect.stringContaining("email"),
    ]);
    expect(asked).toHaveLength(11);
    expect(options).toMatchObject({ name: "prod", accountId: account, email: "you@example.com" });
    const loaded = loadCluster(clusterText(options), "cluster.yaml");
    expect(loaded.ok && [loaded.value.name, loaded.value.cloudflare?.accountId]).toEqual(["prod", account]);
  });

  test("an answer is text, whatever YAML would take it for", async () => {
    const { ask, io, said } = person("one-node", "x: [", "null", "");
    const options = await answered(none, ask, io);

    expect(said).toHaveLength(1);
    const loaded = loadCluster(clusterText(options), "cluster.yaml");
    expect(loaded.ok && loaded.value.name).toBe("null");
  });

  test("every example is valid with the defaults", async () => {
    for (const example of examples()) {
      const options = await answered({ ...none, example, yes: true }, undefined, person().io);
      expect([example, loadCluster(clusterText(options), "cluster.yaml").ok]).toEqual([example, true]);
    }
  });

  test("a flag of what the example does not have is refused", () => {
    expect(() => clusterText({ ...none, example: "one-node", accountId: account })).toThrow(
      /--account-id goes with/,
    );
  });

  test("whether to write what is shown", async () => {
    const { ask, io, said } = person("n");

    await expect(agreed("name: x\n", "/x", ask, io)).rejects.toThrow("nothing was written");
    expect(said.join("")).toContain("\n  name: x\n\nThis becomes /x/cluster.yaml.");
    await agreed("name: x\n", "/x", person("").ask, io);
  });
});

describe("the command", () => {
  const folder = mkdtempSync(join(tmpdir(), "infra-k3s-init-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const cli = [join(PRODUCT_ROOT, "node_modules/.bin/node"), "--disable-warning=ExperimentalWarning", join(PRODUCT_ROOT, "src/cli.ts")]; // prettier-ignore
  const run = async (argv: readonly string[]) => {
    const [file = "", ...args] = argv;
    const child = promisify(execFile)(file, args, { cwd: folder });
    child.child.stdin?.end();
    return child.then(
      ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        text: error.stdout + error.stderr,
      }),
    );
  };

  test("without a terminal it names the flags", { timeout: 60_000 }, async () => {
    expect(await run([...cli, "init", "made", "--name", "prod"])).toEqual({
      code: 64,
      text: `there is no terminal to ask on
  why: these are open: --example, --domain, --account-id, --repository
  fix: give them, or add --yes to take the defaults
`,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test(
    "on a terminal it asks, shows, and writes nothing after a no, an end or an interruption",
    { timeout: 120_000 },
    async () => {
      for (const [keys, code, said] of [
        [
          "one-node\r\rlab.example.com\rn\r",
          1,
          /domain: lab\.example\.com[\s\S]*Write it\? \[y\][\s\S]*nothing was written/,
        ],
        ["one-node\r\x04", 1, /the input ended/],
        ["one-node\r\x03", 130, /interrupted by SIGINT/],
      ] as const) {
        const { code: exit, text } = await run(["python3", "-c", PTY, keys, ...cli, "init", "made"]);
        expect([exit, text]).toEqual([code, expect.stringMatching(said)]);
        expect(existsSync(join(folder, "made"))).toBe(false);
      }
    },
  );
});

/** Types each key when the program has asked for it, as a person does. */
const PTY = `
import os, pty, re, sys
keys = re.findall(r"[^\\r\\x03\\x04]*[\\r\\x03\\x04]", sys.argv[1])
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    seen += data
    os.write(1, data)
    if keys and re.search(rb"\\]?: (\\x1b\\[[0-9]+G)?$", seen):
        seen = b""
        os.write(fd, keys.pop(0).encode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
