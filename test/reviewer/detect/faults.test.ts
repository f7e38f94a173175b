import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtInPolicies } from '../../../bundle/policy/policies.ts';
import { suite } from '../../_suite.ts';
import { access, asOf, daysAgo, found, type Place, place } from '../_review.ts';

const test = suite('policies of a repository, and what they say of one grant');
const past = `role: reader\nexpires: ${daysAgo(1)}`;
let here: Place;
test.before(async () => {
  here = await place(access([{ id: 'past', rest: past }, { id: 'torn' }, { id: 'over', rest: past }]));
});
test.after(() => here.remove());

test('--explain prints the facts and the Rego of a finding, and refuses a fingerprint that is none', async () => {
  const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));
  const at = new Date(asOf).toISOString();
  const run = (...more: string[]) =>
    execFileSync(
      process.execPath,
      [cli, 'review', '--root', here.root, '--decisions', here.decisions, '--as-of', at, ...more],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
  const { plan } = await here.review();
  const [finding] = plan.findings;
  const text = run('--explain', finding?.fingerprint ?? '');
  for (const part of [
    `${finding?.fingerprint}: delete ${finding?.grant}`,
    '"thresholds"',
    'policies/review/expired.rego',
    'has_expired',
  ])
    assert.ok(text.includes(part), part);
  assert.equal(
    JSON.parse(run('--explain', finding?.fingerprint ?? '', '--json')).finding.grant,
    finding?.grant,
  );
  assert.throws(() => run('--explain', 'f'.repeat(40)), /no finding, or several, with the fingerprint/);
});

test('policies that contradict themselves about one grant name it, and the others are judged', async () => {
  const folder = join(builtInPolicies, 'review');
  const names = (await readdir(folder)).filter(
    (name) => name.endsWith('.rego') && !name.endsWith('_test.rego'),
  );
  const own: Record<string, string> = {
    'policies/review/torn.rego':
      'package grantgate.review\n\ncertified_at := 1 if input.grant.id == "torn"\n',
  };
  for (const name of names) own[`policies/review/${name}`] = await readFile(join(folder, name), 'utf8');
  await here.write(own);
  const result = await here.review();
  assert.deepEqual(found(result), ['over: expired delete', 'past: expired delete']);
  assert.deepEqual(
    result.plan.faults?.map(({ grant }) => grant),
    ['torn'],
  );
  assert.equal(result.error?.code, 'policy-undefined');
  assert.match(result.error?.message ?? '', /torn/);
});
