import type { AllowedCall } from '../decision/admission.ts';
import type { Enforcement } from '../decision/enforcement.ts';
import type { Outcome } from '../decision/outcome.ts';
import { Refusal } from '../http/refusal.ts';
import { createDecisionIds } from '../record/decisionIds.ts';
import { createRecordOf } from '../record/recordOf.ts';
import type { RecordWriter } from '../record/recordWriter.ts';
import { type Evaluation, readEvaluation, type Semantic } from './authzenRequest.ts';
import { questionOf } from './question.ts';

export type EvaluateOptions = {
  writer: Pick<RecordWriter, 'write'>;
  /** Milliseconds since 1970. */
  now: () => number;
  onAllowed?: (call: AllowedCall) => void;
  onOutcome: (outcome: Outcome) => void;
  onFailure: (error: unknown, decisionId: string | null) => void;
};

/** What AuthZEN calls an Access Evaluation Response. */
export type Answer = { decision: boolean; context: Record<string, unknown> };

/** Decides what an application asks; each decision is on record before it is told. */
export type Evaluate = {
  /** Throws Refusal 503 `record-unwritable`. */
  one(by: Enforcement, asked: Evaluation): Promise<Answer>;
  /** One that cannot be read is denied in its place; the others are answered, as far as the semantic goes. */
  all(by: Enforcement, items: readonly unknown[], semantic: Semantic): Promise<Answer[]>;
};

export function createEvaluate({ writer, now, onAllowed, onOutcome, onFailure }: EvaluateOptions): Evaluate {
  const nextId = createDecisionIds();
  const recordOf = createRecordOf();

  const one: Evaluate['one'] = async (by, asked) => {
    const atMs = now();
    const question = questionOf(by.snapshot, asked, atMs);
    // Not even a name: nothing that could be asked or recorded.
    if (typeof question === 'string') return { decision: false, context: { reason: question } };
    const { identity, route, stated = asked.stated } = question;
    const id = nextId(atMs);
    const decision = by.decide(question);
    if (decision.failure !== null) onFailure(decision.failure, id);
    const record = recordOf({ id, decision, enforcement: by, identity, route, stated }, atMs, 200);
    const { api, operation } = route;
    const { allow, reason } = decision.result;
    const failure = await new Promise<Error | null>((done) => writer.write(record, done));
    if (failure !== null) {
      onFailure(failure, id);
      onOutcome({ api, operation, outcome: 'broken', reason: 'record-unwritable', decision });
      throw new Refusal(503, 'record-unwritable', 'The decision could not be recorded.', {
        'retry-after': '5',
      });
    }
    const regressed = record.regressed !== undefined;
    if (allow) {
      // Of what was said besides, only the facts that were made of it.
      const { params, claims } = stated;
      const facts = new Map(Object.entries(decision.input.facts ?? {}));
      onAllowed?.({
        ...{ identity, route, address: null, networks: asked.networks },
        stated: { params, claims, facts },
      });
    }
    onOutcome({ api, operation, outcome: allow ? 'allowed' : 'denied', reason, decision, regressed });
    return { decision: allow, context: { reason, decision_id: id } };
  };

  const item = (by: Enforcement, asked: unknown): Promise<Answer> => {
    try {
      return one(by, readEvaluation(asked));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, code, message } = error;
      return Promise.resolve({ decision: false, context: { error: { status, code, message } } });
    }
  };

  return {
    one,
    async all(by, items, semantic) {
      // All at once, so that their records go down in one write.
      if (semantic === 'execute_all') return Promise.all(items.map((asked) => item(by, asked)));
      const last = semantic === 'permit_on_first_permit';
      const answers: Answer[] = [];
      for (const asked of items) {
        const answer = await item(by, asked);
        answers.push(answer);
        if (answer.decision === last) break;
      }
      return answers;
    },
  };
}
