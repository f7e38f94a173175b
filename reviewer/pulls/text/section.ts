import { counted } from '../../../bundle/format/counted.ts';
import { instantOf } from '../../../bundle/format/times.ts';
import type { Grant } from '../../../bundle/grants/organisation.ts';
import { code, fenced, prose } from '../../forge/markdown.ts';
import type { Finding } from '../../plan/finding.ts';
import type { Losses } from '../../plan/losses.ts';
import { nameOf } from '../../plan/sentence.ts';
import { type Asked, actionOf, type Decision } from './decision.ts';
import { type At, whoLoses } from './whoLoses.ts';

const day = (instant: unknown) => String(instant).slice(0, 10);
const percent = (share: unknown) => (typeof share === 'number' ? `${(share * 100).toFixed(2)} %` : 'unknown');

/** Begins the section of a finding, so that a decision finds its place. */
export const sectionMark = (fingerprint: string): string => `<!-- grantgate:grant ${fingerprint} -->`;

/** What has been decided, as the section's first line. */
export function decided(decision: Decision): string {
  const by = `${code(nameOf(decision.by))} on ${day(decision.at)}`;
  switch (decision.kind) {
    case 'keep':
      return `> **Kept until ${decision.until}** by ${by}: ${prose(decision.reason)}`;
    case 'extend':
      return `> **Extended until ${decision.until}** by ${by}: ${prose(decision.reason)}`;
    case 'narrow':
      return `> **Narrowed${narrowedTo(decision.to)}** by ${by}`;
    case 'revoke':
      return `> **Revoked** by ${by}`;
    case 'suspend':
      return decision.unanswered === undefined
        ? `> **Suspended** by ${by}`
        : `> **To be suspended**, for nobody has answered since ${day(decision.unanswered)} (\`pull_requests.no_response\` in \`grants/review.yaml\`)`;
    case 'reassign':
      return `> **Given to ${code(decision.owner)}** by ${by}`;
    default:
      decision satisfies never;
      return '';
  }
}

function evidenceOf({ evidence: seen }: Finding, grant: Grant | undefined): string {
  const lines = [`granted ${day(seen.granted)}`];
  // As it is written: the end of a day reads as the day after.
  if (grant?.expires !== undefined) lines.push(`expires ${grant.expires}`);
  if ('suspended' in seen && seen.suspended !== undefined)
    lines.push(`suspended since ${day(seen.suspended)}`);
  if ('account' in seen)
    lines.push(
      `account ${seen.account}${seen.synced === undefined ? '' : ` (${prose(seen.provider ?? '')}, read ${seen.synced})`}`,
    );
  if (seen.window !== undefined) {
    const { window, allows, days_used, last_used, coverage, lost_minutes, used, unused } = seen;
    lines.push(
      allows === 0
        ? `no allowed request from ${window.from} to ${window.to}${last_used === undefined ? '' : `; the last one before that at ${last_used}`}`
        : `${counted(allows, 'allowed request')} on ${counted(days_used, 'day')} from ${window.from} to ${window.to}, the last at ${last_used ?? ''}`,
      `the records cover ${percent(coverage)} of that time${lost_minutes === undefined ? '' : ` (${counted(lost_minutes, 'minute')} lost)`}`,
    );
    if (used.length > 0)
      lines.push(`used: ${used.map(code).join(', ')}; not used: ${unused.map(code).join(', ') || 'none'}`);
  }
  return lines.map((line) => `  - ${line}`).join('\n');
}

/** What it is narrowed to, until when it is prolonged, whose it becomes. */
function towards({ to, set, decision }: Asked): string {
  if (decision !== undefined)
    switch (decision.kind) {
      case 'keep':
      case 'extend':
        return ` until ${decision.until}`;
      case 'narrow':
        return narrowedTo(decision.to);
      case 'reassign':
        return ` to ${code(decision.owner)}`;
      case 'revoke':
      case 'suspend':
        return '';
      default:
        decision satisfies never;
    }
  if (to !== undefined) return narrowedTo(to);
  if (set === undefined || 'review' in set) return '';
  if ('expires' in set) return ` until ${set.expires}`;
  if ('owner' in set) return ` to ${code(set.owner)}`;
  if ('principal' in set) return ` to ${code(set.principal)}`;
  if ('limits' in set) return ` to at most ${code(set.limits.rate)} for each caller`;
  const { conditions } = set;
  return 'mfa' in conditions ? ' to a second factor' : ` to ${conditions.networks.map(code).join(', ')}`;
}

const narrowedTo = (to: NonNullable<Asked['to']>) =>
  'role' in to ? ` to the role ${code(to.role)}` : ` to ${to.operations.map(code).join(', ')}`;

/** What becomes of a grant: as was decided, else as is proposed. */
export const heading = (entry: Asked): string =>
  `### ${actionOf(entry)} ${code(entry.grant)}${towards(entry)}`;

/** The line of a section that names everybody who loses access. */
export const losesLine = (grant: Grant | undefined, lost: Losses | undefined, at: At): string =>
  `- **Who loses what**: ${whoLoses(grant, lost, at)}`;

type Options = At & {
  /** The address of a file at the revision that was judged; null where there is none. */
  fileUrl: (file: string, line: number) => string | null;
  decision?: Decision | undefined;
  /** What the whole pull request takes away by this grant; undefined when the grant is gone. */
  lost?: Losses | undefined;
};

/** One finding: what the access does, who loses what, what was seen, and how to have it back. */
export function section(finding: Finding, options: Options): string {
  const { organisation, asOf, fileUrl, decision, lost } = options;
  const api = organisation.apis.get(finding.api);
  const grant = organisation.grants.find(({ id }) => id === finding.grant);
  const operations = (grant?.covers ?? [])
    .map((name) => `${code(name)} (${code(api?.operations.get(name) ?? '')})`)
    .join(', ');
  const also = finding.also === undefined ? '' : ` Also found: ${finding.also.join(', ')}.`;
  const { file, before } = finding.change;
  const url = fileUrl(file, grant?.place.line ?? 1);
  return [
    sectionMark(finding.fingerprint) + (decision === undefined ? '' : `\n${decided(decision)}`),
    heading({ ...finding, decision }),
    `${prose(finding.sentence)} (${finding.detector}, ${finding.severity}${url === null ? '' : `, [the grant](${url})`}.)${also}`,
    `- **What the access does**: ${prose(api?.description ?? '(unknown)')}: ${operations}`,
    `- **Given for**: ${prose(grant?.reason ?? '(unknown)')}${grant?.ticket === undefined ? '' : ` (${code(grant.ticket)})`}`,
    losesLine(grant, lost, options),
    `- **Evidence** (as of ${instantOf(asOf)}):\n${evidenceOf(finding, grant)}`,
    `<details><summary>How to restore it</summary>\n\nRevert the merge (${code('git revert -m 1 COMMIT')}, after a squash without ${code('-m 1')}), or let ${code(file)} say this again of ${code(finding.grant)}:\n\n${fenced(before, 'yaml')}\n\n</details>`,
  ].join('\n\n');
}
