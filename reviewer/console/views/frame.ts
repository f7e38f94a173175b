import { instantOf } from '../../../bundle/format/times.ts';
import { Html, html, type Part, page, policyOf } from '../../page/html.ts';
import { script } from './script.ts';
import { style } from './style.ts';

/** What every page says below: of what, as of when, and what keeps it from being the newest. */
export type Standing = {
  root: string;
  revision: string | null;
  /** Seconds since 1970. */
  asOf: number;
  /** What is being read or could not be; lines of text. */
  notes: readonly { text: string; bad?: true }[];
};

const views = [
  ['/', 'Overview', 'o'],
  ['/access', 'Access', 'a'],
  ['/usage', 'Use', 'u'],
  ['/findings', 'Findings', 'f'],
  ['/change', 'Change', 'c'],
  ['/decisions', 'Decisions', 'd'],
  ['/records', 'Records', 'r'],
  ['/campaigns', 'Campaigns', 'p'],
  ['/fleet', 'Fleet', 'l'],
] as const;

/** What the console's pages may do; for the header of each answer, which can forbid frames, too. */
export const policy = `${policyOf({ style, script, served: true })}; frame-ancestors 'none'`;

type Framed = {
  title: string;
  /** The view that the page belongs to; null for none. */
  view: (typeof views)[number][0] | null;
  search?: string;
  standing: Standing | null;
  body: Part;
};

/** A page of the console around its own part. */
export function frame({ title, view, search = '', standing, body }: Framed): string {
  const nav = views.map(
    ([path, name, key]) =>
      html`<li><a href="${path}" data-key="${key}"${path === view && html` aria-current="page"`}>${name}</a></li>`,
  );
  const notes = (standing?.notes ?? []).map(
    ({ text, bad }) => html`<p class="${bad ? 'note bad' : 'note'}" role="status">${lines(text)}</p>`,
  );
  const keys = views.map(([, name, key]) => html`<li><kbd>g</kbd> <kbd>${key}</kbd> ${name}</li>`);
  const about =
    standing &&
    html`<p>${standing.root}${standing.revision !== null && html` at <code>${standing.revision.slice(0, 12)}</code>`}, as of ${instantOf(standing.asOf)}. Read only: nothing here changes anything.</p>`;
  return page({
    ...{ title: `${title} · Grantgate`, style, script, served: true },
    body: html`<a class="skip" href="#main">Skip to the content</a>
<header class="top"><strong>Grantgate</strong><nav aria-label="Views"><ul>${nav}</ul></nav>
<form action="/access" role="search"><input id="q" name="q" type="search" value="${search}" maxlength="200" aria-label="Search people, services, groups, APIs, operations and grants" placeholder="Search ( / )"></form></header>
<main id="main" tabindex="-1"><h1>${title}</h1>${notes}${body}</main>
<footer>${about}<details id="keys"><summary>Keys</summary><ul><li><kbd>/</kbd> search</li><li><kbd>j</kbd> <kbd>k</kbd> next and last row</li>${keys}</ul></details></footer>`,
  });
}

type Column = string | { number: string };

/** A table that scrolls by itself where it is too wide; each row a cell for each column. */
export function table(columns: readonly Column[], rows: readonly (readonly Part[])[], label: string): Html {
  const classes = columns.map((one) => (typeof one === 'string' ? null : html` class="number"`));
  const heads = columns.map(
    (one, index) =>
      html`<th scope="col"${classes[index] ?? null}>${typeof one === 'string' ? one : one.number}</th>`,
  );
  const cells = (row: readonly Part[]) =>
    row.map((part, index) => html`<td${classes[index] ?? null}>${part}</td>`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table><thead><tr>${heads}</tr></thead><tbody>
${rows.map((row) => html`<tr>${cells(row)}</tr>\n`)}</tbody></table></div>`;
}

/** Text that may stand on one line as code. */
export const code = (text: string): Html => html`<code>${text}</code>`;

export const nothing = new Html('');

/** Text of several lines, as they are: what else moves a cursor is made visible. */
export const lines = (text: string): Html[] =>
  text
    .replaceAll('\t', '    ')
    .split(/\r?\n/)
    .map((line) => html`${line}\n`);

/** A day or an instant, on one line. */
export const time = (text: string): Html => html`<span class="time">${text}</span>`;
