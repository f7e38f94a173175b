import { createHash } from 'node:crypto';
import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import { counted, dayOf, instantOf } from '../plan/sentence.ts';
import { conditionsText, type Inventory, lastUseOf, neverCalled, uncatalogued } from './inventory.ts';
import { script, style } from './pageAssets.ts';

/** A text as HTML shows it, in content and in quoted attributes; control and direction characters are made visible. */
export const escapeHtml = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, '\ufffd')
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);

const e = escapeHtml;
const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const mostHolders = 200;

/** Who stands over a column: a group, or everybody who holds something directly. */
const columnOf = ({ principal }: Grant) => (principal.startsWith('group:') ? principal : 'directly');

type Cell = { held: number; used: number };

/** API → column → how many operations of how many grants are held, and used. */
function heat(inventory: Inventory): Map<string, Map<string, Cell>> {
  const rows = new Map<string, Map<string, Cell>>();
  for (const grant of inventory.access.grants) {
    if (inventory.access.idle(grant) !== null) continue;
    const row = rows.get(grant.api) ?? new Map<string, Cell>();
    rows.set(grant.api, row);
    const cell = row.get(columnOf(grant)) ?? { held: 0, used: 0 };
    row.set(columnOf(grant), cell);
    cell.held += grant.covers.length;
    cell.used += grant.covers.filter((one) => lastUseOf(inventory, grant.id, one) !== null).length;
  }
  return rows;
}

function heatMap(inventory: Inventory): string {
  const rows = heat(inventory);
  const columns = [...new Set([...rows.values()].flatMap((row) => [...row.keys()]))].sort(compareCodePoints);
  const name = (column: string) => column.replace(/^group:/, '');
  const cell = (api: string, column: string) => {
    const found = rows.get(api)?.get(column);
    if (found === undefined) return '<td></td>';
    const share = inventory.seen === null ? null : Math.floor((found.used / found.held) * 100);
    const level = share === null ? 'unknown' : `heat${Math.floor(share / 20)}`;
    const text = share === null ? String(found.held) : `${share} %`;
    const title = `${name(column)} on ${api}: ${counted(found.held, 'operation')} held${share === null ? '' : `, ${found.used} used`}`;
    return `<td><button class="${level}" data-api="${e(api)}" data-column="${e(column)}" title="${e(title)}">${text}</button></td>`;
  };
  return `<table id="heat"><thead><tr><th scope="col">API</th>${columns
    .map((column) => `<th scope="col"><span>${e(name(column))}</span></th>`)
    .join('')}</tr></thead><tbody>${[...rows.keys()]
    .sort(compareCodePoints)
    .map(
      (api) =>
        `<tr><th scope="row">${e(api)}</th>${columns.map((column) => cell(api, column)).join('')}</tr>`,
    )
    .join('')}</tbody></table>`;
}

function grantRow(inventory: Inventory, grant: Grant): string {
  const { access, organisation, seen } = inventory;
  const api = organisation.apis.get(grant.api);
  const idle = access.idle(grant);
  const holdings = access.byGrant(grant.id);
  const last = lastUseOf(inventory, grant.id);
  const day = (seconds: number | null) =>
    seen === null ? '' : seconds === null ? 'not seen' : dayOf(seconds);
  const asked = conditionsText(grant);
  const operations = grant.covers
    .map(
      (one) =>
        `<li><code>${e(one)}</code> ${e(api?.operations.get(one) ?? '')} <i>${day(lastUseOf(inventory, grant.id, one))}</i></li>`,
    )
    .join('');
  const holders = holdings
    .slice(0, mostHolders)
    .map(
      ({ subject, chain }) =>
        `<li>${e(subject)}${chain.length === 0 ? '' : ` through ${e(chain.join(' in '))}`}</li>`,
    )
    .join('');
  const more = holdings.length > mostHolders ? `<li>and ${holdings.length - mostHolders} more</li>` : '';
  const details = [
    `<p>${e(grant.reason)}${grant.ticket === undefined ? '' : ` (${e(grant.ticket)})`}</p>`,
    `<p>Stands in <code>${e(grant.place.file)}:${grant.place.line}</code>, owner ${e(grant.owner)}${asked === '' ? '' : `, ${e(asked)}`}${idle === null ? '' : `; gives nothing: ${idle}`}.</p>`,
    `<ul>${operations}</ul><ul>${holders}${more}</ul>`,
  ].join('');
  const cells = [
    `<td><details><summary>${e(grant.id)}</summary>${details}</details></td>`,
    `<td>${e(grant.api)}</td><td>${e(api?.tier ?? '')}</td><td>${e(grant.principal)}</td>`,
    `<td>${e(grant.role ?? grant.covers.join(', '))}</td><td data-sort="${holdings.length}">${holdings.length}</td>`,
    `<td>${e(grant.granted)}</td><td>${e(grant.expires ?? '')}</td><td>${day(last)}</td>`,
  ];
  return `<tr data-api="${e(grant.api)}" data-column="${e(columnOf(grant))}"${idle === null ? '' : ' class="idle"'}>${cells.join('')}</tr>`;
}

/** The inventory as one page that needs nothing else and may do nothing but what its own script says. */
export function inventoryPage(inventory: Inventory): string {
  const { asOf, revision, access, organisation, seen } = inventory;
  const policy = `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'`;
  const heads = ['Grant', 'API', 'Tier', 'Principal', 'Role', 'Holders', 'Since', 'Until', 'Last used'];
  const strange = uncatalogued(inventory);
  const never = neverCalled(inventory);
  const list = (title: string, items: readonly string[]) =>
    items.length === 0
      ? ''
      : `<h2>${title}</h2><ul>${items.map((item) => `<li>${e(item)}</li>`).join('')}</ul>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${e(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Access inventory</title><style>${style}</style></head>
<body><h1>Access inventory</h1>
<p>As of ${instantOf(asOf)}${revision === null ? '' : ` at revision <code>${e(revision.slice(0, 12))}</code>`}: ${counted(organisation.apis.size, 'API')}, ${counted(access.grants.length, 'grant')}, ${seen === null ? 'no decision records given, so nothing is said of use' : counted(seen.records, 'decision record')}.</p>
<h2>${seen === null ? 'Operations held' : 'Share of held access that was used'}</h2>
<div class="scroll">${heatMap(inventory)}</div>
<h2>Grants</h2>
<p><input id="search" type="search" aria-label="Search grants" placeholder="Search"> <button id="all">Show all</button> <output id="count"></output></p>
<div class="scroll"><table id="grants"><thead><tr>${heads
    .map((head) => `<th scope="col" aria-sort="none"><button>${head}</button></th>`)
    .join('')}</tr></thead><tbody>
${access.grants.map((grant) => grantRow(inventory, grant)).join('\n')}
</tbody></table></div>
${list(
  'Open to anybody, without a credential',
  [...organisation.apis.values()].flatMap(({ name, public: open = [] }) =>
    open.map((operation) => `${operation} of ${name}`),
  ),
)}
${list(
  'Seen, not catalogued',
  strange.map(
    (one) => `${one.operation} of ${one.api}: ${counted(one.requests, 'request')}, ${one.allowed} allowed`,
  ),
)}
${list(
  'Granted, never called by anyone in these records',
  never.map((one) => `${one.operation} of ${one.api}: ${one.grants.map(({ id }) => id).join(', ')}`),
)}
<script>${script}</script></body></html>
`;
}
