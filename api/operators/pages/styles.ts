/** The style of operators' pages, in both color schemes, for desktops and phones. */
export const styles = `
:root {
  font: 15px/1.5 system-ui, sans-serif;
  --back: #f5f6f8; --card: #fff; --text: #1b2129; --soft: #59626e; --line: #dfe3e8;
  --accent: #2456c4; --bad: #b3261e; --warn: #7a5600; --well: #1a6b3c; --fill: #2456c422; --other: #a0522d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #10141a; --card: #181e26; --text: #e6eaf0; --soft: #a2adba; --line: #2b333e;
    --accent: #8db4ff; --bad: #ffb4ab; --warn: #ffd58a; --well: #7fdca4; --fill: #8db4ff2a; --other: #ffb38a;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 0 1rem 3rem; background: var(--back); color: var(--text); }
a { color: var(--accent); }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1.6rem; padding: 0.6rem 0; }
h1 { margin: 0; font-size: 1.05rem; font-weight: 650; letter-spacing: -0.01em; }
h2 { margin: 0 0 0.6rem; font-size: 1rem; font-weight: 600; }
nav { display: flex; flex-wrap: wrap; gap: 0 0.2rem; flex: 1; }
nav a, .tools a { padding: 0.55rem 0.7rem; border-radius: 0.5rem; color: var(--soft); text-decoration: none; }
nav a:hover, .tools a:hover { color: var(--text); background: var(--fill); }
nav a[aria-current] { color: var(--text); font-weight: 600; box-shadow: inset 0 -2px var(--accent); border-radius: 0; }
.tools { display: flex; align-items: center; gap: 0.2rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.find input { min-height: 2.3rem; width: 11rem; }
.stale time::after { content: ' – no answer'; color: var(--bad); }
main { display: grid; gap: 1rem; }
.card, .verdict { min-width: 0; margin: 0; padding: 1rem 1.1rem; border: 1px solid var(--line); border-radius: 0.7rem; background: var(--card); }
.verdict { border-left: 4px solid var(--warn); }
.verdict.well { border-left-color: var(--well); }
.verdict.well strong { color: var(--well); }
.verdict.problems { border-left-color: var(--bad); }
.verdict ul { margin: 0; padding-left: 1.1rem; }
.verdict .problem strong { color: var(--bad); }
.verdict .warning strong { color: var(--warn); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.7rem; margin: 0; }
.tiles > div { padding: 0.7rem 0.9rem; border: 1px solid var(--line); border-radius: 0.7rem; background: var(--card); }
.tiles dt { color: var(--soft); font-size: 0.85rem; }
.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tiles .bad dd { color: var(--bad); }
.columns { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.scroll { overflow-x: auto; margin: 0 -1.1rem -0.4rem; padding: 0 1.1rem; }
table { width: 100%; border-collapse: collapse; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 1rem 0.35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
tbody tr:last-child td { border-bottom: 0; }
th { font-weight: 500; color: var(--soft); white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
td a { display: inline-block; min-height: 1.5rem; white-space: nowrap; }
.nowrap { white-space: nowrap; }
.long { display: -webkit-box; max-width: 34rem; min-width: 8rem; overflow: hidden; -webkit-box-orient: vertical; -webkit-line-clamp: 2; line-clamp: 2; overflow-wrap: anywhere; }
code, pre { font: 0.85rem/1.5 ui-monospace, monospace; }
pre { margin: 0.4rem 0 0; max-width: 44rem; white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; overflow-wrap: anywhere; }
.badge { display: inline-block; padding: 0 0.5rem; border: 1px solid currentColor; border-radius: 1rem; font-size: 0.82rem; white-space: nowrap; }
.badge.applied { color: var(--well); } .badge.conflict { color: var(--bad); } .badge.superseded { color: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: 1rem 2rem; }
figure { margin: 0; min-width: 0; }
figcaption { display: flex; flex-wrap: wrap; gap: 0 0.6rem; color: var(--soft); font-size: 0.9rem; }
figcaption b { color: var(--text); font-weight: 600; }
svg { display: block; width: 100%; height: 4.5rem; margin-top: 0.3rem; border-bottom: 1px solid var(--line); overflow: visible; }
polyline { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; stroke-linecap: round; }
polyline.other { stroke: var(--other); }
polygon { fill: var(--fill); }
rect { fill: var(--accent); }
.line { display: inline-block; width: 0.9rem; margin: 0 0.35rem 0.25rem 0; border-top: 2px solid var(--accent); vertical-align: middle; }
.line.other { border-color: var(--other); }
.scale { display: flex; justify-content: space-between; color: var(--soft); font-size: 0.78rem; }
.none, .note { margin: 0; color: var(--soft); }
.scroll + .note, .charts + .scroll { margin-top: 0.9rem; }
.filters .inputs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 12.5rem), 1fr)); gap: 0.7rem; }
input[type=datetime-local] { min-width: 0; padding-right: 0.3rem; }
label span { display: block; color: var(--soft); font-size: 0.85rem; }
input, select { width: 100%; min-height: 2.5rem; padding: 0.4rem 0.6rem; border: 1px solid #7b8694; border-radius: 0.45rem; background: var(--back); color: inherit; font: inherit; }
.inline { display: inline; }
.inline button { min-height: 1.5rem; padding: 0 0.5rem; }
.buttons { display: flex; flex-wrap: wrap; align-items: center; gap: 0.6rem; margin-top: 0.9rem; }
button, a.button { display: inline-block; min-height: 2.5rem; padding: 0.45rem 1rem; border: 1px solid #7b8694; border-radius: 0.45rem; background: transparent; color: inherit; font: inherit; text-decoration: none; cursor: pointer; }
button.primary { border-color: var(--accent); background: var(--accent); color: var(--card); font-weight: 600; }
button.danger { border-color: var(--bad); background: var(--bad); color: var(--card); font-weight: 600; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.errors { margin: 0 0 0.8rem; padding-left: 1.1rem; color: var(--bad); }
.bar { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.4rem 1rem; margin-bottom: 0.6rem; }
.bar h2 { margin: 0; }
.bar .buttons { margin: 0; }
@media (max-width: 34rem) {
  h1, nav, .find, .find input { width: 100%; flex: none; }
  nav { flex-wrap: nowrap; justify-content: space-between; font-size: 0.92rem; }
  nav a, .tools a { padding-left: 0.2rem; padding-right: 0.2rem; }
  header { row-gap: 0.3rem; }
  .filters .inputs { grid-template-columns: 1fr 1fr; }
  .wide { grid-column: 1 / -1; }
}`;
