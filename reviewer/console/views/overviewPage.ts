import type { Inventory } from '../../inventory/inventory.ts';
import { barChart } from '../../page/barChart.ts';
import { type Html, html } from '../../page/html.ts';
import type { Plan } from '../../plan/finding.ts';
import { link } from './links.ts';

type Shown = {
  inventory: Inventory;
  plan: Plan | null;
  /** One sentence on the gateways; null where none was named. */
  fleet: string | null;
};

const tiers = ['critical', 'high', 'medium', 'low'] as const;
const figure = (count: number | string) =>
  typeof count === 'number' ? count.toLocaleString('en-US') : count;

/** Where to begin: how much there is, what was found, and the ways into each view. */
export function overviewPage({ inventory: { organisation, access, seen }, plan, fleet }: Shown): Html {
  const people = [...organisation.people.values()].filter(({ status }) => status === 'active').length;
  const tiles: readonly (readonly [string | number, string, string])[] = [
    [organisation.apis.size, 'APIs', '/access'],
    [access.grants.length, 'grants', '/access'],
    [people, 'active people', '/access'],
    [organisation.services.size, 'services', '/access'],
    [seen?.records ?? 'unknown', 'decision records', '/records'],
    [plan?.findings.length ?? 'unknown', 'findings', '/findings'],
  ];
  const byTier = Map.groupBy(access.grants, ({ api }) => organisation.apis.get(api)?.tier);
  return html`<ul class="tiles">${tiles.map(([count, name, path]) => html`<li><b>${figure(count)}</b> ${link(name, path)}</li>`)}</ul>
${fleet !== null && html`<p class="note">${fleet}. ${link('The fleet', '/fleet')}</p>`}
<form class="filter" action="/access" role="search" aria-label="Who may do what"><label>Who may do what? A person, a group, an API, an operation, a grant<input name="q" type="search" maxlength="200"></label><button>Search</button></form>
${barChart(
  'Grants by tier',
  tiers.map((label) => ({ label, value: byTier.get(label)?.length ?? 0 })),
)}
<ul><li>${link('Who may do what', '/access')}: by person, group, API and operation, each with its chain and place.</li><li>${link('What is used', '/usage')} of it.</li><li>${link('What a review finds', '/findings')}, with the proof.</li><li>${link('What a branch would change', '/change')}.</li><li>${link('What is decided', '/decisions')}, as it happens, and ${link('what was decided', '/records')}, by the records.</li><li>${link('Campaigns', '/campaigns')}: who has answered, and who has not.</li><li>${link('Which gateway enforces what', '/fleet')}.</li></ul>`;
}
