// Sharp edges of @open-policy-agent/opa-wasm 1.10, kept behind this file and held by test/gateway/evaluator.test.ts:
// it throws strings and plain objects; each throw loses stack inside the module, so the instance is replaced after
// any; a Buffer is misread (only a real ArrayBuffer is taken as JSON); an undefined decision is `[]`.
import { createRequire } from 'node:module';
import type { Evaluate } from '../../bundle/archive/golden.ts';
import { decisionPath } from '../../bundle/policy/policies.ts';

// Its ESM entry hides `loadPolicySync`, which its types announce: the CommonJS entry has it.
const opa = createRequire(import.meta.url)(
  '@open-policy-agent/opa-wasm',
) as typeof import('@open-policy-agent/opa-wasm');

/** 64 KiB pages. Slices and inputs are a few KiB; the bound keeps a hostile document from growing the memory for ever. */
const memory = { initial: 5, maximum: 512 };

type Policy = ReturnType<typeof opa.loadPolicySync>;

/** Evaluates one entrypoint of a compiled policy, synchronously. */
export type Evaluator = {
  /**
   * Answers for `input` over `data` (both JSON values, or JSON text in an ArrayBuffer). Returns the decision, or
   * undefined when the policy leaves it undefined. Throws EvaluationError; the next call works on a fresh instance.
   */
  evaluate(input: unknown, data: unknown): unknown;
};

/** The policy could not be evaluated; `cause` holds what the runtime threw. */
export class EvaluationError extends Error {
  readonly code = 'evaluation-error';
  constructor(cause: unknown) {
    super('the policy could not be evaluated', { cause });
    this.name = 'EvaluationError';
  }
}

/** Prepares a compiled policy. Throws EvaluationError when the module is no OPA policy or lacks the entrypoint. */
export function createEvaluator(module: WebAssembly.Module, entrypoint: string): Evaluator {
  const instantiate = (): Policy => {
    try {
      const policy = opa.loadPolicySync(module, { ...memory });
      if (!Object.hasOwn(policy.entrypoints, entrypoint)) throw new Error(`no entrypoint ${entrypoint}`);
      return policy;
    } catch (error) {
      throw new EvaluationError(error);
    }
  };
  let policy = instantiate();
  let loaded: unknown;
  let stale = false;
  return {
    evaluate(input, data) {
      try {
        if (stale) {
          policy = instantiate();
          loaded = undefined;
          stale = false;
        }
        // Callers keep slices per revision, so the same reference means the same document: no need to load it again.
        if (data !== loaded || typeof data !== 'object') {
          policy.setData(data as object);
          loaded = data;
        }
        const set: unknown = policy.evaluate(input as object, entrypoint);
        if (!Array.isArray(set) || set.length !== 1) return undefined;
        return (set[0] as { result?: unknown }).result;
      } catch (error) {
        stale = true;
        if (error instanceof EvaluationError) throw error;
        throw new EvaluationError(error);
      }
    },
  };
}

/** Evaluates the decision of a policy that was just compiled, by the runtime that will serve it. Throws EvaluationError. */
export function evaluateWasm(wasm: Buffer): Evaluate {
  return createEvaluator(new WebAssembly.Module(new Uint8Array(wasm)), decisionPath).evaluate;
}
