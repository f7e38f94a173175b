import { sentenceOf } from '../replay/replayWords.ts';
import type { PullCheck } from './pullCheck.ts';
import type { Settled } from './settleApprovals.ts';

/** What a check comes to; `action_required`: nothing is wrong, and somebody has to act before the merge. */
export type Outcome = {
  conclusion: 'success' | 'failure' | 'action_required';
  /** One line, without markup. */
  title: string;
};

const counted = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/**
 * Comes to a conclusion. `trusted`: the check was computed where the pull request's author could not change it; else a
 * good end needs somebody to run it again.
 */
export function outcomeOf(check: PullCheck, { missing, refused }: Settled, trusted: boolean): Outcome {
  const wrong = [
    ...(check.failures > 0 ? [counted(check.failures, 'problem')] : []),
    ...(check.findingFailures > 0 ? [`${counted(check.findingFailures, 'rule')} broken`] : []),
    ...(refused.length > 0 ? ['the author would gain access'] : []),
  ];
  if (wrong.length > 0) return { conclusion: 'failure', title: wrong.join(', ') };
  // What could not be compared is no proof of anything.
  if (check.access === null) return { conclusion: 'failure', title: 'the base has problems of its own' };
  const open = [
    ...(missing.length > 0 ? [`${counted(missing.length, 'approval')} missing`] : []),
    ...(trusted ? [] : ['computed in the run of a fork: to be run again by a maintainer']),
  ];
  if (open.length > 0) return { conclusion: 'action_required', title: open.join('; ') };
  const { replay, access } = check;
  return { conclusion: 'success', title: replay === null ? access.summary : sentenceOf(replay) };
}
