import type { Bundle } from '../../bundle/archive/bundle.ts';
import { decisionPath } from '../../bundle/policy/policies.ts';
import { random } from '../../demo/random.ts';
import { createDecide } from '../../gateway/decision/decide.ts';
import type { Question } from '../../gateway/decision/decision.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import { createPrepare } from '../../gateway/decision/prepare.ts';
import { createSlices } from '../../gateway/revision/slices.ts';
import { openSnapshot } from '../../gateway/revision/snapshot.ts';
import { apiOf, joiner } from './organisation.ts';

const time = Date.parse('2026-11-23T12:00:00Z') / 1000;

/** Who holds grants of their own, and where: `count` of them, picked from all over the data. */
function holders(data: Buffer, count: number): { subject: string; api: string }[] {
  const numbers = random('holders');
  const found: { subject: string; api: string }[] = [];
  while (found.length < count) {
    const at = data.indexOf('\n"user:', numbers.below(data.length));
    const [, subject = '', id = ''] =
      /^\n"([^"]+)":\[\{[^}]*?"id":"([^"]+)"/.exec(data.toString('latin1', at, at + 500)) ?? [];
    const api = /^api-\d+/.exec(id)?.[0];
    if (api !== undefined) found.push({ subject, api });
  }
  return found;
}

/** Median microseconds of a decision: of callers who hold grants, and of one who is in fifty groups. */
export function measureDecisions(bundle: Bundle) {
  const snapshot = openSnapshot(createPrepare()(bundle), 0);
  const questionOf = (subject: string, api: string): Question => ({
    identity: { subject, groups: null, mfa: true, expiresAt: null },
    route: {
      api,
      operation: 'getOrders',
      template: '/v1/orders/{id}',
      upstream: 'http://a',
      base: '',
      strip: 0,
    },
    method: 'GET',
    networks: ['office'],
    time,
  });
  const measure = (questions: readonly Question[], maxBytes: number): number => {
    const slices = createSlices(snapshot, { maxBytes });
    const decide = createDecide(slices, createEvaluator(snapshot.wasm, decisionPath), null);
    for (const question of questions.slice(0, 5000)) decide(question);
    const taken = questions.map((question) => decide(question).nanoseconds / 1000).sort((a, b) => a - b);
    return taken[Math.floor(taken.length / 2)] ?? 0;
  };
  const numbers = random('decisions');
  const rounds = 50_000;
  const cold = holders(bundle.data, rounds).map(({ subject, api }) => questionOf(subject, api));
  // A thousand callers at a time, as a gateway sees them.
  const callers = cold.slice(0, 1000);
  const many = Array.from({ length: rounds }, () => numbers.pick(callers));
  const grouped = Array.from({ length: 5000 }, () => questionOf(`user:${joiner}`, apiOf(0)));
  return {
    cached: measure(many, 64 * 2 ** 20),
    uncached: measure(cold, 8),
    fiftyGroups: measure(grouped, 8),
  };
}
