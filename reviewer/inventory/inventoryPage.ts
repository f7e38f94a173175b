import { compareCodePoints } from '../../bundle/format/canonicalJson.ts';
import { counted } from '../../bundle/format/counted.ts';
import { dayOf, instantOf } from '../../bundle/format/times.ts';
import type { Grant } from '../../bundle/grants/organisation.ts';
import { heatMap, heatOf } from '../page/heatMap.ts';
import { type Html, html, page } from '../page/html.ts';
import { columnOf, headOf, heat, heatText } from './heat.ts';
import { idleText } from './idleText.ts';
import {
  conditionsText,
  type Inventory,
  lastUseOf,
  neverCalled,
  ownRulesText,
  uncatalogued,
} from './inventory.ts';
import { script, style } from './pageAssets.ts';

const mostHolders = 200;

function drawn(inventory: Inventory): Html {
  const cells = heat(inventory);
  const columns = [...new Set([...cells.values()].flatMap((row) => [...row.keys()]))].sort(compareCodePoints);
  return heatMap({
    corner: 'API',
    columns: columns.map((name) => ({ name, head: headOf(name) })),
    rows: [...cells.keys()].sort(compareCodePoints).map((name) => ({ name, head: name })),
    cell(api, column) {
      const found = cells.get(api)?.get(column);
      if (found === undefined) return null;
      const { share, text, title } = heatText(found, { api, column, known: inventory.seen !== null });
      return html`<button class="${heatOf(share)}" data-api="${api}" data-column="${column}" title="${title}">${text}</button>`;
    },
  });
}

function grantRow(inventory: Inventory, grant: Grant): Html {
  const { access, organisation, seen } = inventory;
  const api = organisation.apis.get(grant.api);
  const idle = access.idle(grant);
  const holdings = access.byGrant(grant.id);
  const last = lastUseOf(inventory, grant.id);
  const day = (seconds: number | null) =>
    seen === null ? '' : seconds === null ? 'not seen' : dayOf(seconds);
  const asked = conditionsText(grant);
  const operations = grant.covers.map(
    (one) =>
      html`<li><code>${one}</code> ${api?.operations.get(one) ?? ''} <i>${day(lastUseOf(inventory, grant.id, one))}</i></li>`,
  );
  const holders = holdings
    .slice(0, mostHolders)
    .map(
      ({ subject, chain }) =>
        html`<li>${subject}${chain.length === 0 ? '' : ` through ${chain.join(' in ')}`}</li>`,
    );
  const more = holdings.length > mostHolders && html`<li>and ${holdings.length - mostHolders} more</li>`;
  const details = [
    html`<p>${grant.reason}${grant.ticket === undefined ? '' : ` (${grant.ticket})`}</p>`,
    html`<p>Stands in <code>${grant.place.file}:${grant.place.line}</code>, owner ${grant.owner}${asked === '' ? '' : `, ${asked}`}${idle === null ? '' : `; gives nothing: ${idleText[idle]}`}.</p>`,
    html`<ul>${operations}</ul><ul>${holders}${more}</ul>`,
  ];
  const cells = [
    html`<td><details><summary>${grant.id}</summary>${details}</details></td>`,
    html`<td>${grant.api}</td><td>${api?.tier ?? ''}</td><td>${grant.principal}</td>`,
    html`<td>${grant.role ?? grant.covers.join(', ')}</td><td data-sort="${holdings.length}">${holdings.length}</td>`,
    html`<td>${grant.granted}</td><td>${grant.expires ?? ''}</td><td>${day(last)}</td>`,
  ];
  return html`<tr data-api="${grant.api}" data-column="${columnOf(grant)}"${idle !== null && html` class="idle"`}>${cells}</tr>`;
}

/** The inventory as one page that needs nothing else and may do nothing but what its own script says. */
export function inventoryPage(inventory: Inventory): string {
  const { asOf, revision, access, organisation, seen } = inventory;
  const heads = ['Grant', 'API', 'Tier', 'Principal', 'Role', 'Holders', 'Since', 'Until', 'Last used'];
  const strange = uncatalogued(inventory);
  const never = neverCalled(inventory);
  const list = (title: string, items: readonly string[]) =>
    items.length > 0 && html`<h2>${title}</h2><ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
  const body = html`<h1>Access inventory</h1>
<p>As of ${instantOf(asOf)}${revision !== null && html` at revision <code>${revision.slice(0, 12)}</code>`}: ${counted(organisation.apis.size, 'API')}, ${counted(access.grants.length, 'grant')}, ${seen === null ? 'no decision records given, so nothing is said of use' : counted(seen.records, 'decision record')}.</p>
${
  inventory.ownPolicies === true &&
  html`<p>${ownRulesText}</p>
`
}<h2>${seen === null ? 'Operations held' : 'Share of held access that was used'}</h2>
<div class="scroll">${drawn(inventory)}</div>
<h2>Grants</h2>
<p><input id="search" type="search" aria-label="Search grants" placeholder="Search"> <button id="all">Show all</button> <output id="count"></output></p>
<div class="scroll"><table id="grants"><thead><tr>${heads.map((head) => html`<th scope="col" aria-sort="none"><button>${head}</button></th>`)}</tr></thead><tbody>
${access.grants.map((grant) => html`${grantRow(inventory, grant)}\n`)}</tbody></table></div>
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
)}`;
  return page({ title: 'Access inventory', style, script, body });
}
