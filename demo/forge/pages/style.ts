/** The one style sheet of the forge's pages, served from its own address so that no inline style is needed. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1c2128; --quiet: #5c6670; --line: #d9dee4; --link: #0b5cad; --soft: #eef1f4;
  --green: #166b2e; --green-soft: #e3f6e8; --green-mark: #a9e5b8; --red: #c0262d; --red-soft: #fdecec; --red-mark: #f7bcbc;
  --violet: #7a3fd1; --amber: #8a5a00; --amber-soft: #fff4d6; --button: #1f7a3a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1318; --card: #171c22; --ink: #e4e9ee; --quiet: #97a2ad; --line: #2c343d; --link: #74b3ff; --soft: #1f262e;
    --green: #57c878; --green-soft: #12291a; --green-mark: #1f5a33; --red: #ff7b7b; --red-soft: #301719; --red-mark: #7a2b2f;
    --violet: #b78bff; --amber: #e5b454; --amber-soft: #2b2312; --button: #1f7a3a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
code, pre, .diff, .sha { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: .86em; }
header.top { background: var(--card); border-bottom: 1px solid var(--line); }
header.top nav { max-width: 66rem; margin: 0 auto; padding: .8rem 1.25rem; display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; }
header.top .name { font-weight: 650; color: var(--ink); }
header.top .who { margin-left: auto; color: var(--quiet); font-size: .875rem; }
main { max-width: 66rem; margin: 0 auto; padding: 1.75rem 1.25rem 5rem; }
h1 { font-size: 1.65rem; line-height: 1.25; margin: 0 0 .5rem; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere; }
h1 + .meta { margin-top: .65rem; }
h1 .number { color: var(--quiet); font-weight: 400; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .75rem; font-weight: 650; }
.quiet { color: var(--quiet); }
.meta { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .6rem; color: var(--quiet); margin: 0 0 1.5rem; }
.meta code, .pill { background: var(--soft); padding: .1rem .45rem; border-radius: 6px; overflow-wrap: anywhere; }
.state { color: #fff; font-weight: 600; font-size: .875rem; padding: .2rem .8rem; border-radius: 2rem; background: var(--button); }
.state.closed { background: #b3282e; } .state.merged { background: #7140c4; } .state.draft { background: #66707a; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0 0 1rem; overflow: hidden; }
.card > .head { display: flex; flex-wrap: wrap; gap: .25rem .6rem; padding: .6rem 1rem; background: var(--soft); border-bottom: 1px solid var(--line); font-size: .9rem; color: var(--quiet); }
.card > h2.head { margin: 0; font-weight: 400; } .card > .head b { color: var(--ink); }
.card > .body { padding: 1rem 1.15rem; }
.list { list-style: none; margin: 0; padding: 0; }
.list li { padding: .75rem 1.1rem; border-top: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; }
.list li:first-child { border-top: 0; }
.list li > .end { margin-left: auto; color: var(--quiet); font-size: .875rem; white-space: nowrap; }
.list .title { font-weight: 600; color: var(--ink); overflow-wrap: anywhere; }
.list .line { flex-basis: 100%; color: var(--quiet); font-size: .875rem; }
.pad { padding: .8rem 1.1rem; margin: 0; }
.label { display: inline-block; font-size: .75rem; font-weight: 600; padding: .05rem .55rem; border-radius: 1rem; border: 1px solid var(--line); background: var(--soft); color: var(--quiet); }
.markdown > :first-child { margin-top: 0; } .markdown > :last-child { margin-bottom: 0; }
.markdown { overflow-wrap: break-word; }
.markdown h1, .markdown h2, .markdown h3 { font-size: 1.05rem; margin: 1.5em 0 .5em; letter-spacing: 0; }
.markdown h1, .markdown h2 { font-size: 1.15rem; padding-bottom: .25em; border-bottom: 1px solid var(--line); }
.markdown p, .markdown ul, .markdown ol { margin: .7em 0; } .markdown ul, .markdown ol { padding-left: 1.5rem; }
.markdown code { background: var(--soft); padding: .12em .35em; border-radius: 5px; }
.markdown pre { background: var(--soft); padding: .9rem 1rem; border-radius: 8px; overflow-x: auto; line-height: 1.45; }
.markdown pre code { background: none; padding: 0; font-size: 1em; }
.markdown .scroll { margin: .7em 0; }
.markdown table { border-collapse: collapse; font-size: .93em; }
.markdown .center { text-align: center; } .markdown .right { text-align: right; }
.markdown th, .markdown td { border: 1px solid var(--line); padding: .38rem .75rem; text-align: left; } .markdown thead { background: var(--soft); }
.markdown blockquote { margin: .8em 0; padding: 0 1rem; border-left: 4px solid var(--line); color: var(--quiet); }
.markdown .callout { border-left-color: var(--violet); color: inherit; } .markdown .callout > p:first-child { color: var(--violet); margin-bottom: 0; } .markdown .callout > p + p { margin-top: .2em; }
.markdown details { border: 1px solid var(--line); border-radius: 8px; padding: .5rem .9rem; margin: .8em 0; }
.markdown summary { cursor: pointer; font-weight: 600; }
.markdown hr { border: 0; border-top: 1px solid var(--line); margin: 1.5em 0; }
.file { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0 0 1rem; overflow: hidden; }
.file > summary { display: flex; flex-wrap: wrap; gap: .3rem .7rem; align-items: center; padding: .55rem 1rem; background: var(--soft); cursor: pointer; overflow-wrap: anywhere; }
.file[open] > summary { border-bottom: 1px solid var(--line); }
.file > summary::marker { color: var(--quiet); }
.badge { font-size: .75rem; color: var(--quiet); border: 1px solid var(--line); border-radius: 1rem; padding: 0 .5rem; }
.counts { margin-left: auto; font-size: .875rem; } .plus { color: var(--green); } .minus { color: var(--red); }
.scroll { overflow-x: auto; }
.diff { border-collapse: collapse; width: 100%; line-height: 1.5; tab-size: 4; }
.diff td { padding: 0 .6rem; vertical-align: top; white-space: pre; border: 0; }
.diff .number { width: 1%; min-width: 3rem; text-align: right; color: var(--quiet); user-select: none; }
.diff .sign { width: 1%; padding: 0 .1rem 0 .5rem; user-select: none; }
.diff .added { background: var(--green-soft); } .diff .added .sign { color: var(--green); } .diff .added mark { background: var(--green-mark); }
.diff .removed { background: var(--red-soft); } .diff .removed .sign { color: var(--red); } .diff .removed mark { background: var(--red-mark); }
.diff mark { color: inherit; border-radius: 3px; }
.diff .hunk td, .diff .note td { color: var(--quiet); background: var(--soft); padding-top: .15rem; padding-bottom: .15rem; }
.merge { border-left: 5px solid var(--green); } .merge.conflict { border-left-color: var(--amber); } .merge.done { border-left-color: var(--violet); } .merge.off { border-left-color: var(--line); }
.body > :first-child { margin-top: 0; } .body > :last-child { margin-bottom: 0; }
.merge h3 { font-size: 1.05rem; margin: 0 0 .2rem; }
.actions { display: flex; flex-wrap: wrap; gap: .6rem; margin: .9rem 0 0; }
form { margin: 0; }
button { font: inherit; font-weight: 600; padding: .5rem 1.15rem; border-radius: 8px; border: 1px solid var(--line); background: var(--card); color: var(--ink); cursor: pointer; }
button:hover { background: var(--soft); }
button.primary { background: var(--button); border-color: transparent; color: #fff; } button.primary:hover { filter: brightness(1.1); }
textarea { font: inherit; width: 100%; min-height: 6rem; padding: .7rem .85rem; border-radius: 8px; border: 1px solid var(--line); background: var(--page); color: var(--ink); resize: vertical; }
.notice { padding: .7rem 1.1rem; border-radius: 8px; background: var(--amber-soft); color: var(--amber); margin: 0 0 1rem; }
.tabs { display: flex; gap: 1.25rem; margin: 0 0 1rem; } .tabs a[aria-current] { color: var(--ink); font-weight: 600; }
pre.source { margin: 0; padding: 1rem 1.15rem; overflow-x: auto; line-height: 1.5; tab-size: 4; }
pre.message { white-space: pre-wrap; overflow-wrap: anywhere; margin: .6rem 0 0; color: var(--quiet); }
@media (max-width: 40rem) { main { padding: 1.1rem .8rem 4rem; } h1 { font-size: 1.35rem; } .list li > .end { margin-left: 0; } }
@media print { header.top, .actions, form { display: none; } body { background: #fff; } }
`;

export const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f7a3a"/><g fill="none" stroke="#fff" stroke-width="2.5"><circle cx="10" cy="8" r="3"/><circle cx="10" cy="24" r="3"/><circle cx="22" cy="12" r="3"/><path d="M10 11v10M22 15c0 5-8 3-11 7"/></g></svg>`;
