import { compareCodePoints } from '../../../bundle/format/canonicalJson.ts';
import { counted } from '../../../bundle/format/counted.ts';
import { dayOf } from '../../../bundle/format/times.ts';
import type { Grant } from '../../../bundle/grants/organisation.ts';
import { columnOf, type Heat, headOf, heatText } from '../../inventory/heat.ts';
import { type Inventory, lastUseOf, type neverCalled, type uncatalogued } from '../../inventory/inventory.ts';
import { heatMap, heatOf } from '../../page/heatMap.ts';
import { type Html, html } from '../../page/html.ts';
import { sparkline } from '../../page/sparkline.ts';
import { nothing, table, time } from './frame.ts';
import { grantLink, href, link, pager, pageSize, principalLink } from './links.ts';

/** What was counted once, when the records were read. */
export type Use = {
  cells: ReadonlyMap<string, ReadonlyMap<string, Heat>>;
  /** Key → uses of grants a day, to today: APIs here, grants in a cell's list. */
  days: ReadonlyMap<string, readonly number[]>;
  never: ReturnType<typeof neverCalled>;
  strange: ReturnType<typeof uncatalogued>;
};

/** So many columns stand beside each other, those that hold most. */
const mostColumns = 24;
const most = 200;

const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);

const spark = (values: readonly number[] | undefined): Html =>
  values === undefined
    ? nothing
    : sparkline(values, `${counted(sum(values), 'use')} in ${counted(values.length, 'day')}`);

function map(inventory: Inventory, { cells }: Use, from: number): Html {
  const held = new Map<string, number>();
  for (const row of cells.values())
    for (const [column, cell] of row) held.set(column, (held.get(column) ?? 0) + cell.held);
  const columns = [...held].sort(([a, x], [b, y]) => y - x || compareCodePoints(a, b)).map(([name]) => name);
  const shown = columns.slice(0, mostColumns);
  const apis = [...cells.keys()].sort(compareCodePoints);
  const drawn = heatMap({
    corner: 'API',
    columns: shown.map((name) => ({ name, head: headOf(name) })),
    rows: apis
      .slice(from, from + pageSize)
      .map((name) => ({ name, head: link(name, '/access', { api: name }) })),
    cell(api, column) {
      const found = cells.get(api)?.get(column);
      if (found === undefined) return null;
      const { share, text, title } = heatText(found, { api, column, known: inventory.seen !== null });
      return html`<a class="${heatOf(share)}" href="${href('/usage', { api, column })}" title="${title}">${text}</a>`;
    },
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Heat map of use">${drawn}</div>
${columns.length > shown.length && html`<p class="soft">The ${shown.length} groups that hold most; ${columns.length - shown.length} more hold less.</p>`}${pager('/usage', {}, { at: from, total: apis.length, what: 'APIs' })}`;
}

function apiTable({ organisation, access, seen }: Inventory, { cells, days }: Use, from: number): Html {
  const grants = Map.groupBy(access.grants, ({ api }) => api);
  const rows = [...cells]
    .sort(([a], [b]) => compareCodePoints(a, b))
    .slice(from, from + pageSize)
    .map(([name, row]) => {
      const held = sum([...row.values()].map((cell) => cell.held));
      const used = sum([...row.values()].map((cell) => cell.used));
      return [
        link(name, '/access', { api: name }),
        organisation.apis.get(name)?.tier ?? '',
        grants.get(name)?.length ?? 0,
        seen === null || held === 0 ? '' : `${Math.floor((used / held) * 100)} %`,
        spark(days.get(name)),
      ];
    });
  return html`<h2>By API</h2>${table(['API', 'Tier', { number: 'Grants' }, { number: 'Used' }, 'Uses a day, 90 days'], rows, 'Use by API')}`;
}

const list = (title: string, items: readonly (Html | string)[]) =>
  items.length > 0 &&
  html`<h2>${title} (${items.length})</h2><ul>${items.slice(0, most).map((item) => html`<li>${item}</li>`)}</ul>${items.length > most && html`<p class="soft">… and ${items.length - most} more; <code>grantgate inventory</code> has them all.</p>`}`;

/** What is used of what is held: the heat map, and what stands outside of it. */
export function usagePage(inventory: Inventory, use: Use, from: number): Html {
  const never = use.never.map(
    ({ api, operation, grants }) =>
      html`${link(operation, '/access', { api, operation })} of ${api}: ${counted(grants.length, 'grant')}`,
  );
  const strange = use.strange.map(
    ({ api, operation, requests, allowed }) =>
      `${operation} of ${api}: ${counted(requests, 'request')}, ${allowed} allowed`,
  );
  return html`<p>${inventory.seen === null ? 'How many operations are held. Nothing is known of use.' : 'The share of held operations that was used, by the records at hand. What is red was hardly used; a cell leads to its grants.'}</p>
${map(inventory, use, from)}${apiTable(inventory, use, from)}
${list('Granted, never called by anyone in these records', never)}${list('Seen, not catalogued', strange)}`;
}

/** The grants of one cell of the heat map. */
export const cellGrants = ({ access }: Inventory, api: string, column: string): Grant[] =>
  access.grants.filter(
    (grant) => grant.api === api && columnOf(grant) === column && access.idle(grant) === null,
  );

/** The same as a list, the least used first. */
export function cellPage(
  inventory: Inventory,
  {
    api,
    column,
    grants,
    total,
    days,
  }: { api: string; column: string; grants: readonly Grant[]; total: number; days: Use['days'] },
  from: number,
): Html {
  const rows = grants.map((grant) => {
    const used = grant.covers.filter((one) => lastUseOf(inventory, grant.id, one) !== null);
    const last = lastUseOf(inventory, grant.id);
    return [
      grantLink(grant.id),
      principalLink(grant.principal),
      grant.role ?? grant.covers.join(', '),
      inventory.seen === null ? '' : `${used.length} of ${grant.covers.length}`,
      inventory.seen === null ? '' : last === null ? 'not seen' : time(dayOf(last)),
      spark(days.get(grant.id)),
    ];
  });
  const columns = ['Grant', 'Principal', 'Role', 'Operations used', 'Last used', 'Uses a day, 90 days'];
  return html`<p>Grants on ${link(api, '/access', { api })} held ${column === 'directly' ? 'directly' : html`by ${principalLink(column)}`}. ${link('All use', '/usage')}</p>${table(columns, rows, 'Grants')}${pager('/usage', { api, column }, { at: from, total, what: 'grants' })}`;
}
