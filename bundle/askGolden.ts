import { type AnswerAll, type Evaluate, type Golden, goldenDecisions, readAnswer } from './archive/golden.ts';
import { BundleError } from './bundleError.ts';
import type { Tree } from './git/tree.ts';
import { answerAll } from './policy/answerAll.ts';
import { compilePolicy } from './policy/compilePolicy.ts';
import type { PolicyReads } from './policy/examine/policyReads.ts';
import type { Opa } from './policy/opa.ts';
import { builtIn, decisionPath, isBuiltIn } from './policy/policies.ts';

type Asked = {
  tree: Pick<Tree, 'committedAt'>;
  opa: Opa;
  /** The Rego of the decision, and what it was compiled to. */
  policies: ReadonlyMap<string, Buffer>;
  wasm: Buffer;
  /** The compiled document. */
  data: Buffer;
  /** What the policy reads of data documents. */
  documents: PolicyReads['documents'];
  /** Runs the compiled policy. */
  evaluator: (wasm: Buffer) => Evaluate;
  /** Is told of the slowest decision, where it is slow. */
  slow?: (cost: Cost) => void;
};

/** What a decision costs: steps of this policy, and of the one that comes with the product over the same. */
export type Cost = { subject: string; api: string; operation: string; steps: number; usual: number };

/** More steps than that are slow, about 5 ms: a fiftieth of what ends an evaluation. Counted, so the same everywhere. */
export const slowSteps = 1_000_000;

/**
 * The decisions that a bundle carries, so that whoever loads it sees whether it decides the same there. Throws
 * BundleError `policy-invalid` for a policy whose answers are none, do not come to an end, or are others in WASM than in
 * OPA; OpaError.
 */
export async function askGolden({ tree, data, documents, ...policy }: Asked): Promise<Golden[]> {
  const at = tree.committedAt === null ? 0 : Math.floor(Date.parse(tree.committedAt) / 1000);
  return goldenDecisions(data, await answering(policy), at, documents);
}

/**
 * What a bundle's own questions are answered by: our policy, which is tested against OPA, by the runtime that will
 * serve it; another by OPA itself, so that the two are held against each other wherever the bundle is loaded.
 */
async function answering({
  evaluator,
  opa,
  policies,
  slow,
  wasm,
}: Omit<Asked, 'tree' | 'data' | 'documents'>): Promise<AnswerAll> {
  const evaluate = evaluator(wasm);
  if (await isBuiltIn(policies, 'authz'))
    return (inputs, document) => inputs.map((input) => evaluate(input, document));
  const inOpa = answerAll(opa, policies, decisionPath);
  return async (inputs, document) => {
    // Before OPA, which would go on for as long as it takes.
    const steps: number[] = [];
    const inWasm = inputs.map((input, at) => {
      const answer = bounded(evaluate, input, document);
      steps[at] = evaluate.steps?.() ?? 0;
      return answer;
    });
    const most = Math.max(0, ...steps);
    if (slow !== undefined && most > slowSteps) {
      const ours = evaluator(await compilePolicy(opa, await builtIn('authz'), decisionPath));
      const input = inputs[steps.indexOf(most)];
      bounded(ours, input, document);
      const { subject, api, operation } = input as Cost;
      slow({ subject, api, operation, steps: most, usual: ours.steps?.() ?? 0 });
    }
    const answers = await inOpa(inputs, document);
    const differs = answers.findIndex((answer, at) => readAnswer(answer) !== readAnswer(inWasm[at]));
    if (differs >= 0)
      throw new BundleError(
        'policy-invalid',
        `the gateway's WASM answers ${JSON.stringify(inWasm[differs])} where OPA answers ${JSON.stringify(answers[differs])}`,
      );
    return answers;
  };
}

/** Undefined where the policy fails: OPA tells better why. Throws BundleError `policy-invalid` for one that does not come to an end. */
function bounded(evaluate: Evaluate, input: unknown, document: unknown): unknown {
  try {
    return evaluate(input, document);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'evaluation-too-costly')
      throw new BundleError('policy-invalid', `${error.message}, and all other requests would wait`, {
        cause: error,
      });
    return undefined;
  }
}
