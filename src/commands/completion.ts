import { resolve } from "node:path";
import { type Application, proposeCompletions } from "@stricli/core";
import { EXIT, type ExitCode, UserError } from "../output/errors.ts";
import type { Io } from "../output/io.ts";
import type { Context } from "./flags.ts";

/** Each asks `infra-k3s __complete WORD…`, which answers a line for each word that may stand last: the word, a tab, what it means. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# bash: eval "$(infra-k3s completion bash)"
_infra_k3s() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${1/#\\~/$HOME}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
# Where nothing is proposed, a file is meant.
complete -o default -F _infra_k3s infra-k3s
`,
  zsh: `#compdef infra-k3s
# zsh, after compinit: eval "$(infra-k3s completion zsh)"
_infra_k3s() {
  local line
  local -a proposed
  while IFS= read -r line; do
    proposed+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${words[1]/#\\~/$HOME}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#proposed} )); then _describe 'infra-k3s' proposed; else _files; fi
}
compdef _infra_k3s infra-k3s
`,
  fish: `# fish: infra-k3s completion fish >~/.config/fish/completions/infra-k3s.fish
function __infra_k3s
    set -l words (commandline -opc)
    set -l proposed ($words[1] __complete $words[2..] "$(commandline -ct)" 2>/dev/null)
    if set -q proposed[1]
        printf '%s\\n' $proposed
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c infra-k3s -f -a '(__infra_k3s)'
`,
};

/** Prints the shell's script. */
export function runCompletion(shell: string, io: Io): ExitCode {
  const script = SCRIPTS[shell];
  if (script === undefined) {
    throw new UserError(
      { what: `there is no completion for "${shell}"`, fix: "shells: bash, zsh, fish" },
      EXIT.usage,
    );
  }
  io.out(script);
  return EXIT.ok;
}

/** Words are proposed, and nothing is run. */
const runNothing = () => Promise.resolve(EXIT.ok);

/** Answers what may stand where the last of the words does. */
export async function complete(
  application: Application<Context>,
  words: readonly string[],
  io: Io,
): Promise<ExitCode> {
  // The cluster whose nodes are meant.
  const named = words.indexOf("--cluster");
  const folder = named === -1 ? undefined : words[named + 1];
  if (folder !== undefined && named + 2 < words.length) process.env["INFRA_K3S_CLUSTER"] = resolve(folder);
  const { stdout, stderr } = process;
  const context = { process: { stdout, stderr }, io, finish: () => undefined, drill: runNothing };
  const found = await proposeCompletions(application, words.length === 0 ? [""] : words, context);
  const names = found.filter(({ kind }) => kind === "argument:value");
  // Where a name is due, flags would hide it.
  const due = names.length > 0 && words.at(-1)?.startsWith("-") !== true ? names : found;
  for (const { completion, brief } of due) io.out(`${completion}\t${brief.replaceAll(/\s+/g, " ")}\n`);
  return EXIT.ok;
}
