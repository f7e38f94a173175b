import type { Identity } from '../identity/identify.ts';
import type { Decide, Decision, Question } from './decision.ts';

/**
 * What is known of one credential under one revision: who it proves to be, and what was answered to it. What was made
 * of an answer lies in the answer's memory.
 */
export type Caller = { readonly identity: Identity; readonly answers: Answer[] };

type Answer = Pick<Question, 'route' | 'method' | 'networks'> & { readonly decision: Decision };

export type Callers = {
  /** Answers as the policy would: from memory, where it knows that nothing has changed. */
  readonly decide: Decide;
  /** How many callers are known. */
  readonly size: number;
};

/** As many callers, and as many questions of one of them, as are remembered. */
const mostCallers = 20_000;
const mostQuestions = 32;

/**
 * Answers a question that was asked before, of the same revision, from memory, for as long as the decision holds. That
 * is no guess: a policy is a function of its input and data (its capabilities have no clock and no chance). What went
 * wrong is asked again. A caller is found by its credential's name, and is the same only when all that the credential
 * proves is: a copy of an identity is as good as the identity.
 */
export function createCallers(decide: Decide): Callers {
  const known = new Map<string, Caller>();
  const callerOf = (identity: Identity): Caller => {
    const key = identity.credential ?? `${identity.mfa} ${identity.subject}`;
    const before = known.get(key);
    if (before !== undefined && isSameIdentity(before.identity, identity)) return before;
    const caller: Caller = { identity, answers: [] };
    if (before === undefined && known.size >= mostCallers) known.delete(known.keys().next().value ?? '');
    known.set(key, caller);
    return caller;
  };
  return {
    decide(question) {
      const { identity, route, method, networks, time } = question;
      const { answers } = callerOf(identity);
      let at = 0;
      for (const one of answers) {
        if (isSameQuestion(one, question)) {
          if (holdsAt(one.decision, time)) return one.decision;
          break;
        }
        at += 1;
      }
      const decision = decide(question);
      if (decision.failure !== null) return decision;
      const answer = { route, method, networks, decision: { ...decision, nanoseconds: 0 } };
      // One that is over makes room for its successor; of too many, the oldest goes.
      if (at < answers.length) answers[at] = answer;
      else {
        if (answers.length >= mostQuestions) answers.shift();
        answers.push(answer);
      }
      return decision;
    },
    get size() {
      return known.size;
    },
  };
}

const holdsAt = ({ holds }: Decision, time: number): boolean => holds.from <= time && time < holds.until;

const isSameIdentity = (one: Identity, other: Identity): boolean =>
  one === other ||
  (one.subject === other.subject &&
    one.mfa === other.mfa &&
    one.expiresAt === other.expiresAt &&
    (one.groups === null || other.groups === null
      ? one.groups === other.groups
      : isSameList(one.groups, other.groups)));

const isSameQuestion = (one: Answer, { route, method, networks }: Question): boolean =>
  one.route.operation === route.operation &&
  one.route.api === route.api &&
  one.method === method &&
  isSameList(one.networks, networks);

const isSameList = (one: readonly string[], other: readonly string[]): boolean =>
  one === other || (one.length === other.length && one.every((name, index) => name === other[index]));
