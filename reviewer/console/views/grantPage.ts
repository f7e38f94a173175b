import { counted } from '../../../bundle/format/counted.ts';
import { dayOf } from '../../../bundle/format/times.ts';
import type { Grant } from '../../../bundle/grants/organisation.ts';
import { idleText } from '../../inventory/idleText.ts';
import { conditionsText, type Inventory, lastUseOf } from '../../inventory/inventory.ts';
import { type Html, html } from '../../page/html.ts';
import { sparkline } from '../../page/sparkline.ts';
import type { Finding } from '../../plan/finding.ts';
import { code, lines, nothing, table, time } from './frame.ts';
import { link, pager, pageSize, principalLink } from './links.ts';

type Shown = {
  inventory: Inventory;
  grant: Grant;
  /** As it is written; null where its file cannot be read. */
  text: string | null;
  /** Uses a day, to today; null where nothing is known of use. */
  days: readonly number[] | null;
  findings: readonly Finding[];
};

/** One grant: what it gives, whom it reaches and how, how it was used, and what a review says of it. */
export function grantPage({ inventory, grant, text, days, findings }: Shown, from: number): Html {
  const { access, organisation, seen } = inventory;
  const api = organisation.apis.get(grant.api);
  const idle = access.idle(grant);
  const holders = access.byGrant(grant.id);
  const day = (seconds: number | null) =>
    seen === null ? '' : seconds === null ? 'not seen' : dayOf(seconds);
  const terms = conditionsText(grant);
  const facts: readonly (readonly [string, Html | string | false])[] = [
    ['Principal', principalLink(grant.principal)],
    [
      'API',
      html`${link(grant.api, '/access', { api: grant.api })}, tier ${api?.tier ?? ''}: ${api?.description ?? ''}`,
    ],
    ['Role', grant.role ?? false],
    ['Reason', `${grant.reason}${grant.ticket === undefined ? '' : ` (${grant.ticket})`}`],
    ['Owner', principalLink(grant.owner)],
    ['Granted', grant.granted],
    ['Until', grant.expires ?? 'no end'],
    ['Conditions', terms === '' ? 'none' : terms],
    ['Cadence', grant.cadence ?? false],
    ['Written in', code(`${grant.place.file}:${grant.place.line}`)],
    [
      'Last answer',
      grant.review !== undefined &&
        `${grant.review.decision} by ${grant.review.by}, ${grant.review.at}: ${grant.review.reason}`,
    ],
  ];
  const operations = grant.covers.map((one) => [
    code(one),
    code(api?.operations.get(one) ?? ''),
    time(day(lastUseOf(inventory, grant.id, one))),
  ]);
  const rows = holders
    .slice(from, from + pageSize)
    .map(({ subject, chain }) => [
      principalLink(subject),
      chain.length === 0
        ? 'directly'
        : chain.map((group, index) => html`${index > 0 && ' in '}${principalLink(group)}`),
    ]);
  return html`${idle !== null && html`<p class="note bad">It gives nobody anything: ${idleText[idle]}.</p>`}
${findings.map(({ fingerprint, sentence }) => html`<p class="note">${sentence} ${link('The proof', '/finding', { id: fingerprint })}</p>`)}
<dl>${facts.flatMap(([name, value]) => (value === false ? [] : [html`<dt>${name}</dt><dd>${value}</dd>`]))}</dl>
<h2>Operations</h2>${table(['Operation', 'Call', 'Last used'], operations, 'Operations')}
${
  days !== null &&
  html`<p>Uses a day over ${counted(days.length, 'day')}: ${sparkline(
    days,
    `${counted(
      days.reduce((sum, one) => sum + one, 0),
      'use',
    )} in ${counted(days.length, 'day')}`,
  )}</p>`
}
<h2>Whom it reaches</h2>${holders.length === 0 ? html`<p>Nobody.</p>` : table(['Who', 'Through'], rows, 'Whom it reaches')}${holders.length > 0 ? pager('/grant', { id: grant.id }, { at: from, total: holders.length, what: 'people and services' }) : nothing}
${text !== null && html`<h2>As it is written</h2><pre tabindex="0">${lines(text)}</pre>`}`;
}
