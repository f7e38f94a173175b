import { dayOf } from '../../../bundle/format/times.ts';
import { type Html, html } from '../../page/html.ts';
import type { PastDecision, PastFilter, Place } from '../past/pastDecisions.ts';
import { table, time } from './frame.ts';
import { grantLink, href, link } from './links.ts';

export type PastAsked = { filter: PastFilter; behind: Place | null };
type Found = { decisions: readonly PastDecision[]; more: boolean };

const dayShown = (ms: number | null) => (ms === null ? '' : dayOf(ms / 1000));
/** Ms since 1970 as `2026-11-26 20:00:00.000`, UTC. */
export const momentOf = (ms: number): string =>
  new Date(ms).toISOString().replace('T', ' ').replace(/Z$/, '');
export const answerOf = ({ answer }: PastDecision): Html =>
  html`<span class="${answer === 'allowed' ? 'yes' : 'no'}">${answer}</span>`;

function form({ answer, who, api, operation, grant, reason, fromMs, untilMs }: PastFilter): Html {
  const field = (name: string, label: string, value: string, hint: string) =>
    html`<label>${label}<input name="${name}" value="${value}" maxlength="300" placeholder="${hint}"></label>`;
  const day = (name: string, label: string, value: string) =>
    html`<label>${label}<input type="date" name="${name}" value="${value}"></label>`;
  const answers = ['allowed', 'denied', 'limited'].map(
    (value) => html`<option${value === answer && html` selected`}>${value}</option>`,
  );
  return html`<form class="filter" action="/records"><label>Answer<select name="answer"><option value="">all</option>${answers}</select></label>${field('who', 'Who', who, 'ann@example.com')}${field('api', 'API', api, 'orders')}${field('operation', 'Operation', operation, 'getOrder')}${field('grant', 'Grant', grant, 'orders-billing-read')}${field('reason', 'Reason', reason, 'no-grant')}${day('from', 'From', dayShown(fromMs))}${day('until', 'Until', dayShown(untilMs))}<button>Show</button></form>`;
}

/** Decisions on record, one by one, the newest first; null: none are known yet. */
export function recordsPage(found: Found | null, { filter, behind }: PastAsked): Html {
  if (found === null)
    return html`${form(filter)}<p>Nothing is known of past decisions: no records were read yet, or there are none.</p>`;
  const { decisions, more } = found;
  const { fromMs, untilMs, ...names } = filter;
  const query = { ...names, from: dayShown(fromMs), until: dayShown(untilMs) };
  const last = decisions.at(-1);
  const rows = decisions.map((one) => [
    html`<a class="time" href="${href('/decision', { id: one.id })}">${time(momentOf(one.atMs))}</a>`,
    answerOf(one),
    one.subject === '' ? '' : link(one.subject, '/records', { ...query, who: one.subject }),
    one.operation,
    one.api,
    one.reason,
    one.grants.map((id, index) => [index === 0 ? '' : ', ', grantLink(id)]),
    one.gateway,
  ]);
  const pages = html`<nav class="pager" aria-label="Pages of decisions">${behind !== null && link('Newest', '/records', query)}${more && last !== undefined && html`<a rel="next" href="${href('/records', { ...query, behind: `${last.atMs}~${last.id}` })}">Older</a>`}</nav>`;
  return html`${form(filter)}${
    decisions.length === 0
      ? html`<p>No decision on record fits.</p>`
      : table(
          ['Time (UTC)', 'Answer', 'Who', 'Operation', 'API', 'Why', 'Grants', 'Gateway'],
          rows,
          'Decisions on record',
        )
  }${pages}<p class="soft">Names are whole ones. What was decided since the records were last read is under ${link('decisions', '/decisions')}.</p>`;
}
