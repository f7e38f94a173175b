// Each throw loses stack inside a module, so it is replaced after any; an undefined decision is `[]`.
import type { Evaluate } from '../../bundle/archive/golden.ts';
import { meterWasm } from '../../bundle/policy/meterWasm.ts';
import { decisionPath } from '../../bundle/policy/policies.ts';
import { openPolicy, type Policy } from './openPolicy.ts';

/** 64 KiB pages. Twenty thousand grants of one caller at one API take 30 to 60 MiB; more than that is nobody's question. */
const memory = { initial: 5, maximum: 2048 };
/** Memory never shrinks: an instance that a large document has made larger than this is not kept for the small ones. */
const mostKeptBytes = 32 * 2 ** 20;

/**
 * How many steps (functions entered, turns of loops) one evaluation may take, data and input read included: nothing can
 * interrupt it, and all other requests wait. About a quarter of a second; a usual decision takes some thousands,
 * and 500 to 1,600 for each grant that the caller and its groups have at the API.
 */
export const mostSteps = 50_000_000;

/** Evaluates one entrypoint of a compiled policy, synchronously. */
export type Evaluator = {
  /**
   * Answers for `input` over `data`, each a JSON value or JSON text in an ArrayBuffer. Returns the decision, or
   * undefined when the policy leaves it undefined. Throws EvaluationError, also after `mostSteps`; the next call works on a fresh instance.
   */
  evaluate(input: unknown, data: unknown): unknown;
  /** Steps that the last answer took of a metered policy, without those of reading `data`; 0 of any other. */
  readonly steps?: () => number;
};

/** The policy could not be evaluated; `cause` holds what the runtime threw. */
export class EvaluationError extends Error {
  readonly code: 'evaluation-error' | 'evaluation-too-costly';
  constructor(cause: unknown, stepsLeft?: unknown) {
    const short =
      stepsLeft === 0
        ? `${mostSteps} steps`
        : cause === 'opa_malloc: failed'
          ? `${memory.maximum * 64} KiB of memory`
          : null;
    super(`the policy could not be evaluated${short === null ? '' : `: it takes more than ${short}`}`, {
      cause,
    });
    this.code = short === null ? 'evaluation-error' : 'evaluation-too-costly';
    this.name = 'EvaluationError';
  }
}

/** Whether that is what went wrong: the same question of the same revision would cost as much again. */
export const isTooCostly = (failure: unknown): boolean =>
  failure instanceof EvaluationError && failure.code === 'evaluation-too-costly';

/**
 * Prepares a compiled policy, metered (`meterWasm`) where somebody waits for its answers. Throws EvaluationError when the
 * module is no OPA policy or lacks the entrypoint.
 */
export function createEvaluator(module: WebAssembly.Module, entrypoint: string): Evaluator {
  const instantiate = (): Policy => {
    try {
      return openPolicy(module, entrypoint, memory);
    } catch (error) {
      throw new EvaluationError(error);
    }
  };
  let policy = instantiate();
  let loaded: unknown;
  let stale = false;
  let [begun, ended] = [0, 0];
  return {
    steps: () => begun - ended,
    evaluate(input, data) {
      try {
        if (stale || (data !== loaded && policy.bytes() > mostKeptBytes)) {
          policy = instantiate();
          loaded = undefined;
          stale = false;
        }
        const { counter } = policy;
        if (counter !== null) counter.value = mostSteps;
        // Callers keep slices per revision, so the same reference means the same document: no need to load it again.
        if (data !== loaded || typeof data !== 'object') {
          policy.setData(data);
          loaded = data;
        }
        begun = Number(counter?.value ?? 0);
        const set: unknown = policy.evaluate(input);
        ended = Number(counter?.value ?? 0);
        if (!Array.isArray(set) || set.length !== 1) return undefined;
        return (set[0] as { result?: unknown }).result;
      } catch (error) {
        stale = true;
        if (error instanceof EvaluationError) throw error;
        throw new EvaluationError(error, policy.counter?.value);
      }
    },
  };
}

/**
 * Evaluates the decision of a policy that was just compiled, by the runtime that will serve it; `module` is what
 * `meterWasm` makes of it. Throws EvaluationError.
 */
export function evaluateWasm(wasm: Buffer, module: WebAssembly.Module = meterWasm(wasm)): Evaluate {
  const evaluator = createEvaluator(module, decisionPath);
  const evaluate = (input: unknown, data: unknown) => evaluator.evaluate(input, data);
  return Object.assign(evaluate, { steps: () => evaluator.steps?.() ?? 0 });
}
