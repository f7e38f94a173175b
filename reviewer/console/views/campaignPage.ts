import { counted } from '../../../bundle/format/counted.ts';
import { endOf } from '../../../bundle/grants/dates.ts';
import type { PartReport } from '../../campaign/report.ts';
import { barChart } from '../../page/barChart.ts';
import { type Html, html } from '../../page/html.ts';
import type { Progress } from '../past/campaigns.ts';
import { code, table } from './frame.ts';
import { grantLink, link, pager, pageSize, principalLink } from './links.ts';

const isDone = ({ grants }: PartReport) => grants.every(({ outcome }) => outcome !== 'open');
const doneIn = ({ report }: Progress) => report.parts.filter(isDone).length;
const left = ({ report }: Progress) => report.totals.open;

function stateOf(one: Progress): Html {
  const { due } = one.frozen;
  const isOver = Date.parse(one.report.as_of) / 1000 >= endOf(due);
  if (left(one) === 0) return html`<span class="yes">all answered</span>`;
  return isOver ? html`<span class="no">overdue since ${due}</span>` : html`open`;
}

/** Campaigns that this clone knows of. */
export function campaignsPage(campaigns: readonly Progress[]): Html {
  if (campaigns.length === 0)
    return html`<p>This clone has no campaign. One is opened by <code>grantgate review --campaign NAME --apply</code>; its branch <code>grantgate/campaign/NAME/frozen</code> comes with <code>git fetch</code>.</p>`;
  const rows = campaigns.map((one) => [
    link(one.frozen.name, '/campaign', { name: one.frozen.name }),
    one.frozen.scope ?? 'all grants',
    one.frozen.opened.slice(0, 10),
    one.frozen.due,
    one.frozen.population.grants,
    left(one),
    `${doneIn(one)} of ${one.report.parts.length}`,
    stateOf(one),
  ]);
  return table(
    [
      ...['Campaign', 'Scope', 'Opened', 'Due', { number: 'Grants' }, { number: 'Unanswered' }],
      ...['Owners done', 'State'],
    ],
    rows,
    'Campaigns',
  );
}

type Asked = { owner: string; from: number };

/** One campaign: what was frozen, who has finished, what is overdue. */
export function campaignPage(one: Progress, { owner, from }: Asked): Html {
  const { frozen, report, isTouched } = one;
  const { population, evidence, name } = frozen;
  const part = report.parts.find((known) => known.owner === owner);
  const blind = frozen.entries.filter(({ use }) => use === undefined).length;
  const outcomes = Object.entries(report.totals).filter(([, count]) => count > 0);
  const tiles = [
    ['grants asked about', population.grants],
    ['owners done', `${doneIn(one)} of ${report.parts.length}`],
    ['unanswered', left(one)],
    ['changed since it was frozen', report.totals.changed],
    ['not evaluable', blind],
  ] as const;
  return html`${isTouched && html`<p class="note bad">The branch of this campaign has a commit that is not the bot's: what was frozen is not to be trusted.</p>`}
<p>Opened ${frozen.opened}, due ${frozen.due}: ${stateOf(one)}${frozen.scope !== null && [', of ', code(frozen.scope)]}; as the branch has it. Pull requests and reminders are on the forge; <code>grantgate report --campaign ${name}</code> has all of it as evidence.</p>
<ul class="tiles">${tiles.map(([label, value]) => html`<li><b>${value}</b>${label}</li>`)}</ul>
${barChart(
  'What became of the grants',
  outcomes.map(([label, value]) => ({ label, value })),
)}
${part === undefined ? owners(one, from) : grantsOf(one, part, from)}
<h2>What was frozen</h2>
<dl><dt>Commit</dt><dd>${code(frozen.commit)}</dd><dt>Population</dt><dd>${counted(population.grants, 'grant')}, ${code(population.digest)}</dd><dt>Evidence</dt><dd>${counted(evidence.records, 'record')} of ${counted(evidence.instances, 'gateway')} since ${evidence.from}, coverage ${(evidence.coverage * 100).toFixed(2)} %, ${code(evidence.digest)}</dd><dt>Branch</dt><dd>${code(one.branch)}</dd></dl>`;
}

function owners({ frozen, report }: Progress, from: number): Html {
  // Who has not finished comes first, the most to do before all.
  const open = ({ grants }: PartReport) => grants.filter(({ outcome }) => outcome === 'open').length;
  const sorted = report.parts.toSorted((a, b) => open(b) - open(a) || (a.owner < b.owner ? -1 : 1));
  const rows = sorted
    .slice(from, from + pageSize)
    .map((part) => [
      link(part.owner, '/campaign', { name: frozen.name, owner: part.owner }),
      part.grants.length,
      open(part),
      isDone(part) ? html`<span class="yes">done</span>` : 'open',
    ]);
  return html`<h2>Owners</h2>${table(['Owner', { number: 'Grants' }, { number: 'Unanswered' }, 'State'], rows, 'Owners')}${pager('/campaign', { name: frozen.name }, { at: from, total: sorted.length, what: 'owners' })}`;
}

function grantsOf({ frozen }: Progress, part: PartReport, from: number): Html {
  const entries = new Map(frozen.entries.map((entry) => [entry.grant, entry]));
  const rows = part.grants.slice(from, from + pageSize).map(({ grant, api, tier, proposed, outcome }) => {
    const entry = entries.get(grant);
    const used =
      entry?.use === undefined
        ? 'not evaluable'
        : `${entry.use.allows}× on ${counted(entry.use.days, 'day')}`;
    return [
      ...[grantLink(grant), entry === undefined ? '' : principalLink(entry.principal), `${api} (${tier})`],
      ...[entry?.gives ?? '', used, proposed, entry?.why ?? ''],
      outcome === 'open' ? html`<span class="no">open</span>` : outcome,
    ];
  });
  const query = { name: frozen.name, owner: part.owner };
  return html`<h2>Of ${part.owner}</h2><p>${link('All owners', '/campaign', { name: frozen.name })}</p>${table(['Grant', 'Who', 'API (tier)', 'May do', 'Used', 'Proposed', 'Why', 'Outcome'], rows, `Grants of ${part.owner}`)}${pager('/campaign', query, { at: from, total: part.grants.length, what: 'grants' })}`;
}
