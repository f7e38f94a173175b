import { counted } from '../../bundle/format/counted.ts';
import { dayOf, daySeconds, instantOf } from '../../bundle/format/times.ts';
import { namesOf } from '../asking/answering.ts';
import { answersFor } from '../asking/answersFor.ts';
import { daysBefore, lastDue } from '../asking/lastDue.ts';
import { othersAsked } from '../asking/notice.ts';
import { notify } from '../asking/notify.ts';
import type { Evidence } from '../evidence/gather.ts';
import type { Forge, ForgePull } from '../forge/forge.ts';
import { prose } from '../forge/markdown.ts';
import { nameOf } from '../plan/sentence.ts';
import type { About, People } from './people.ts';
import { advice } from './text/body.ts';
import { isSaid } from './text/decision.ts';
import { type Marker, rememberedIn } from './text/marker.ts';
import { type Unanswered, unanswered } from './unanswered.ts';

type Reminding = {
  forge: Forge;
  people: People;
  evidence: Pick<Evidence, 'organisation' | 'asOf'>;
  /** Whether people are to be left in peace: outside the schedule. */
  resting: boolean;
};

/** What is still to be answered, and the answers that somebody has given; what the rules decided is nobody's answer. */
function answersOf({ entries }: Pick<Marker, 'entries'>) {
  const given = entries.map(({ decision }) => decision).filter(isSaid);
  return { by: new Set(given.map(({ by }) => by)), left: entries.length - given.length };
}

/**
 * Tells those who are waited for, each thing once: others in the place of who is absent or silent, and before `no_response`
 * holds that it will; whether it did. Nobody is told of what is approved, or wholly answered by comments. Throws ForgeError.
 */
export async function remind(
  pull: ForgePull,
  about: About,
  { forge, people, evidence, resting }: Reminding,
): Promise<boolean> {
  const marker = rememberedIn(pull);
  if (marker === null || pull.state !== 'open') return false;
  const { organisation, asOf } = evidence;
  const { owner } = about.family;
  const answers = answersOf(marker);
  const due = unanswered(marker, about.findings, organisation, pull);
  const isAhead = due !== null && asOf < due.at && !resting;
  const { manager_after_days, reminder_days } = organisation.review.pull_requests;
  const silent = isAhead && asOf >= due.since + manager_after_days * daySeconds;
  const others =
    answers.by.size > 0
      ? null
      : othersAsked({ owner, entries: about.findings }, organisation, { silent, most: mostOthers });
  const notices = others === null ? [] : [others];
  const kind = isAhead ? lastDue(daysBefore(due.at, reminder_days), due.since, asOf) : null;
  if (kind !== null && due !== null && answers.left > 0) {
    const said = new Set(namesOf([...answers.by], organisation));
    const who = (await people.asked(about)).people.filter((name) => !said.has(name));
    const { owners } = await people.escalation(about.findings);
    const text = reminderText({ ...{ marker, due, owners }, left: answers.left, draft: pull.draft });
    notices.push({ key: `${kind} ${dayOf(due.at)}`, who, text, unlessApproved: true });
  }
  return notify(forge, pull.number, notices, answersFor(owner, organisation, about.findings));
}

/** Few enough to feel asked. */
const mostOthers = 5;

type Said = {
  marker: Pick<Marker, 'tier'>;
  due: Unanswered;
  /** Who answers for the APIs. */
  owners: readonly string[];
  left: number;
  draft: boolean;
};

/**
 * What is waited for, what becomes of it when and by which rule, and how to answer: Markdown in one line, for a line that
 * began with a command would be one.
 */
export function reminderText({ marker: { tier }, due, owners, left, draft }: Said): string {
  const others = prose(owners.map(nameOf).join(', '));
  const will = {
    keep: 'it will be closed, and everything in it stays as it is',
    escalate: `${others} will be asked, too`,
    suspend:
      tier === 'certification'
        ? `it will propose to suspend what nobody has answered for, and ask ${others} for that`
        : `${others} will be asked, too`,
  } satisfies Record<Unanswered['rule'], string>;
  const rule = '`pull_requests.no_response` in `grants/review.yaml`';
  const why =
    due.severities.length === 0
      ? `what somebody has decided here is not closed by ${rule}`
      : `for severity ${due.severities.join(' and ')} ${rule} says \`${due.rule}\``;
  return [
    `${counted(left, 'grant')} here ${left === 1 ? 'waits' : 'wait'} for an answer.`,
    `If nobody merges or closes this before ${instantOf(due.at)}, ${will[due.rule]}: ${why}.`,
    `${draft ? 'It is a draft, for the records have gaps: look at the evidence, and mark it as ready. ' : ''}Merging it does what it says. ${advice[tier]} Closing it means "not reviewed", which is remembered for 30 days.`,
  ].join(' ');
}
