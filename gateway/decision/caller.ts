import { LRUCache } from 'lru-cache';
import { type Identity, identityBytes } from '../identity/identify.ts';
import type { Decide, Decision, Question } from './decision.ts';
import { isTooCostly } from './evaluator.ts';
import { type ReadFacts, sameFacts } from './facts.ts';
import { isSameGiven } from './given.ts';

/**
 * What is known of one credential under one revision: who it proves to be, and what was answered to it. What was made
 * of an answer lies in the answer's memory.
 */
export type Caller = { readonly identity: Identity; readonly answers: readonly Answer[] };

type Answer = Pick<Question, 'route' | 'method' | 'networks'> & {
  readonly decision: Decision;
  /** The time it was asked at last. */
  asked: number;
  /** The same as of a time that was asked for more than once: of a busy caller's requests many come within a second. */
  latest: Decision;
};

export type Callers = {
  /** Answers as the policy would: from memory, where it knows that nothing has changed. */
  readonly decide: Decide;
  /** How many callers are known, and the bytes they are reckoned to take. */
  readonly size: number;
  readonly bytes: number;
};

/** As many questions of one caller as are remembered. */
const mostQuestions = 32;

/**
 * Answers a question that was asked before, of the same revision, from memory, for as long as the decision holds. That
 * is no guess: a policy is a function of its input and data (its capabilities have no clock and no chance). What went
 * wrong is asked again. A caller is found by its credential's name, and is the same only when all that the credential
 * proves is: a copy of an identity is as good as the identity. Those who came last are kept, in `maxBytes`.
 */
export function createCallers(
  decide: Decide,
  readFacts: ReadFacts | null,
  { maxBytes = 128 * 2 ** 20 } = {},
): Callers {
  const known = new LRUCache<string, Caller>({ maxSize: maxBytes, sizeCalculation: bytesOf });
  const callerOf = (key: string, identity: Identity): Caller => {
    const before = known.get(key);
    return before !== undefined && isSameIdentity(before.identity, identity)
      ? before
      : { identity, answers: [] };
  };
  return {
    decide(asked) {
      const facts = readFacts?.(asked) ?? null;
      const question = facts === null ? asked : { ...asked, facts };
      // What a fault is about was not read, so nothing would tell it from another.
      if (facts !== null && facts.fault !== null) return decide(question);
      const { identity, route, method, networks, time } = question;
      const key = identity.credential ?? `${identity.mfa} ${identity.subject}`;
      const { answers } = callerOf(key, identity);
      const before = answers.find((one) => isSameQuestion(one, question));
      if (before !== undefined && holdsAt(before.decision, time)) {
        if (before.latest.input.time === time) return before.latest;
        const now = asOf(before.decision, time);
        // What an old object leads to is copied by the collector, and outlives its use: of callers who come once in a
        // while, and may be thousands, nothing is kept that serves one request.
        if (before.asked === time) before.latest = now;
        before.asked = time;
        return now;
      }
      const decision = decide(question);
      if (decision.failure !== null && !isTooCostly(decision.failure)) return decision;
      const kept = { ...decision, nanoseconds: 0 };
      const answer = { route, method, networks, decision: kept, asked: time, latest: kept };
      // One that is over makes room for its successor; of too many, the oldest goes.
      const others = answers.filter((one) => one !== before).slice(1 - mostQuestions);
      known.set(key, { identity, answers: [...others, answer] });
      return decision;
    },
    get size() {
      return known.size;
    },
    get bytes() {
      return known.calculatedSize;
    },
  };
}

/** A decision as it is at another time when it holds: the record says when it was asked. */
const asOf = (decision: Decision, time: number): Decision => ({
  ...decision,
  input: { ...decision.input, time },
});

/**
 * What a caller takes, measured on the heap and rounded up: the objects, and what names take in lists, headers, record
 * and assertion, of which the last is written in base64.
 */
function bytesOf({ identity, answers }: Caller, key: string): number {
  let bytes = 700 + key.length + identityBytes(identity);
  for (const { networks, decision } of answers) {
    const { input, result, bounds } = decision;
    const named = lettersOf(input.groups) + lettersOf(result.grants) + input.subject.length;
    const given = givenBytes(input.params) + givenBytes(input.claims);
    bytes += factsBytes(input.facts) + factsBytes(decision.factsOnRecord);
    bytes += given + 1800 + 4 * named + lettersOf(networks) + input.path.length + 150 * bounds.size;
  }
  return bytes;
}

const givenBytes = (given: Readonly<Record<string, string | null>> | undefined): number =>
  given === undefined
    ? 0
    : Object.entries(given).reduce(
        (sum, [name, value]) => sum + 100 + 4 * (name.length + (value?.length ?? 0)),
        0,
      );

/** They stand in the record's text besides. */
const factsBytes = (facts: object | null | undefined): number =>
  facts == null ? 0 : 200 + 6 * JSON.stringify(facts).length;

/** With the reference to each, and the head of its text. */
const lettersOf = (names: readonly string[]): number =>
  names.reduce((sum, { length }) => sum + length + 24, 0);

const holdsAt = ({ holds }: Decision, time: number): boolean => holds.from <= time && time < holds.until;

const isSameIdentity = (one: Identity, other: Identity): boolean =>
  one === other ||
  (one.subject === other.subject &&
    one.mfa === other.mfa &&
    one.expiresAt === other.expiresAt &&
    (one.groups === null || other.groups === null
      ? one.groups === other.groups
      : isSameList(one.groups, other.groups)));

const isSameQuestion = (one: Answer, question: Question): boolean => {
  const { route, method, networks } = question;
  return (
    one.route.operation === route.operation &&
    one.route.api === route.api &&
    one.method === method &&
    isSameList(one.networks, networks) &&
    // What was remembered for one tenant must not answer for another.
    isSameGiven(one.decision.input, question) &&
    sameFacts(one.decision.input.facts, question.facts?.values)
  );
};

const isSameList = (one: readonly string[], other: readonly string[]): boolean =>
  one === other || (one.length === other.length && one.every((name, index) => name === other[index]));
