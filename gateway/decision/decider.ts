import { decisionPath } from '../../bundle/policy/policies.ts';
import type { Slices } from '../revision/slices.ts';
import type { Snapshot } from '../revision/snapshot.ts';
import { createDecide } from './decide.ts';
import type { Decide } from './decision.ts';
import { createEvaluator, type Evaluator } from './evaluator.ts';
import { createReadFacts, type ReadFacts } from './facts.ts';

/** How a snapshot decides, each question anew; and how it reads the facts of one, null where its APIs name none. */
export type Decider = { readonly decide: Decide; readonly readFacts: ReadFacts | null };

/** Puts together what a snapshot decides with. Throws EvaluationError when its policy cannot be run. */
export function createDecider(
  { apis, reads, wasm }: Pick<Snapshot, 'apis' | 'reads' | 'wasm'>,
  slices: Slices,
  evaluator: Evaluator = createEvaluator(wasm, decisionPath),
): Decider {
  const readFacts = createReadFacts(apis);
  return { decide: createDecide(slices, evaluator, readFacts, reads.clock), readFacts };
}
