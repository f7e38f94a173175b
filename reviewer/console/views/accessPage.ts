import { counted } from '../../../bundle/format/counted.ts';
import { dayOf } from '../../../bundle/format/times.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { conditionsText, type Inventory, lastUseOf } from '../../inventory/inventory.ts';
import { type Html, html, type Part } from '../../page/html.ts';
import { code, nothing, table, time } from './frame.ts';
import { type Asked, type Held, holdings } from './holdings.ts';
import { grantLink, link, pager, pageSize, principalLink } from './links.ts';
import { type Hit, type Kind, searchNames } from './searchNames.ts';

const titles: Readonly<Record<Kind, string>> = {
  person: 'People',
  service: 'Services',
  group: 'Groups',
  api: 'APIs',
  operation: 'Operations',
  grant: 'Grants',
};

const hitLink = ({ kind, name, of }: Hit): Html => {
  switch (kind) {
    case 'person':
      return link(name, '/access', { person: `user:${name}` });
    case 'service':
      return link(name, '/access', { person: `service:${name}` });
    case 'group':
      return link(name, '/access', { group: `group:${name}` });
    case 'api':
      return link(name, '/access', { api: name });
    case 'operation':
      return html`${link(name, '/access', { api: of, operation: name })} of ${of ?? ''}`;
    case 'grant':
      return grantLink(name);
    default:
      return kind satisfies never;
  }
};

/** Everything whose name holds a text. */
function searchPart({ organisation }: Inventory, text: string): Html {
  const found = searchNames(organisation, text, 20);
  if (found.size === 0) return html`<p>Nothing is named like “${text}”.</p>`;
  return html`${[...found].map(
    ([kind, { hits, total }]) =>
      html`<h2>${titles[kind]} (${total})</h2><ul>${hits.map((hit) => html`<li>${hitLink(hit)}</li>`)}</ul>${total > hits.length && html`<p class="soft">… and ${total - hits.length} more: write more of the name.</p>`}`,
  )}`;
}

/** The names that were meant, or what there is none of. */
type Meant = { asked: Asked; unknown: readonly { what: string; name: string; kinds: readonly Kind[] }[] };

const whole = (name: string, prefixes: readonly string[], has: (name: string) => boolean) =>
  [name, ...prefixes.map((prefix) => `${prefix}${name}`)].find(has) ?? null;

function meant(organisation: Organisation, query: URLSearchParams): Meant {
  const { people, services, groups, apis } = organisation;
  const given = (name: string) => query.get(name)?.trim() || null;
  const unknown: { what: string; name: string; kinds: readonly Kind[] }[] = [];
  const known = (what: string, kinds: readonly Kind[], find: (name: string) => string | null) => {
    const name = given(what);
    const found = name === null ? null : find(name);
    if (name !== null && found === null) unknown.push({ what, name, kinds });
    return found;
  };
  const isPerson = (name: string) =>
    name.startsWith('user:')
      ? people.has(name.slice(5))
      : name.startsWith('service:') && services.has(name.slice(8));
  const person = known('person', ['person', 'service'], (name) =>
    whole(name, ['user:', 'service:'], isPerson),
  );
  const group = known('group', ['group'], (name) =>
    whole(name, ['group:'], (one) => one.startsWith('group:') && groups.has(one.slice(6))),
  );
  const api = known('api', ['api'], (name) => whole(name, [], (one) => apis.has(one)));
  const operation = known('operation', ['operation'], (name) =>
    [...apis.values()].some(({ operations }) => operations.has(name)) ? name : null,
  );
  return { asked: { person, group, api, operation }, unknown };
}

const throughOf = ({ grant, chain }: Held): Part =>
  chain.length === 0
    ? grant.principal.startsWith('group:')
      ? 'its own grant'
      : 'directly'
    : chain.map((group, index) => html`${index > 0 && ' in '}${principalLink(group)}`);

