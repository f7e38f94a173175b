import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import { base, organisationsOf } from '../_review.ts';

const test = suite('gather');
const organisation = organisationsOf(test);

test('a directory that was not read to its end fails the run', async () => {
  const okta = base['grants/directory/okta.yaml'] ?? '';
  const here = await organisation([{ id: 'any' }], {
    'grants/directory/okta.yaml': okta.replace('complete: true', 'complete: false'),
  });
  await assert.rejects(here.review(), { code: 'directory-incomplete' });
});

test('grants with problems fail the run, each named', async () => {
  const here = await organisation([{ id: 'any', rest: 'role: nonsense' }]);
  await assert.rejects(here.review(), (error: Error & { code: string }) => {
    assert.equal(error.code, 'grants-invalid');
    assert.match(error.message, /grants\/access\/orders\/group-desk\.yaml:\d+:\d+: .*nonsense/);
    return true;
  });
});

test('a file of review policies that would speak for ours is named, and ours judge on', async () => {
  const own = 'package grantgate.review\n\njudgement := {"windows": {}, "findings": []}\n';
  const here = await organisation([{ id: 'of-bob', principal: 'user:bob@example.com' }], {
    'policies/review/own.rego': own,
  });
  const { plan, error } = await here.review();
  assert.deepEqual(
    plan.findings.map(({ detector }) => detector),
    ['orphan-disabled'],
  );
  assert.equal(error?.code, 'policy-undefined');
  assert.match(plan.faults?.[0]?.message ?? '', /^policies\/review\/own\.rego:\d+:\d+: /);
});
