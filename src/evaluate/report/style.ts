// The report's looks, and the few lines of script that sort its table.

export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fcfbf9; --card: #ffffff; --ink: #1b1e23; --quiet: #5d636d; --rule: #e2dfd9; --wash: #f3f1ec;
  --s1: #1f5fbf; --s2: #c2540a; --s3: #22804f; --hit: #1f5fbf; --miss: #c2540a; --on-dark: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161a; --card: #1b1e23; --ink: #e9e7e2; --quiet: #9da3ad; --rule: #31353c; --wash: #22262c;
    --s1: #7db0ff; --s2: #ff9f5a; --s3: #6fd39c; --hit: #5b97f5; --miss: #ff9248; --on-dark: #0e1013;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 1060px; padding: 40px 28px 64px; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: break-word;
}
h1 { margin: 0; font-size: 2.1rem; line-height: 1.15; letter-spacing: -0.02em; text-wrap: balance; }
h2 { margin: 64px 0 4px; font-size: 1.35rem; line-height: 1.25; letter-spacing: -0.01em; }
h3 { margin: 28px 0 6px; font-size: 1rem; }
p { margin: 6px 0 16px; max-width: 68ch; color: var(--quiet); text-wrap: pretty; }
a { color: inherit; }
.lead { margin: 10px 0 0; font-size: 1.05rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 14px; margin: 28px 0 0; padding: 0; }
.tile { padding: 16px 18px 14px; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); }
.tile dt { font-size: 0.86rem; color: var(--quiet); }
.tile dd { margin: 0; }
.tile .value { font-size: 2rem; font-weight: 600; line-height: 1.25; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.tile .note { font-size: 0.82rem; line-height: 1.4; color: var(--quiet); }
.warning { margin: 20px 0 0; padding: 10px 16px; border-left: 3px solid var(--miss); background: var(--wash); color: var(--ink); }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 5px 22px; margin: 16px 0 0; font-size: 0.93rem; }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
code { font: 0.9em ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 26px 34px; margin: 18px 0; align-items: start; }
.chart { margin: 0; max-width: 520px; }
.chart svg { display: block; width: 100%; height: auto; margin-top: 6px; }
figcaption strong { display: block; font-size: 0.95rem; font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 0.84rem; color: var(--quiet); }
.key::before { content: ""; display: inline-block; width: 14px; height: 3px; margin-right: 6px; vertical-align: middle; border-radius: 2px; background: var(--c); }
.k-bar::before, .k-over::before, .k-under::before { height: 10px; }
.k-over::before, .k-under::before { background: color-mix(in srgb, var(--c) 50%, transparent); }
.k-even::before { height: 0; border-top: 2px dashed var(--c); background: none; }
.s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); }
.k-bar { --c: var(--s1); } .k-over { --c: var(--s2); } .k-under { --c: var(--s3); } .k-even { --c: var(--quiet); }
svg text { fill: var(--quiet); font-family: inherit; }
.chart text { font-size: 12px; font-variant-numeric: tabular-nums; }
.axes line { stroke: var(--rule); } .axes .base { stroke: var(--quiet); }
.line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.line.even { stroke: var(--quiet); stroke-dasharray: 5 4; stroke-width: 1.5; }
.dot { fill: var(--c); } .whisker { stroke: var(--c); stroke-width: 2; }
.bar { fill: var(--s1); } .bar.quiet { fill: var(--quiet); fill-opacity: 0.6; }
.gap { fill-opacity: 0.5; } .gap.over { fill: var(--s2); } .gap.under { fill: var(--s3); }
.expected { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 4 4; }
.scroll { overflow-x: auto; margin: 14px 0; }
.matrix { display: block; max-width: none; }
.matrix text { fill: var(--ink); } .grid line { stroke: var(--rule); }
.hit { fill: var(--hit); } .miss { fill: var(--miss); }
.matrix .count { font-variant-numeric: tabular-nums; } .matrix .on-dark { fill: var(--on-dark); font-weight: 600; }
table { border-collapse: collapse; font-size: 0.91rem; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 12px 5px 0; text-align: left; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: 600; color: var(--quiet); vertical-align: bottom; line-height: 1.3; }
thead th.n { white-space: normal; } .sortable th.n { white-space: nowrap; }
.fine { margin: 4px 0 0; font-size: 0.85rem; }
th.n, td.n { text-align: right; padding-left: 16px; }
td:last-child, th:last-child { padding-right: 0; }
th.wide, td.wide { padding-left: 24px; } td.reason { white-space: normal; min-width: 13em; }
.sortable { width: 100%; }
.sortable th button { all: unset; cursor: pointer; } .sortable th button:focus-visible { outline: 2px solid var(--s1); outline-offset: 2px; }
.sortable th button::after { content: "\\2195"; display: inline-block; width: 1em; text-align: center; opacity: 0.45; }
.sortable th[aria-sort="ascending"] button::after { content: "\\2191"; opacity: 1; }
.sortable th[aria-sort="descending"] button::after { content: "\\2193"; opacity: 1; }
.share { display: inline-block; width: 64px; height: 8px; margin-right: 10px; border-radius: 2px; background: var(--wash); vertical-align: 1px; }
.number { display: inline-block; min-width: 4.1em; }
.share span { display: block; height: 100%; border-radius: 2px; background: var(--s1); }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 18px; margin: 18px 0; }
.mistake { margin: 0; border: 1px solid var(--rule); border-radius: 10px; background: var(--card); overflow: hidden; }
.mistake .what { display: flex; gap: 14px; padding: 14px; }
.mistake .thumb { flex: none; width: 84px; height: 84px; object-fit: cover; border-radius: 6px; background: var(--wash); }
.mistake .said { font-weight: 600; line-height: 1.3; } .mistake .said span { font-weight: 400; color: var(--miss); }
.mistake .truth { font-size: 0.9rem; color: var(--quiet); line-height: 1.4; }
.mistake .name { margin-top: 3px; font-size: 0.78rem; color: var(--quiet); line-height: 1.35; overflow-wrap: anywhere; }
.mistake .gaze { display: block; width: 100%; height: auto; }
footer { margin-top: 64px; padding-top: 14px; border-top: 1px solid var(--rule); font-size: 0.85rem; color: var(--quiet); }
@media (max-width: 560px) {
  body { padding: 24px 16px 40px; } h1 { font-size: 1.6rem; } h2 { margin-top: 48px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 10px; } .tile { padding: 12px 14px; } .tile .value { font-size: 1.6rem; }
  .share { display: none; } .facts { grid-template-columns: 1fr; gap: 0; } .facts dd { margin-bottom: 9px; }
}
@page { margin: 16mm 14mm; }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --quiet: #444; --rule: #ccc; --wash: #eee;
    --s1: #1f5fbf; --s2: #c2540a; --s3: #22804f; --hit: #1f5fbf; --miss: #c2540a; --on-dark: #fff; }
  body { max-width: none; padding: 0; font-size: 10.5pt; } h2 { margin-top: 28px; } h2, h3, p { break-after: avoid; }
  .tile, .chart, .mistake, tr, .facts { break-inside: avoid; } .scroll { overflow: visible; } .matrix { max-width: 100%; height: auto; }
  .sortable th button::after { content: none; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

/** Sorts a table by a column's `data-v`: numbers from the largest, words from A; a second click turns the order around. */
export const SCRIPT = `
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (button === null) return;
    button.addEventListener("click", () => {
      const value = (row) => row.cells[column].dataset.v;
      const rows = [...body.rows];
      const isNumber = rows.every((row) => !Number.isNaN(Number(value(row))));
      const first = isNumber ? "descending" : "ascending";
      const second = isNumber ? "ascending" : "descending";
      const order = head.getAttribute("aria-sort") === first ? second : first;
      const sign = order === "ascending" ? 1 : -1;
      rows.sort((a, b) => sign * (isNumber ? value(a) - value(b) : value(a).localeCompare(value(b))));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      body.append(...rows);
    });
  });
}
`;
