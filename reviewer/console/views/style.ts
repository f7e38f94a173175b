import { baseStyle } from '../../page/baseStyle.ts';
import { heatStyle } from '../../page/heatMap.ts';
import { chartStyle } from '../../page/lineChart.ts';
import { sparkStyle } from '../../page/sparkline.ts';

// It stands in each page as it is here, and the pages' policy names its hash.
export const style = `${baseStyle}
:root { --good: #1a7f37; --bad: #cf222e; --tint: #f3f5f7; }
@media (prefers-color-scheme: dark) { :root { --good: #56d364; --bad: #ff8a82; --tint: #161b22; } }
body { margin: 0 auto; }
a { color: var(--fill); overflow-wrap: break-word; }
:focus-visible { outline: 2px solid var(--fill); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .3rem; }
.top { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; align-items: center; padding: .8rem 0; border-bottom: 1px solid var(--line); }
.top nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; margin: 0; padding: 0; }
.top nav a { text-decoration: none; padding: .2rem 0; } .top nav a[aria-current=page] { color: var(--ink); border-bottom: 2px solid var(--fill); }
.top form { margin-left: auto; } .top form input { width: 14rem; max-width: 60vw; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: break-word; max-width: 28rem; }
thead th, tbody th { white-space: nowrap; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.soft { color: var(--soft); }
.yes { color: var(--good); } .no { color: var(--bad); } .yes, .no { font-weight: 600; white-space: nowrap; }
code, pre { font-size: .88em; } code { overflow-wrap: break-word; }
pre { overflow-x: auto; background: var(--tint); padding: .8rem; border-radius: 6px; max-height: 30rem; }
pre .del { color: var(--bad); } pre .ins { color: var(--good); }
form.filter { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin: 1rem 0; }
form.filter label { display: grid; gap: .15rem; font-size: .88em; color: var(--soft); }
input, select, button { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: 6px; padding: .3rem .5rem; max-width: 100%; box-sizing: border-box; }
button { cursor: pointer; }
.note { border-left: 4px solid var(--fill); padding: .4rem .8rem; background: var(--tint); overflow-wrap: anywhere; white-space: pre-line; } .note.bad { border-color: var(--bad); }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; padding: 0; list-style: none; }
.tiles li { flex: 1 1 9rem; border: 1px solid var(--line); border-radius: 6px; padding: .6rem .9rem; overflow-wrap: anywhere; }
.tiles b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.pager { display: flex; gap: 1rem; align-items: center; }
.bar { fill: var(--fill); } figure { max-width: 40rem; } figure svg { font: 12px system-ui, sans-serif; } figure svg text { fill: var(--ink); }
footer { margin: 2.5rem 0 1rem; padding-top: .8rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .88em; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1rem; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 .3em; }
summary { cursor: pointer; }
@media (max-width: 34rem) { .top form { margin-left: 0; } th, td { padding: .3rem .4rem; } dl { grid-template-columns: minmax(0, 1fr); } dd { margin-bottom: .4rem; } }
${chartStyle}${sparkStyle}${heatStyle}`;
