import { z } from 'zod';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { code, fenced, prose } from '../forge/markdown.ts';
import type { Finding, Plan } from '../plan/finding.ts';
import { losses } from '../plan/losses.ts';
import { counted, nameOf } from '../plan/sentence.ts';
import type { Group } from './group.ts';

/** GitHub's limit, counted in characters. */
export const longestBody = 65_536;
const mostPeople = 20;

/** What the review reads back from a pull request that it opened: the body's first line, hidden when rendered. */
export type Marker = {
  version: 1;
  as_of: string;
  owner: string;
  tier: string;
  fingerprints: readonly string[];
};

const marker = z.object({
  version: z.literal(1),
  as_of: z.string(),
  owner: z.string(),
  tier: z.string(),
  fingerprints: z.array(z.string().regex(/^[0-9a-f]{32}$/)),
});

/** Two hyphens would end the comment early. */
const hidden = (value: Marker) =>
  `<!-- grantgate:review ${JSON.stringify(value).replaceAll('--', '\\u002d\\u002d')} -->`;

/** Reads the marker of a body; null when the body's first line is none. */
export function parseBody(body: string): Marker | null {
  const text = /^<!-- grantgate:review (\{.*\}) -->\r?(?:\n|$)/.exec(body)?.[1];
  if (text === undefined) return null;
  try {
    return marker.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

const percent = (share: unknown) => (typeof share === 'number' ? `${(share * 100).toFixed(2)} %` : 'unknown');
const day = (instant: unknown) => String(instant).slice(0, 10);

function evidence({ evidence: seen }: Finding): string {
  const window = seen.window as { from: string; to: string } | undefined;
  const lines = [`granted ${day(seen.granted)}`];
  if (seen.expires !== undefined) lines.push(`expires ${String(seen.expires)}`);
  if (seen.suspended !== undefined) lines.push(`suspended since ${day(seen.suspended)}`);
  if (seen.account !== undefined)
    lines.push(
      `account ${String(seen.account)}${seen.synced === undefined ? '' : ` (${prose(String(seen.provider))}, read ${String(seen.synced)})`}`,
    );
  if (window !== undefined) {
    const last = seen.last_used === undefined ? '' : `, the last at ${String(seen.last_used)}`;
    lines.push(
      `${counted(Number(seen.allows), 'allowed request')} on ${counted(Number(seen.days_used), 'day')} from ${window.from} to ${window.to}${last}`,
      `the records cover ${percent(seen.coverage)} of that time${seen.lost_minutes === undefined ? '' : ` (${counted(Number(seen.lost_minutes), 'minute')} lost)`}`,
    );
    const used = seen.used as readonly string[];
    const unused = seen.unused as readonly string[];
    if (used.length > 0)
      lines.push(`used: ${used.map(code).join(', ')}; not used: ${unused.map(code).join(', ') || 'none'}`);
  }
  return lines.map((line) => `  - ${line}`).join('\n');
}

/** People are counted as people, where there are only people. */
const kindOf = (losing: readonly { principal: string }[], many = false) =>
  losing.every(({ principal }) => principal.startsWith('user:'))
    ? many
      ? 'people'
      : 'person'
    : many
      ? 'people and services'
      : 'service';

function whoLoses(finding: Finding, organisation: Organisation, asOf: number): string {
  const { operations, losing, keeping, idle } = losses(finding, organisation, asOf);
  const what = operations.map(code).join(', ');
  if (idle) return `Nobody: the grant gives nobody access today. It named ${what}.`;
  const kept =
    keeping === 0 ? '' : ` ${counted(keeping, 'other keeps', 'others keep')} it all through other grants.`;
  if (losing.length === 0)
    return `Nobody: ${keeping === 1 ? 'the one' : `all ${keeping}`} it reaches can do the same through other grants. It takes away ${what}.`;
  const all = losing.every((one) => one.operations.length === operations.length);
  const named = losing
    .slice(0, mostPeople)
    .map((one) =>
      all
        ? code(nameOf(one.principal))
        : `${code(nameOf(one.principal))} (${one.operations.map(code).join(', ')})`,
    );
  const more = losing.length > mostPeople ? ` and ${losing.length - mostPeople} more` : '';
  return `${counted(losing.length, kindOf(losing), kindOf(losing, true))} can no longer do ${what}: ${named.join(', ')}${more}.${kept}`;
}

function section(finding: Finding, organisation: Organisation, asOf: number): string {
  const api = organisation.apis.get(finding.api);
  const grant = organisation.grants.find(({ id }) => id === finding.grant);
  const operations = (grant?.covers ?? [])
    .map((name) => `${code(name)} (${code(api?.operations.get(name) ?? '')})`)
    .join(', ');
  const to =
    finding.to === undefined
      ? ''
      : 'role' in finding.to
        ? ` to the role ${code(finding.to.role)}`
        : ` to ${finding.to.operations.map(code).join(', ')}`;
  const also = finding.also === undefined ? '' : ` Also found: ${finding.also.join(', ')}.`;
  const restore =
    finding.change.after === ''
      ? `put this back into ${code(finding.change.file)}:\n\n${fenced(finding.change.before, 'yaml')}`
      : `in ${code(finding.change.file)}, replace\n\n${fenced(finding.change.after, 'yaml')}\n\nby\n\n${fenced(finding.change.before, 'yaml')}`;
  return [
    `### ${finding.action} ${code(finding.grant)}${to}`,
    `${prose(finding.sentence)} (${finding.detector}, ${finding.severity}.)${also}`,
    `- **What the access does**: ${code(api?.description ?? '')}: ${operations}`,
    `- **Given for**: ${code(grant?.reason ?? '')}${grant?.ticket === undefined ? '' : ` (${code(grant.ticket)})`}`,
    `- **Who loses what**: ${whoLoses(finding, organisation, asOf)}`,
    `- **Evidence**:\n${evidence(finding)}`,
    `<details><summary>How to restore it</summary>\n\nRevert the merge (${code('git revert -m 1 COMMIT')}), or ${restore}\n\n</details>`,
  ].join('\n\n');
}

type Options = { group: Group; plan: Plan; organisation: Organisation; asOf: number; waiting?: number };

/**
 * Writes a pull request's body: the hidden marker, what it asks of whom, and a section for each finding. Sections that
 * do not fit into GitHub's limit are left out with a word on how many; the diff has them all.
 */
export function renderBody({ group, plan, organisation, asOf, waiting = 0 }: Options): string {
  const { owner, tier, findings } = group;
  const { evidence: seen } = plan;
  const fingerprints = findings.map(({ fingerprint }) => fingerprint);
  const head = [
    hidden({ version: 1, as_of: plan.as_of, owner, tier, fingerprints }),
    `${prose(nameOf(owner)).replace(/^the /, 'The ')} answers for ${counted(findings.length, 'grant')} that this pull request changes. **Merging it is the attestation**: what it takes away is denied from then on.`,
    `Judged as of ${plan.as_of} at revision ${plan.revision === null ? 'unknown' : code(plan.revision)}: ${counted(seen.records, 'decision record')} of ${counted(seen.instances, 'gateway')} since ${seen.from}, coverage ${percent(seen.coverage)}.`,
    ...(waiting > 0
      ? [`${counted(waiting, 'more grant')} of the same kind will follow once this is merged.`]
      : []),
  ].join('\n\n');
  const tail = [
    '### To keep a grant',
    `Take its change out of this branch, or add to the grant on the base branch: ${code('review: { decision: keep, by: user:YOU, at: NOW, until: DATE, reason: WHY }')}. That silences what is said of its use until then, for as long as the grant stays as it is. Closing this pull request means "not reviewed": it is remembered for 30 days, and then asked again.`,
  ].join('\n\n');

  const parts = [head];
  let left = longestBody - [...head].length - [...tail].length - 400;
  for (const [index, finding] of findings.entries()) {
    const text = section(finding, organisation, asOf);
    const size = [...text].length + 2;
    if (size > left) {
      const omitted = findings.length - index;
      parts.push(
        `**${counted(omitted, 'further grant')} ${omitted === 1 ? 'is' : 'are'} left out here, for a description holds no more: see the files changed.**`,
      );
      break;
    }
    left -= size;
    parts.push(text);
  }
  return `${[...parts, tail].join('\n\n')}\n`;
}
