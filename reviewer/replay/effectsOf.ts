import type { Decision } from '../../gateway/decision/decision.ts';
import type { RecordedRequest } from '../evidence/requests.ts';
import type { Kind } from './createTally.ts';
import { mayBeAllowed } from './statedBy.ts';
import type { World } from './worlds.ts';

/** What both revisions say of a request, in one way in which it may have been made. */
export type Answer = { world: World; before: Decision; after: Decision };

export type Effect = { kind: Kind; grants: Iterable<string>; why: string };

type Outcome = {
  /** Whether base allows it, in one way at least. */
  isAllowed: boolean;
  /** The grants that base allows it by. */
  grants: ReadonlySet<string>;
  effects: readonly Effect[];
  /** Those that both allow, where nothing is lost in any: it may still change otherwise, or later. */
  kept: readonly Answer[];
};

/** What becomes of a request, by what both revisions say of it. */
export function effectsOf(answers: readonly Answer[], asked: RecordedRequest): Outcome {
  const mayHold = (decision: Decision) => mayBeAllowed(decision, asked);
  const grants = new Set(answers.flatMap(({ before }) => before.result.grants));
  const passing = answers.filter(({ before }) => before.result.allow);
  const isAllowed = passing.length > 0 || (asked.allow && answers.some(({ before }) => mayHold(before)));
  const isDoubtful = answers.some(
    ({ before, after }) =>
      before !== after &&
      !after.result.allow &&
      (before.result.allow ? mayHold(after) : asked.allow && mayHold(before)),
  );
  if (isDoubtful) {
    const effects = [{ kind: 'unproven', grants, why: 'parameters' } as const];
    return { isAllowed, grants, effects, kept: [] };
  }
  const lost = passing.filter(({ after }) => !after.result.allow);
  // What was allowed then and is denied by now is as any denial.
  const isDenied = passing.length === 0 || !asked.allow;
  const effects = isDenied ? gains(answers, mayHold) : [];
  if (lost.length > 0) effects.push(lossOf(lost, { grants, isWhole: lost.length === passing.length }));
  return { isAllowed, grants, effects, kept: lost.length > 0 ? [] : passing };
}

/** What a request that is denied gains. */
function gains(answers: readonly Answer[], mayHold: (decision: Decision) => boolean): Effect[] {
  const gained = answers.filter(({ before, after }) => !before.result.allow && after.result.allow);
  if (gained.length > 0) {
    const grants = new Set(gained.flatMap(({ after }) => after.result.grants));
    return [{ kind: 'allowed', grants, why: gained.length === answers.length ? 'granted' : 'condition' }];
  }
  return answers.some(({ before, after }) => before !== after && mayHold(after))
    ? [{ kind: 'allowed', grants: [], why: 'parameters' }]
    : [];
}

/** `isWhole`: it is denied however it was made. */
function lossOf(
  [first]: readonly Answer[],
  { grants, isWhole }: { grants: Iterable<string>; isWhole: boolean },
): Effect {
  return isWhole
    ? { kind: 'denied', grants, why: first?.after.result.reason ?? '' }
    : { kind: 'unproven', grants, why: 'condition' };
}
