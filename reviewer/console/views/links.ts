import { type Html, html } from '../../page/html.ts';

/** So many rows stand on a page. */
export const pageSize = 50;

export type Query = Readonly<Record<string, string | number | null | undefined>>;

/** An address of the console; what is empty is left out. */
export function href(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === null || value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

export const link = (text: string, path: string, query: Query = {}): Html =>
  html`<a href="${href(path, query)}">${text}</a>`;

export const grantLink = (id: string): Html => link(id, '/grant', { id });

/** A principal, linked to what it may do. */
export const principalLink = (principal: string): Html =>
  principal.startsWith('group:')
    ? link(principal, '/access', { group: principal })
    : link(principal, '/access', { person: principal });

/** What is shown of a list: `at` is the first row's place, `what` its rows are. */
type Part = { at: number; total: number; what: string };

/** Which part of a list is shown, and the way to the others. */
export function pager(path: string, query: Query, { at, total, what }: Part): Html {
  const to = Math.min(total, at + pageSize);
  const place = (from: number) => (from <= 0 ? undefined : Math.floor(from / pageSize) + 1);
  const count = total.toLocaleString('en-US');
  const said =
    total === 0
      ? `no ${what}`
      : `${(at + 1).toLocaleString('en-US')} to ${to.toLocaleString('en-US')} of ${count} ${what}`;
  return html`<nav class="pager" aria-label="Pages of ${what}"><span>${said}</span>${at > 0 && html`<a rel="prev" href="${href(path, { ...query, page: place(at - pageSize) })}">Previous</a>`}${to < total && html`<a rel="next" href="${href(path, { ...query, page: place(at + pageSize) })}">Next</a>`}</nav>`;
}
