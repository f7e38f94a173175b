import { counted } from '../../bundle/format/counted.ts';
import { instantOf } from '../../bundle/format/times.ts';
import { type Effect, type Effects, lostOf, type Replay, type Skipped, sumOf } from './replay.ts';

// What the texts of a replay have in common: plain sentences, of which none says more than the records show.

export const number = (value: number): string => value.toLocaleString('en-US');
export const requests = (count: number): string => counted(count, 'request');
const percent = (share: number): string => `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;

/** "0 of 184,220 allowed requests would now be denied." and whatever else befalls them. */
export function sentenceOf(replay: Replay): string {
  const { requests: all, denied, unproven, ending } = replay;
  if (all.recorded === 0) return 'No request is on record, so nothing can be said of any.';
  const lost = sumOf(lostOf(replay));
  const said = [
    `${number(denied.requests)} of ${counted(all.allowed, 'allowed request')} would now be denied`,
    ...(unproven.requests > 0 ? [`of ${number(unproven.requests)} it cannot be shown`] : []),
    ...(ending.requests > 0 ? [`${number(ending.requests)} would end sooner`] : []),
    ...(lost > 0 ? [`${number(lost)} would not be found any more`] : []),
  ];
  return `${said.join('; ')}.`;
}

/** What becomes allowed; null where nothing does. */
function gainsOf({ allowed }: Replay): string | null {
  const count = allowed.requests;
  if (count === 0) return null;
  return `${requests(count)} that ${count === 1 ? 'is' : 'are'} denied would now be allowed, or might be.`;
}

/** How much the sentence rests on: stands beside it, always. */
function coverageOf({ window, covered, requests: all }: Replay): string {
  const { from, to, coverage, lostMinutes, instances } = window;
  const gaps = lostMinutes === 0 ? '' : ` (${number(lostMinutes)} minutes are not)`;
  const thin = covered ? '' : ' That is too little for silence to mean anything.';
  return `${requests(all.recorded)} of ${counted(instances, 'gateway')} from ${instantOf(from)} to ${instantOf(to)}; ${percent(coverage)} of that time is on record${gaps}.${thin}`;
}

/** What was left out of the figures, and why, each a sentence. */
function leftOutOf({ requests: all, skipped }: Replay): string[] {
  const of = (reason: Skipped['reason']) => sumOf(skipped.filter((one) => one.reason === reason));
  const [unknown, incomplete] = [of('operation-unknown'), of('record-incomplete')];
  return [
    ...(all.lapsed > 0
      ? [
          `${requests(all.lapsed)} allowed then ${all.lapsed === 1 ? 'is' : 'are'} denied by the base already.`,
        ]
      : []),
    ...(unknown > 0
      ? [`${requests(unknown)} could not be replayed: the base does not know the operation either.`]
      : []),
    ...(incomplete > 0
      ? [`${requests(incomplete)} could not be replayed: the record does not say what was asked.`]
      : []),
  ];
}

const denials: Readonly<Record<string, string>> = {
  'no-grant': 'no grant is left',
  'operation-not-covered': 'no grant covers it any more',
  'parameter-not-covered': 'no grant covers that value of a path parameter any more',
  expired: 'the grant has expired',
  suspended: 'the grant is suspended',
  'condition-not-met': 'a condition is not met',
  'principal-unknown': 'no directory knows the caller',
  'principal-inactive': 'the account is not active',
};
const doubts: Readonly<Record<string, string>> = {
  condition: 'the records do not show whether its condition is met',
  parameters: 'the records do not hold the path parameters or claims that a grant restricts',
  facts: 'the records do not hold the facts of the request that the policy reads',
  credentials: 'a credential of the service goes, and records do not say which was used',
  authentication: 'a way to authenticate goes, and records do not say which was used',
};

const deniedWhy = ({ why }: Pick<Effect, 'why'>): string => denials[why] ?? why;
const doubtOf = ({ why }: Pick<Effect, 'why'>): string => doubts[why] ?? why;
const endingWhy = ({ why }: Pick<Effect, 'why'>): string => `denied from ${instantOf(Number(why))} on`;
const allowedWhy = ({ why }: Pick<Effect, 'why'>): string =>
  why === 'condition'
    ? 'if its condition is met, which the records do not show'
    : why === 'parameters'
      ? 'if the grant is for its path parameters, which the records do not hold'
      : why === 'facts'
        ? 'if the policy allows it by facts of the request, which the records do not hold'
        : 'a grant gives it now';

const losses: Readonly<Record<Skipped['reason'], string>> = {
  'operation-removed': 'the operation is gone, or has another method or path',
  'route-changed': 'the API is reached by another address',
  'operation-unknown': 'the base does not know the operation either',
  'record-incomplete': 'the record does not say what was asked',
};
const lossOf = ({ reason }: Pick<Skipped, 'reason'>): string => losses[reason];

/** What a replay says, whatever it is said in; the reason of everything in words. */
export type ReplayWords = {
  sentence: string;
  /** What becomes allowed; null where nothing does. */
  gains: string | null;
  coverage: string;
  leftOut: readonly string[];
  /** What befalls callers, part by part; none that is empty. */
  parts: readonly ({ title: string } & Pick<Effects, 'by' | 'more'>)[];
  /** What is asked for and would not be found. */
  lost: { title: string; by: readonly (Pick<Skipped, 'api' | 'operation' | 'requests'> & { why: string })[] };
};

/** Puts a replay into words, for a terminal, a page and a comment alike. */
export function replayWords(replay: Replay): ReplayWords {
  const { denied, unproven, ending, allowed } = replay;
  const part = (title: string, { by, more }: Effects, why: (effect: Effect) => string) =>
    by.length === 0 ? [] : [{ title, more, by: by.map((effect) => ({ ...effect, why: why(effect) })) }];
  return {
    sentence: sentenceOf(replay),
    gains: gainsOf(replay),
    coverage: coverageOf(replay),
    leftOut: leftOutOf(replay),
    parts: [
      ...part('Would be denied', denied, deniedWhy),
      ...part('Cannot be shown', unproven, doubtOf),
      ...part('Would end sooner', ending, endingWhy),
      ...part('Would be allowed', allowed, allowedWhy),
    ],
    lost: {
      title: 'Would not be found',
      by: lostOf(replay).map((one) => ({ ...one, why: lossOf(one) })),
    },
  };
}
