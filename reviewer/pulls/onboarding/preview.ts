import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../../bundle/format/canonicalJson.ts';
import { counted } from '../../../bundle/format/counted.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { cell, code, prose } from '../../forge/markdown.ts';
import type { Plan } from '../../plan/finding.ts';
import type { Task } from '../allot.ts';
import { longestBody } from '../text/body.ts';
import { createMarker } from '../text/hiddenMarker.ts';
import { renderTitle } from '../text/title.ts';

/** What the review remembers of its preview, in the preview's own text. */
export const previewMarker = createMarker(
  'onboarding',
  z.object({
    version: z.literal(1),
    /** Of what is shown: the same findings need no other text. */
    shown: z.string(),
    /** The commit that gives the consent. */
    commit: z.string(),
    /** Why the review closed it itself. */
    closed: z.string().optional(),
    /** Until when a closing by somebody is remembered, once that has been said. */
    remembered: z.string().optional(),
  }),
);

/** A pull request that would be opened; `later` says what it would wait for, null for nothing. */
export type Shown = Extract<Task, { kind: 'open' }> & { later: string | null };

const leftForPeople = 4_000;
const mostLines = 20;

export const previewTitle = 'Access review: what it would open in this repository';

/** Tells previews apart by what they show, whatever day it is. */
export function shownKey(shown: readonly Shown[], { review }: Pick<Organisation, 'review'>): string {
  const said = shown.map(({ branch, findings, later }) => ({
    ...{ branch, later },
    findings: findings.map(({ fingerprint, action }) => `${action} ${fingerprint}`),
  }));
  const { open, per_hour, schedule, timezone, dashboard, merge } = review.pull_requests;
  const rules = { open, per_hour, schedule, timezone, dashboard, merge };
  return createHash('sha256').update(canonicalJson({ rules, said })).digest('hex').slice(0, 32);
}

const titleOf = ({ family, findings }: Shown) => renderTitle(family, findings);

/** The pull request in few lines, its findings folded away. */
function details(one: Shown): string {
  const lines = one.findings
    .slice(0, mostLines)
    .map(
      ({ action, grant, sentence, severity }) =>
        `- ${action} ${code(grant)}: ${prose(sentence)} (${severity})`,
    );
  if (one.findings.length > mostLines) lines.push(`- and ${one.findings.length - mostLines} more`);
  return `<details><summary>${prose(titleOf(one))}</summary>\n\n${lines.join('\n')}\n\n</details>`;
}

/** What would be opened, and how; as much of it as a description holds. Pure. */
export function renderPreview(
  shown: readonly Shown[],
  plan: Pick<Plan, 'as_of' | 'revision' | 'evidence'>,
  { review }: Pick<Organisation, 'review'>,
): string {
  const { open, per_hour, schedule, timezone, dashboard, merge } = review.pull_requests;
  const urgent = shown.filter(({ family }) => family.tier === 'urgent');
  const grants = (some: readonly Shown[]) =>
    counted(
      some.reduce((sum, { findings }) => sum + findings.length, 0),
      'finding',
    );
  const head = [
    `**Nothing has been changed, and nothing but this has been opened.** The access review is new to this repository. Merging this lets it open ${shown.length === 0 ? 'pull requests' : `the ${counted(shown.length, 'pull request')} below (${grants(shown)}), and those of later runs`}; what each of them takes away is for people to merge${merge.length === 0 ? '' : `, but for recommendations that merge by themselves (${merge.map(code).join(', ')})`}.`,
    ...(urgent.length === 0
      ? []
      : [
          `> [!IMPORTANT]\n> ${grants(urgent)} ${urgent.length === 1 && urgent[0]?.findings.length === 1 ? 'is' : 'are'} urgent: accounts that are gone still hold access. Until this is merged, nobody is asked to take it away.`,
        ]),
    `Judged as of ${plan.as_of}${plan.revision === null ? '' : ` at revision ${code(plan.revision)}`}, by records that cover ${(plan.evidence.coverage * 100).toFixed(2)} %. The same again: ${code(`grantgate review --as-of ${plan.as_of}`)} at that revision, with the same records.`,
  ].join('\n\n');
  const tail = [
    '### How it would go on',
    [
      `- At most ${open} open and ${per_hour} new in an hour, on the schedule ${code(schedule)} (${code(timezone)}); urgent ones wait for neither.`,
      ...(dashboard ? ['- What is held back stands in an issue, the dashboard.'] : []),
      '- `grants/review.yaml` has all of these numbers. Change them here, in this branch, if you like: it is yours from then on.',
    ].join('\n'),
    '### To decline',
    `Close this: it is remembered for 30 days, then asked again. For good: ${code('pull_requests: { consent: false }')} in ${code('grants/review.yaml')}.`,
  ].join('\n\n');
  const row = (one: Shown) =>
    `| ${cell(prose(titleOf(one)))} | ${one.findings.length}${one.waiting > 0 ? ` of ${one.findings.length + one.waiting}` : ''} | ${one.family.tier === 'urgent' && one.later === null ? 'at once' : one.later === null ? 'with the first run' : `later: ${cell(prose(one.later))}`} |`;
  let left = longestBody - leftForPeople - [...head, ...tail].length - 600;
  const fitting = (parts: readonly string[]) => {
    const some: string[] = [];
    for (const part of parts) {
      left -= [...part].length + 2;
      if (left < 0) break;
      some.push(part);
    }
    return some;
  };
  const rows = fitting(shown.map(row));
  const folded = fitting(shown.map(details));
  const cut = Math.min(rows.length, folded.length) < shown.length;
  const table =
    shown.length === 0
      ? ['### What would be opened', 'Nothing, today.']
      : [
          '### What would be opened',
          `| pull request | findings | when |\n| --- | --- | --- |\n${rows.join('\n')}`,
          ...folded,
        ];
  if (cut) table.push(`**Not all of it fits here: ${code('grantgate review')} prints the whole plan.**`);
  return [head, ...table, tail].join('\n\n');
}
