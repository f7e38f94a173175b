// One decision as the gateway takes it: slices from the index, WASM, reading the result. Over the sample
// organisation, every caller and operation in turn, beside the same policy with the whole document in WASM memory.
// node bench/decision.ts
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { compile } from '../bundle/compile/compile.ts';
import { workingTree } from '../bundle/git/tree.ts';
import { load } from '../bundle/grants/load.ts';
import { admitPolicy } from '../bundle/policy/admitPolicy.ts';
import { meterWasm } from '../bundle/policy/meterWasm.ts';
import { findOpa } from '../bundle/policy/opa.ts';
import { decisionPath, readPolicies } from '../bundle/policy/policies.ts';
import { createDecide } from '../gateway/decision/decide.ts';
import type { Question } from '../gateway/decision/decision.ts';
import { createEvaluator } from '../gateway/decision/evaluator.ts';
import { indexLines, openIndex } from '../gateway/revision/lineIndex.ts';
import { createSlices } from '../gateway/revision/slices.ts';

const rounds = 200_000;
const tree = await workingTree(fileURLToPath(new URL('..', import.meta.url)));
const { organisation } = await load(tree);
if (organisation === null) throw new Error('the sample organisation does not check');
const data = compile(organisation);
const { reads, wasm } = await admitPolicy(await findOpa(), await readPolicies(tree, 'authz'));
const module = meterWasm(wasm);
const decide = createDecide(
  createSlices({ lines: openIndex(indexLines(data)), reads }),
  createEvaluator(module, decisionPath),
  null,
);

const time = Date.parse('2026-11-23T12:00:00Z') / 1000;
const questions: Question[] = [];
for (const login of organisation.people.keys()) {
  for (const { name, operations, upstream } of organisation.apis.values()) {
    for (const [operation, signature] of operations) {
      const [method = '', template = ''] = signature.split(' ');
      questions.push({
        identity: { subject: `user:${login}`, groups: null, mfa: true, expiresAt: null },
        route: { api: name, operation, template, upstream, base: '', strip: 0 },
        method,
        networks: [],
        time,
      });
    }
  }
}
// Callers do not come in the order of the directory: the evaluator must not profit from the same slice twice.
let state = 1;
const random = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};
const order = Array.from(
  { length: rounds },
  () => questions[Math.floor(random() * questions.length)] as Question,
);

function distribution(name: string, run: (question: Question) => unknown): number {
  for (const question of order.slice(0, 20_000)) run(question);
  const taken = order.map((question) => {
    const from = performance.now();
    run(question);
    return (performance.now() - from) * 1000;
  });
  taken.sort((a, b) => a - b);
  const at = (share: number) => taken[Math.floor(share * (taken.length - 1))] ?? 0;
  const figures = [0.5, 0.9, 0.99, 0.999].map(
    (share) => `p${share * 100} ${at(share).toFixed(1).padStart(7)} µs`,
  );
  console.log(`${name.padEnd(34)} ${figures.join('   ')}`);
  return at(0.5);
}

const { grants, people, apis } = organisation;
console.log(
  `${grants.length} grants, ${people.size} people, ${apis.size} APIs, ${questions.length} questions, ${rounds} decisions each`,
);
const ours = distribution('slices', decide);
const whole = createEvaluator(module, decisionPath);
const document = new Uint8Array(data).buffer;
const full = distribution('whole document in WASM memory', (question) => {
  const groups = organisation.memberships.get(question.identity.subject) ?? [];
  const { route, method, networks } = question;
  return whole.evaluate(
    {
      subject: question.identity.subject,
      groups,
      api: route.api,
      operation: route.operation,
      method,
      path: route.template,
      networks,
      mfa: true,
      time,
    },
    document,
  );
});
console.log(
  `median ratio slices / whole document: ${(ours / full).toFixed(2)} (the second grows with the organisation, the first does not: bench/slices.ts)`,
);
