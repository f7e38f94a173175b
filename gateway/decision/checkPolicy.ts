import { decisionPath } from '../../bundle/policy/policies.ts';
import { createEvaluator } from './evaluator.ts';

/** A compiled policy must not decide here. */
export class PolicyError extends Error {
  readonly code = 'policy-unusable';
  override readonly name = 'PolicyError';
}

/**
 * Tries a policy before it serves: its answers must be decisions. It is asked about nothing (which it must not allow)
 * and about `question` over `slice`, which also warms it up. Throws PolicyError or EvaluationError.
 */
export function checkPolicy(module: WebAssembly.Module, question: unknown, slice: ArrayBuffer): void {
  const evaluator = createEvaluator(module, decisionPath);
  if (decisionOf(evaluator.evaluate({}, {})).allow)
    throw new PolicyError('the policy allows an empty request');
  decisionOf(evaluator.evaluate(question, slice));
}

function decisionOf(answer: unknown): { allow: boolean } {
  if (typeof answer === 'object' && answer !== null && 'allow' in answer) {
    const { allow, grants, reason } = answer as { allow: unknown; grants?: unknown; reason?: unknown };
    if (typeof allow === 'boolean' && Array.isArray(grants) && typeof reason === 'string') return { allow };
  }
  throw new PolicyError('the policy does not answer {"allow":…,"grants":[…],"reason":…}');
}
