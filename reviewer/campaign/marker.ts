import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ForgePull } from '../forge/forge.ts';
import { type Decision, decision } from '../pulls/text/decision.ts';
import { type BodyParts, createMarker } from '../pulls/text/hiddenMarker.ts';

// What a pull request remembers beyond what is frozen: answers. Those that many grants share stand once, with the
// grants as numbers of the owner's list, so that three hundred fit into a description.

const answer = z.object({
  /** Numbers of grants, `0,3-7`. */
  of: z.string().regex(/^\d{1,6}(?:-\d{1,6})?(?:,\d{1,6}(?:-\d{1,6})?)*$/),
  /** What the grant was when it was decided about, where that is not what is frozen. */
  digest: z.string().optional(),
  decision,
});

const marker = z.object({
  version: z.literal(1),
  campaign: z.string(),
  owner: z.string(),
  /** The commit that this text speaks of; null while it is being changed. */
  commit: z.string().nullable(),
  answers: z.array(answer),
  /** Comments that have been carried out, so that one delivered twice counts once. */
  handled: z.array(z.string()).optional(),
  /** Since when nobody has answered in time, so that the rules decide. */
  unanswered: z.string().optional(),
  /** When it was written anew, for somebody had changed it: by that it is another text, and the campaign's own again. */
  anew: z.string().optional(),
  /** Why the campaign closed it itself: that is nobody's decision. */
  closed: z.string().optional(),
});
export type PartMarker = z.output<typeof marker>;

/** What was decided of a grant, and what it was then. */
export type Answer = { decision: Decision; digest?: string | undefined };
/** By the grant's number. */
export type Answers = ReadonlyMap<number, Answer>;

function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const one of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === one - 1) last[1] = one;
    else runs.push([one, one]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

function numbersOf(text: string, most: number): number[] {
  return text.split(',').flatMap((run) => {
    const [from = 0, to = from] = run.split('-').map(Number);
    const last = Math.min(to, most - 1);
    return Array.from({ length: Math.max(0, last - from + 1) }, (_, i) => from + i);
  });
}

/** Answers as a marker holds them. */
export function packAnswers(answers: Answers): PartMarker['answers'] {
  const groups: { numbers: number[]; answer: Answer }[] = [];
  for (const [number, one] of [...answers].sort(([a], [b]) => a - b)) {
    const known = groups.find(({ answer: other }) => isDeepStrictEqual(other, one));
    if (known) known.numbers.push(number);
    else groups.push({ numbers: [number], answer: one });
  }
  return groups.map(({ numbers, answer: { decision, digest } }) => ({
    of: ranges(numbers),
    ...(digest !== undefined && { digest }),
    decision,
  }));
}

/** The reverse; `count`: how many grants there are, and no number lies beyond. */
export function unpackAnswers(packed: PartMarker['answers'], count: number): Answers {
  const answers = new Map<number, Answer>();
  for (const { of, decision, digest } of packed)
    for (const number of numbersOf(of, count))
      answers.set(number, { decision, ...(digest !== undefined && { digest }) });
  return answers;
}

const form = createMarker('campaign', marker);
/** Reads what a body says that it remembers, whoever wrote it; null when it holds no marker, or a broken one. */
export const parsePart = form.parse;
/** What the campaign remembers in a text that nobody else has changed; null where somebody has, or nothing is remembered. */
export const partRemembered = ({ isOurs, body }: Pick<ForgePull, 'isOurs' | 'body'>): PartMarker | null =>
  isOurs ? parsePart(body) : null;
export const partsOf = form.parts;

/** Puts a body together, with what people wrote. */
export const joinPart = (
  value: PartMarker,
  own: string,
  around: Pick<BodyParts, 'above' | 'below'> = { above: '', below: '' },
): string => form.join(value, own, around);
