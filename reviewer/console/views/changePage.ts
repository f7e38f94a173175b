import type { RevisionDiff } from '../../../bundle/diff/diffRevisions.ts';
import { listed } from '../../../bundle/format/counted.ts';
import { instantOf } from '../../../bundle/format/times.ts';
import { changeLine, conditionsChanged, notesOf, summaryOf } from '../../diff/diffRows.ts';
import { type Html, html } from '../../page/html.ts';
import { type Replay, verdictOf } from '../../replay/replay.ts';
import { number, type ReplayWords, replayWords } from '../../replay/replayWords.ts';
import { lines, nothing, table, time } from './frame.ts';
import { link, pager, pageSize, principalLink } from './links.ts';

/** How far something that takes its time has come. */
export type Under<T> = { state: 'waiting' } | { state: 'failed'; why: string } | { state: 'done'; value: T };

export type Comparison = {
  base: string;
  head: string;
  diff: Under<RevisionDiff>;
  replay: Under<Replay>;
};

const mostEffects = 50;

/** The branches to choose from, and what is compared. */
export function changeForm(branches: readonly string[], base: string, head: string): Html {
  const options = branches.map((name) => html`<option value="${name}"></option>`);
  const field = (name: string, label: string, value: string) =>
    html`<label>${label}<input name="${name}" value="${value}" list="branches" maxlength="300" required></label>`;
  return html`<p>What a branch, a tag or a commit would change for everybody, and what it would have done to recorded requests. It is compared with the commit where it branched off.</p>
<form class="filter" action="/change">${field('head', 'Branch or commit', head)}${field('base', 'Compared with', base)}<button>Compare</button><datalist id="branches">${options}</datalist></form>`;
}

const waiting = (what: string) =>
  html`<p class="note" role="status">${what} The page looks again by itself.</p>`;

function diffPart(diff: RevisionDiff, query: { base: string; head: string }, from: number): Html {
  const rows = diff.changes.slice(from, from + pageSize).map((change) => {
    const bad = change.kind === 'loses' || change.kind === 'tightened' || change.kind === 'shortened';
    return [
      html`<span class="${bad ? 'no' : 'yes'}">${change.kind}</span>`,
      changeLine(change),
      conditionsChanged(change),
    ];
  });
  const notes = notesOf(diff);
  return html`<p>${summaryOf(diff)}</p>${rows.length > 0 && table(['Change', 'Who and what', 'Terms'], rows, 'Changes of access')}${diff.changes.length > 0 ? pager('/change', query, { at: from, total: diff.changes.length, what: 'changes' }) : nothing}
${notes.length > 0 && html`<h3>Also</h3><ul>${notes.slice(0, 200).map((note) => html`<li>${note}</li>`)}</ul>`}`;
}

function effects({ title, by, more }: ReplayWords['parts'][number]): Html {
  const rows = by
    .slice(0, mostEffects)
    .map((effect) => [
      principalLink(effect.subject),
      html`${link(effect.operation, '/access', { api: effect.api, operation: effect.operation })} of ${effect.api}`,
      number(effect.requests),
      time(instantOf(effect.last)),
      html`${effect.why}${effect.grants.length > 0 && ` (by ${listed(effect.grants)})`}`,
    ]);
  const rest = Math.max(0, by.length - mostEffects) + more;
  return html`<h3>${title}</h3>${table(['Who', 'Operation', { number: 'Requests' }, 'The last at', 'Why'], rows, title)}${rest > 0 && html`<p class="soft">… and ${number(rest)} more; <code>grantgate replay --json</code> has them all.</p>`}`;
}

function replayPart(replay: Replay): Html {
  const verdict = verdictOf(replay);
  const { sentence, gains, coverage, leftOut, parts, lost } = replayWords(replay);
  return html`<p><span class="${verdict === 'harmless' ? 'yes' : 'no'}">${verdict}</span> ${sentence}</p>${gains !== null && html`<p>${gains}</p>`}<p class="soft">${coverage} ${leftOut.join(' ')}</p>
${parts.map(effects)}
${lost.by.length > 0 && html`<h3>${lost.title}</h3><ul>${lost.by.slice(0, mostEffects).map((one) => html`<li>${one.operation} of ${one.api}: ${number(one.requests)}; ${one.why}</li>`)}</ul>`}`;
}

/** What lies between two commits: who gains and loses what, and what becomes of recorded requests. */
export function comparisonPart(
  { base, head, diff, replay }: Comparison,
  query: { base: string; head: string },
  from: number,
): Html {
  return html`<h2>Who gains and loses what</h2><p class="soft">${base.slice(0, 12)} → ${head.slice(0, 12)}</p>
${diff.state === 'waiting' ? waiting('Both revisions are being compiled.') : diff.state === 'failed' ? html`<p class="note bad">${lines(diff.why)}</p>` : diffPart(diff.value, query, from)}
<h2>Recorded requests, decided again</h2>
${replay.state === 'waiting' ? waiting('Recorded requests are being decided by both revisions.') : replay.state === 'failed' ? html`<p class="note bad">${lines(replay.why)}</p>` : replayPart(replay.value)}`;
}
