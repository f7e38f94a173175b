import type { Identity } from '../identity/identify.ts';
import type { Decide, Decision, Question } from './decision.ts';

/** As many callers, and as many questions of one of them, as are remembered within one second. */
const mostCallers = 20_000;
const mostQuestions = 32;

type Known = Omit<Question, 'identity' | 'time'> & { decision: Decision };

/**
 * Answers a question that was asked before in the same second, of the same revision, from memory. That is no guess: a
 * policy is a function of its input and data (its capabilities have no clock and no chance), and `time` counts whole
 * seconds. What went wrong is asked again. The caller is told by its identity's object, which is the same for the same
 * credential (identify.ts).
 */
export function rememberDecisions(decide: Decide): Decide {
  const known = new Map<Identity, Known[]>();
  let second = Number.NaN;
  return (question) => {
    const { identity, route, method, networks, time } = question;
    if (time !== second || known.size >= mostCallers) {
      known.clear();
      second = time;
    }
    const asked = known.get(identity);
    if (asked !== undefined) for (const one of asked) if (isSame(one, question)) return one.decision;
    const decision = decide(question);
    if (decision.failure !== null) return decision;
    const one = { route, method, networks, decision: { ...decision, nanoseconds: 0 } };
    if (asked === undefined) known.set(identity, [one]);
    else if (asked.length < mostQuestions) asked.push(one);
    return decision;
  };
}

const isSame = (one: Known, { route, method, networks }: Question): boolean =>
  one.route.operation === route.operation &&
  one.route.api === route.api &&
  one.method === method &&
  (one.networks === networks ||
    (one.networks.length === networks.length &&
      one.networks.every((name, index) => name === networks[index])));