/** One answer, with the way to it and the place where it is written. */
function rowOf(inventory: Inventory, held: Held, operation: string | null): Part[] {
  const { grant, subject } = held;
  const last = lastUseOf(inventory, grant.id, operation ?? undefined);
  const terms = [grant.expires === undefined ? '' : `until ${grant.expires}`, conditionsText(grant)];
  return [
    principalLink(subject),
    operation ?? grant.covers.join(', '),
    link(grant.api, '/access', { api: grant.api }),
    html`${grantLink(grant.id)}<br>${code(`${grant.place.file}:${grant.place.line}`)}`,
    throughOf(held),
    terms.filter((term) => term !== '').join(', '),
    inventory.seen === null ? '' : last === null ? 'not seen' : time(dayOf(last)),
  ];
}

function form(query: URLSearchParams): Html {
  const field = (name: string, label: string, hint: string) =>
    html`<label>${label}<input name="${name}" value="${query.get(name) ?? ''}" maxlength="300" placeholder="${hint}"></label>`;
  return html`<form class="filter" action="/access">${field('person', 'Person or service', 'ann@example.com')}${field('group', 'Group', 'billing')}${field('api', 'API', 'orders')}${field('operation', 'Operation', 'getOrder')}<button>Show</button></form>`;
}

function apiList({ organisation, access }: Inventory): Html {
  const counts = Map.groupBy(access.grants, ({ api }) => api);
  const rows = [...organisation.apis.values()].map(({ name, tier, owner, description, operations }) => [
    link(name, '/access', { api: name }),
    description,
    tier,
    principalLink(owner),
    operations.size,
    counts.get(name)?.length ?? 0,
  ]);
  const columns = ['API', 'What it does', 'Tier', 'Owner', { number: 'Operations' }, { number: 'Grants' }];
  return html`<h2>APIs</h2>${table(columns, rows, 'APIs')}`;
}

function about(inventory: Inventory, { person, group, api, operation }: Asked): Part {
  const { organisation, access } = inventory;
  const open = [...organisation.apis.values()].flatMap(({ name, public: names = [] }) =>
    api === null || name === api
      ? names.filter((one) => operation === null || one === operation).map((one) => `${one} of ${name}`)
      : [],
  );
  const members = group === null ? null : access.reached(group).size;
  const groups = person === null ? [] : (organisation.memberships.get(person) ?? []);
  return [
    person !== null &&
      !access.isActive(person) &&
      html`<p class="note bad">${person} is not active, so it may do nothing.</p>`,
    groups.length > 0 &&
      html`<details><summary>In ${counted(groups.length, 'group')}</summary><ul>${groups.map((one) => html`<li>${principalLink(one)}</li>`)}</ul></details>`,
    members !== null && html`<p>${counted(members, 'active member')}; each of them may do this.</p>`,
    (api !== null || operation !== null) &&
      person === null &&
      group === null &&
      open.length > 0 &&
      html`<p class="note">Anybody may do this without a credential: ${open.join(', ')}.</p>`,
  ];
}

/** Who may do what, as asked by `person`, `group`, `api` and `operation`; or what is named like `q`. */
export function accessPage(inventory: Inventory, query: URLSearchParams, from: number): Html {
  const text = query.get('q')?.trim() ?? '';
  if (text !== '') return searchPart(inventory, text);
  const { organisation, access } = inventory;
  const { asked, unknown } = meant(organisation, query);
  if (unknown.length > 0)
    return html`${form(query)}${unknown.map(({ what, name, kinds }) => {
      const near = searchNames(organisation, name, 10);
      const hits = kinds.flatMap((kind) => near.get(kind)?.hits ?? []);
      return html`<p class="note bad">There is no ${what} “${name}”.</p>${hits.length > 0 && html`<p>Was one of these meant?</p><ul>${hits.map((hit) => html`<li>${hitLink(hit)}</li>`)}</ul>`}`;
    })}`;
  if (Object.values(asked).every((one) => one === null)) return html`${form(query)}${apiList(inventory)}`;
  const { rows, total } = holdings(access, asked, from, pageSize);
  const columns = ['Who', 'May', 'On', 'By', 'Through', 'As long as', 'Last used'];
  const found =
    total === 0
      ? html`<p>Nobody may do this${asked.person === null ? '' : `, or not ${asked.person}`}.</p>`
      : table(
          columns,
          rows.map((held) => rowOf(inventory, held, asked.operation)),
          'Who may do what',
        );
  return html`${form(query)}${about(inventory, asked)}${found}${total > 0 ? pager('/access', { ...asked }, { at: from, total, what: 'answers' }) : nothing}`;
}
