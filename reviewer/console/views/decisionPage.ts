import { type Html, html, type Part } from '../../page/html.ts';
import type { GrantAt } from '../past/grantsAt.ts';
import type { PastDecision } from '../past/pastDecisions.ts';
import { code, lines, time } from './frame.ts';
import { grantLink, link, principalLink } from './links.ts';
import { answerOf, momentOf } from './recordsPage.ts';

/** One decision with its proof: by which revision, which rule, and the grants as that commit has them. */
export function decisionPage(decision: PastDecision, places: readonly GrantAt[] | null): Html {
  const { atMs, subject, api, operation, call, reason, grants, gateway, revision } = decision;
  const around = { who: subject, api, operation };
  const facts: readonly (readonly [string, Part])[] = [
    ['Answer', [answerOf(decision), decision.answer === 'limited' && ': allowed, and over its rate']],
    ['Time (UTC)', time(momentOf(atMs))],
    ['Who', subject === '' ? 'nobody who is known' : principalLink(subject)],
    [
      'Asked for',
      [code(operation), ' on ', link(api, '/access', { api }), call !== '' && [': ', code(call)]],
    ],
    ['Reason', [code(reason), ' by the rule ', code('grantgate/authz/decision')]],
    ['Gateway', gateway],
    ['Decided by', revision === '' ? 'no revision that the record names' : code(revision)],
    ['Alike', link('all of this caller for this operation', '/records', around)],
  ];
  return html`<dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
<h2>${grants.length === 0 ? 'Grants' : `The grants that justified it (${grants.length})`}</h2>
${grants.length === 0 ? html`<p>None: without a grant that holds, nothing is allowed.</p>` : grants.map((id) => proof(id, places, revision))}`;
}

function proof(id: string, places: readonly GrantAt[] | null, revision: string): Html {
  const place = places?.find((one) => one.id === id);
  if (place !== undefined)
    return html`<h3>${grantLink(id)}</h3><p>${code(`${place.file}:${place.line}`)} at ${code(revision.slice(0, 12))}</p><pre tabindex="0">${lines(place.text)}</pre>`;
  const why =
    places === null
      ? 'This clone does not have the commit that decided; fetch it to see the grant as it was.'
      : 'That commit has no grant of this name in grants/access.';
  return html`<h3>${grantLink(id)}</h3><p>${why}</p>`;
}
