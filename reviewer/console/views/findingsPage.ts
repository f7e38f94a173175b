import { counted } from '../../../bundle/format/counted.ts';
import { barChart } from '../../page/barChart.ts';
import { type Html, html, type Part } from '../../page/html.ts';
import type { Explained } from '../../plan/explainFinding.ts';
import type { Finding, Plan } from '../../plan/finding.ts';
import { worstFirst } from '../../plan/worstFirst.ts';
import { code, lines as linesOf, nothing, table } from './frame.ts';
import { grantLink, link, pager, pageSize, principalLink } from './links.ts';

const countBy = (values: readonly string[]) =>
  [...Map.groupBy(values, (value) => value)]
    .map(([label, all]) => ({ label, value: all.length }))
    .sort((a, b) => b.value - a.value || (a.label < b.label ? -1 : 1));

const filters = ['detector', 'severity', 'api', 'owner'] as const;

/** Findings that fit all that is asked for, the worst first. */
function findingsOf({ findings }: Plan, query: URLSearchParams): Finding[] {
  const asked = filters.flatMap((name) => {
    const value = query.get(name);
    return value === null || value === '' ? [] : [[name, value] as const];
  });
  return worstFirst(findings).filter((finding) => asked.every(([name, value]) => finding[name] === value));
}

function form({ findings }: Plan, query: URLSearchParams): Html {
  const select = (name: 'detector' | 'severity', label: string) => {
    const values = [...new Set(findings.map((finding) => finding[name]))].sort();
    const options = values.map(
      (value) => html`<option${value === query.get(name) && html` selected`}>${value}</option>`,
    );
    return html`<label>${label}<select name="${name}"><option value="">all</option>${options}</select></label>`;
  };
  const field = (name: string, label: string) =>
    html`<label>${label}<input name="${name}" value="${query.get(name) ?? ''}" maxlength="300"></label>`;
  return html`<form class="filter" action="/findings">${select('detector', 'Detector')}${select('severity', 'Severity')}${field('api', 'API')}${field('owner', 'Owner')}<button>Show</button></form>`;
}

/** What a review finds now, by the same code as `grantgate review`. */
export function findingsPage(plan: Plan, query: URLSearchParams, from: number): Html {
  const found = findingsOf(plan, query);
  const rows = found
    .slice(from, from + pageSize)
    .map(({ fingerprint, sentence, detector, action, severity, grant, owner }) => [
      link(detector, '/finding', { id: fingerprint }),
      severity,
      action,
      sentence,
      grantLink(grant),
      principalLink(owner),
    ]);
  const { coverage, records, instances } = plan.evidence;
  const asked = Object.fromEntries(filters.map((name) => [name, query.get(name)]));
  const blind = plan.not_evaluable;
  return html`<p>${counted(plan.findings.length, 'finding')} among ${counted(plan.population.grants, 'grant')}, by ${counted(records, 'record')} of ${counted(instances, 'gateway')}; ${Math.floor(coverage * 1000) / 10} % of the window is covered.</p>
${plan.findings.length > 0 && barChart('Findings by detector', countBy(plan.findings.map(({ detector }) => detector)))}
${form(plan, query)}${found.length === 0 ? html`<p>None.</p>` : table(['Detector', 'Severity', 'Proposal', 'What', 'Grant', 'Owner'], rows, 'Findings')}${found.length > 0 ? pager('/findings', asked, { at: from, total: found.length, what: 'findings' }) : nothing}
${blind.length > 0 && html`<h2>Not evaluable (${blind.length})</h2><p>The records vouch for too little of the windows of these grants; nothing is proposed for them.</p><ul>${blind.slice(0, 50).map(({ grant, detectors, coverage: share }) => html`<li>${grantLink(grant)}: ${detectors.join(', ')}, ${Math.floor(share * 1000) / 10} % covered</li>`)}</ul>${blind.length > 50 && html`<p class="soft">… and ${blind.length - 50} more.</p>`}`}
${plan.exempt.length > 0 && html`<h2>Exempt (${plan.exempt.length})</h2><ul>${plan.exempt.slice(0, 50).map(({ grant, detector, until, reason }) => html`<li>${grantLink(grant)}: ${detector} until ${until}: ${reason}</li>`)}</ul>`}`;
}

/** Lines that go and lines that come, as they stand in the file. */
function changeText({ before, after }: { before: string; after: string }): Html {
  const [old, now] = [before.split('\n'), after === '' ? [] : after.split('\n')];
  let [start, end] = [0, 0];
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end))
    end += 1;
  const lines = (all: readonly string[], sign: string, kind: string | null): Part =>
    all.map((line) =>
      kind === null ? html`${sign} ${line}\n` : html`<span class="${kind}">${sign} ${line}</span>\n`,
    );
  return html`<pre tabindex="0">${lines(old.slice(0, start), ' ', null)}${lines(old.slice(start, old.length - end), '-', 'del')}${lines(now.slice(start, now.length - end), '+', 'ins')}${lines(old.slice(old.length - end), ' ', null)}</pre>`;
}

/** One finding with its proof: what `review --explain` tells, and the exact change. */
export function findingPage({ finding, facts, policy }: Explained): Html {
  const {
    fingerprint,
    sentence,
    detector,
    severity,
    action,
    to,
    set,
    grant,
    principal,
    owner,
    change,
    also = [],
  } = finding;
  const proposal =
    to !== undefined
      ? `${action} to ${JSON.stringify(to)}`
      : set !== undefined
        ? `${action}: ${JSON.stringify(set)}`
        : action;
  return html`<p class="note">${sentence}</p>
<dl><dt>Detector</dt><dd>${detector}${also.length > 0 && `, and less than that: ${also.join(', ')}`}</dd><dt>Severity</dt><dd>${severity}</dd><dt>Proposal</dt><dd>${proposal}</dd><dt>Grant</dt><dd>${grantLink(grant)}</dd><dt>Principal</dt><dd>${principalLink(principal)}</dd><dt>Owner</dt><dd>${principalLink(owner)}</dd><dt>Fingerprint</dt><dd>${code(fingerprint)}</dd></dl>
<h2>The change</h2><p>${code(change.file)}</p>${changeText(change)}
<h2>What was seen</h2><pre tabindex="0">${linesOf(JSON.stringify(finding.evidence, null, 2))}</pre>
<h2>What the policies were told, thresholds among it</h2><pre tabindex="0">${linesOf(JSON.stringify(facts, null, 2))}</pre>
<h2>What decided</h2>${policy === null ? html`<p>No policy of its name is there: another file of policies/review decided.</p>` : html`<p>${code(policy.path)}</p><pre tabindex="0">${linesOf(policy.text)}</pre>`}`;
}
