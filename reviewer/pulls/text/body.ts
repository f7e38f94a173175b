import { counted } from '../../../bundle/format/counted.ts';
import type { Organisation } from '../../../bundle/grants/organisation.ts';
import { code, prose } from '../../forge/markdown.ts';
import { combine } from '../../plan/combine.ts';
import type { Finding, Plan } from '../../plan/finding.ts';
import { losses } from '../../plan/losses.ts';
import { nameOf } from '../../plan/sentence.ts';
import type { DetectorTier } from '../../plan/tiers.ts';
import type { Family } from './branch.ts';
import { editFor } from './decision.ts';
import { type Entry, hidden, type Marker } from './marker.ts';
import { section } from './section.ts';
import { judgedLine, leftOut, replayPart, tailMark } from './sections.ts';

/** GitHub's limit, counted in characters. */
export const longestBody = 65_536;
/** What people may write above and below without the next update being refused. */
const leftForPeople = 4_000;

/** How to decide otherwise; only what works for a tier is advised. */
export const advice: Readonly<Record<DetectorTier, string>> = {
  urgent:
    'What is said here follows the directory: an account that should be there is put right there, and this closes itself.',
  removal:
    'To keep a grant, comment `/keep GRANT UNTIL REASON` (`/keep orders-desk-read 2027-03-31 the audit`); to keep a part of it, `/narrow GRANT ROLE`.',
  narrowing:
    'To keep a grant as it is, comment `/keep GRANT UNTIL REASON`; to narrow it otherwise, `/narrow GRANT ROLE` or `/narrow GRANT OPERATION,OPERATION`.',
  certification:
    'To keep a grant, comment `/keep GRANT UNTIL REASON` or `/extend GRANT UNTIL REASON`; to hand it on, `/reassign GRANT group:NAME`; to end it, `/revoke GRANT`.',
  controls:
    'No request on record would have been refused by it. To leave a grant as it is, comment `/keep GRANT UNTIL REASON`; so that it is never asked again, put an exemption into `grants/review.yaml`.',
  automatic:
    'No request on record would have been refused by it, and `pull_requests.merge` in `grants/review.yaml` says that it merges by itself. To leave a grant as it is, comment `/keep GRANT UNTIL REASON`.',
  tidying:
    'To let a grant live on, comment `/extend GRANT UNTIL REASON` (`/extend orders-desk-read 2027-03-31 the audit`).',
};

/** Whoever looks through the repository's pull requests must know that they alone do. */
const unasked =
  '> [!IMPORTANT]\n> Nobody could be asked to review this: of those who answer for it, whom they report to, and who answers for the APIs, the directory tells no name on this forge (`github:` beside a person). Whom CODEOWNERS names is asked all the same.';

export type BodyOptions = {
  family: Family;
  findings: readonly Finding[];
  plan: Plan;
  organisation: Organisation;
  /** Seconds since 1970. */
  asOf: number;
  waiting?: number;
  decisions?: ReadonlyMap<string, Entry['decision']>;
  fileUrl?: (file: string, line: number) => string | null;
  /** Those who lose access and can be called by the forge's name: `ann`. */
  mentions?: readonly string[];
  /** None of those who answer for it, nor in their place, has a name on the forge. */
  isUnasked?: boolean;
  /** What recorded requests say of the commit, as Markdown; null where none are at hand. */
  replay?: string | null;
};

/** What a pull request remembers of its findings. */
export const entriesOf = (
  findings: readonly Finding[],
  decisions: ReadonlyMap<string, Entry['decision']> = new Map(),
): Entry[] =>
  findings.map(({ fingerprint, grant, api, detector, action, to, set }) => {
    const decision = decisions.get(fingerprint);
    return {
      ...{ fingerprint, grant, api, detector, action },
      ...(set !== undefined && { set }),
      ...(to !== undefined && { to: 'role' in to ? to : { operations: [...to.operations] } }),
      ...(decision !== undefined && { decision }),
    };
  });

/**
 * Writes a pull request's text: what it asks of whom, and a section for each finding. Sections that do not fit into
 * GitHub's limit beside the marker are left out with a word on how many; the diff has them all.
 */
export function renderBody(options: BodyOptions, marker: Marker): string {
  const { family, findings, plan, organisation, asOf, waiting = 0 } = options;
  const { decisions = new Map(), fileUrl = () => null, mentions = [], replay = null } = options;
  const { isUnasked = false } = options;
  const { evidence: seen } = plan;
  const urgent = family.tier === 'urgent' ? '**Urgent**: these accounts are gone. ' : '';
  const head = [
    `${urgent}${prose(nameOf(family.owner)).replace(/^the /, 'The ')} answers for ${counted(new Set(findings.map(({ grant }) => grant)).size, 'grant')} that this pull request changes. **Merging it is the attestation**: what it takes away is denied from then on.`,
    `${judgedLine({ asOf: plan.as_of, revision: plan.revision, ...seen, coverage: percent(seen.coverage) })} The same again: ${code(`grantgate review --as-of ${plan.as_of}`)} at that revision, with the same records.`,
    ...(isUnasked ? [unasked] : []),
    ...(replay === null ? [] : [replayPart(replay)]),
    ...(waiting > 0
      ? [`${counted(waiting, 'more grant')} of the same kind will follow once this is merged.`]
      : []),
  ].join('\n\n');
  const tail = [
    tailMark,
    ...(mentions.length > 0
      ? [
          `${mentions.map((name) => `@${name}`).join(', ')}: you lose access by this. If you still need it, say so here; ${prose(nameOf(family.owner))} decides.`,
        ]
      : []),
    '### To decide otherwise',
    `${advice[family.tier]}${urgent !== '' && findings.some(({ action }) => action === 'revoke') ? ' A comment `/suspend` takes the access away without deleting the grant.' : ''} \`/help\` tells the rest. Closing this pull request means "not reviewed": it is remembered for 30 days, and asked again when the grant changes or the finding worsens.`,
  ].join('\n\n');

  const parts = [head];
  const more: string[] = [];
  const size = (text: string) => [...text].length;
  let left = longestBody - leftForPeople - size(head) - size(tail) - size(hidden(marker)) - 400;
  const edits = combine(entriesOf(findings, decisions).map(editFor), organisation);
  const lost = losses(edits, organisation, asOf);
  for (const [index, finding] of findings.entries()) {
    const decision = decisions.get(finding.fingerprint);
    const text = section(finding, { organisation, asOf, fileUrl, decision, lost: lost.get(finding.grant) });
    if (size(text) + 2 > left) {
      more.push(leftOut(findings.length - index));
      break;
    }
    left -= size(text) + 2;
    parts.push(text);
  }
  return [...parts, tail, ...more].join('\n\n');
}

const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
