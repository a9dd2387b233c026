import { age } from "../output/table.ts";
import { compared, differenceRows, type DrillResult, type DrillStep, visible } from "./result.ts";

/** What a browser still shows at once; all of them are in the JSON. */
const MOST_ROWS = 500;

/** A drill's result as one page that needs nothing else: no script, no font, no picture, nothing from the network. */
export function drillPage(result: DrillResult): string {
  const { passed, cluster, backup, commit, k3s, began, rpoSeconds, rtoSeconds, steps, leftOut } = result;
  const verdict = passed ? "passed" : "failed";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${text(`Drill of ${cluster}: ${verdict}`)}</title>
<style>
${STYLE}</style>
</head>
<body>
<main>
<h1>Drill of ${text(cluster)}: <span class="${verdict}">${verdict}</span></h1>
<p>Backup ${text(backup)}, commit ${text(commit.slice(0, 7))}, K3s ${text(k3s)}, begun <time datetime="${text(began)}">${text(began)}</time></p>
<dl>
<div><dt>Recovery point</dt><dd>${duration(rpoSeconds)}</dd></div>
<div><dt>Recovery time</dt><dd>${duration(rtoSeconds)}</dd></div>
</dl>
${list(compared(result))}
${timeline(steps)}
${differences(result)}
${leftOut.length === 0 ? "" : `<h2>In no backup</h2>\n${list(leftOut.map(({ name, why }) => `${name}: ${why}`))}`}
</main>
</body>
</html>
`.replaceAll(/\n{2,}/g, "\n");
}

const STYLE = `:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --soft: #57606a; --line: #d0d7de; --bar: #0969da; --good: #116329; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --back: #0d1117; --text: #e6edf3; --soft: #9198a1; --line: #3d444d; --bar: #4493f8; --good: #56d364; --bad: #ff7b72; }
}
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.2rem; margin-top: 2rem; }
.passed { color: var(--good); }
.failed { color: var(--bad); }
dl { display: flex; flex-wrap: wrap; gap: 1rem 3rem; margin: 1rem 0; }
dt, .soft { color: var(--soft); }
dd { margin: 0; font-size: 1.6rem; font-variant-numeric: tabular-nums; }
ol { list-style: none; margin: 0; padding: 0; }
ol li { display: grid; grid-template-columns: minmax(10rem, 1fr) 2fr; gap: 0 1rem; padding: 0.4rem 0; border-top: 1px solid var(--line); }
.track { align-self: center; height: 0.8rem; background: linear-gradient(var(--line), var(--line)) center / 100% 1px no-repeat; }
.bar { height: 100%; min-width: 3px; border-radius: 2px; background: var(--bar); }
.failed .bar { background: var(--bad); }
.note { grid-column: 1 / -1; font-size: 0.9rem; color: var(--soft); }
table { width: 100%; border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 0.3rem 0.6rem 0.3rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }
@media (max-width: 40rem) {
  ol li { grid-template-columns: 1fr; }
  thead { display: none; }
  tr, td { display: block; border: 0; padding: 0; }
  tr { border-top: 1px solid var(--line); padding: 0.4rem 0; }
}
`;

function timeline(steps: readonly DrillStep[]): string {
  const end = Math.max(1, ...steps.map(({ startSeconds, seconds }) => startSeconds + seconds));
  const percent = (seconds: number) => `${((seconds / end) * 100).toFixed(2)}%`;
  const rows = steps.map(({ name, startSeconds, seconds, ok, note }) => {
    const bar = `<div class="bar" style="margin-left:${percent(startSeconds)};width:${percent(seconds)}"></div>`;
    const said = `${ok ? "" : "failed "}after ${duration(startSeconds)}, took ${duration(seconds)}`;
    const seen = note === "" ? "" : `<div class="note">${text(note)}</div>`;
    return `<li${ok ? "" : ' class="failed"'}><div>${text(name)} <span class="soft">${said}</span></div><div class="track">${bar}</div>${seen}</li>`;
  });
  return `<h2>Timeline</h2>\n<ol>\n${rows.join("\n")}\n</ol>`;
}

function differences(result: DrillResult): string {
  const rows = differenceRows(result);
  if (rows.length === 0) return "";
  const cells = rows
    .slice(0, MOST_ROWS)
    .map(
      ({ where, what, how }) => `<tr><td>${text(where)}</td><td>${text(what)}</td><td>${text(how)}</td></tr>`,
    );
  const more = rows.length > MOST_ROWS ? `<p>And ${rows.length - MOST_ROWS} more: the JSON has all.</p>` : "";
  return `<h2>Differences</h2>\n<table>\n<thead><tr><th>Where</th><th>What</th><th>How</th></tr></thead>\n<tbody>\n${cells.join("\n")}\n</tbody>\n</table>\n${more}`;
}

function list(items: readonly string[]): string {
  return `<ul>\n${items.map((item) => `<li>${text(item)}</li>`).join("\n")}\n</ul>`;
}

function duration(seconds: number | null): string {
  return seconds === null ? "not reached" : age(Math.round(seconds));
}

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Any text, inside an element or an attribute. */
function text(raw: string): string {
  return visible(raw).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
