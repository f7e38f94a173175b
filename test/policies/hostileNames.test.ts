import * as assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { z } from 'zod';
import { readAnswer } from '../../bundle/archive/golden.ts';
import { compile } from '../../bundle/compile/compile.ts';
import { workingTree } from '../../bundle/git/tree.ts';
import { fold, isName } from '../../bundle/grants/names.ts';
import { answerAll } from '../../bundle/policy/answerAll.ts';
import { compilePolicy } from '../../bundle/policy/compilePolicy.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { readPolicies } from '../../bundle/policy/policies.ts';
import { random } from '../../demo/random.ts';
import { createEvaluator } from '../../gateway/decision/evaluator.ts';
import { indexLines, openIndex } from '../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../gateway/revision/slices.ts';
import { suite } from '../_suite.ts';
import { generatedOrganisation, networkNames, now, operationNames } from './_organisation.ts';

const test = suite('policies: hostile names');
const seed = 'hostile-names-1';
const entrypoint = 'grantgate/authz/decision';

// What ends a string or a line somewhere, what JSON, Go and JavaScript escape otherwise, and what names other things.
const known = [
  ...[
    '__proto__',
    'constructor',
    'toString',
    'a"b',
    "o'brien@x.example",
    'back\\slash',
    'a\\u0041',
    '":[{"id":"x"}],"',
  ],
  ...[
    '<b>&amp;</b>',
    '{"x":1}',
    ']},',
    'a,b',
    'user:ann',
    'group:team',
    'a/../b',
    '%2e%2e',
    'guest#EXT#@t.example',
  ],
  ...[
    'Jürgen@X.example',
    'e\u0301clair',
    'straße',
    'STRASSE',
    'İstanbul',
    'ıstanbul',
    '\u212aelvin',
    'ΣΑΣ',
    'ﬁ',
  ],
  ...[
    '😀',
    '👩‍👩‍👧',
    '\u{10ffff}',
    '\u00a0x'.trim(),
    'x\u007f'.slice(0, 1),
    'data.grants',
    '$ref',
    '$\u007bx}',
    'a b  c',
    '0',
    '-1',
  ],
];
/** Names that providers may issue, no two of which are one. */
const names: readonly string[] = [
  ...new Map(
    [
      ...known,
      ...fc.sample(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), { numRuns: 400, seed: 5 }),
    ]
      .filter(isName)
      .map((name) => [fold(name), name]),
  ).values(),
];
const organisation = generatedOrganisation(seed, {
  login: (i) => names[i] ?? '',
  group: (i) => names[60 + i] ?? '',
});
const document = compile(organisation);

/** Requests as the gateway asks them, of everybody; some by the spelling of the directory, which is not the folded one. */
function requests() {
  const draw = random(`${seed} requests`);
  const subjects = [...organisation.memberships.keys()];
  return Array.from({ length: 1800 }, () => {
    const spelled = draw.pick(subjects);
    const subject = draw.chance(0.9) ? fold(spelled) : spelled;
    const vouched = draw.chance(0.2);
    const groups = (
      vouched
        ? names.slice(55, 75).map((name) => `group:${name}`)
        : (organisation.memberships.get(spelled) ?? [])
    ).map(fold);
    return {
      subject,
      groups: vouched ? groups.filter(() => draw.chance(0.3)) : groups,
      ...(vouched ? { groups_from: 'token' } : {}),
      api: draw.pick([...organisation.apis.keys()]),
      operation: draw.pick(operationNames),
      networks: networkNames.filter(() => draw.chance(0.3)),
      mfa: draw.chance(0.5),
      time: now + draw.pick([-2, 0, 2]),
    };
  });
}

test('names of every kind are taken, and enough of them', () => {
  assert.ok(names.length >= 80, String(names.length));
  assert.ok(names.includes('__proto__') && names.includes('":[{"id":"x"}],"'));
});

test('what the gateway decides is what OPA decides on the whole document, whatever people and groups are called', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-names-'));
  try {
    const opa = await findOpa();
    const inputs = requests();
    const ours = await readPolicies(await workingTree(folder), 'authz');
    const byOpa = await answerAll(opa, ours, entrypoint)(inputs, JSON.parse(document.toString()));

    const wasm = await compilePolicy(opa, ours, entrypoint);
    const evaluator = createEvaluator(new WebAssembly.Module(new Uint8Array(wasm)), entrypoint);
    const slices = createSlices({ lines: openIndex(indexLines(document)) });
    const reasons = new Map<string, number>();
    inputs.forEach((input, i) => {
      const holders =
        (input.groups_from === 'token' ? input.groups : slices.principal(input.subject)?.groups) ?? [];
      const found = evaluator.evaluate(input, slices.slice(input.api, input.subject, holders));
      assert.equal(readAnswer(found), readAnswer(byOpa[i]), JSON.stringify(input));
      const { reason } = z.object({ reason: z.string() }).parse(found);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    });
    for (const reason of ['granted', 'no-grant', 'expired', 'suspended', 'principal-unknown'])
      assert.ok((reasons.get(reason) ?? 0) >= 20, JSON.stringify([...reasons]));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
