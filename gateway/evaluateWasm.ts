import type { Evaluate } from '../bundle/golden.ts';
import { decisionPath } from './decide.ts';
import { createEvaluator } from './evaluator.ts';

/** Evaluates the decision of a policy that was just compiled, by the runtime that will serve it. Throws EvaluationError. */
export function evaluateWasm(wasm: Buffer): Evaluate {
  return createEvaluator(new WebAssembly.Module(new Uint8Array(wasm)), decisionPath).evaluate;
}
