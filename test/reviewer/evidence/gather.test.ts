import * as assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workingTree } from '../../../bundle/git/tree.ts';
import { gather } from '../../../reviewer/evidence/gather.ts';
import { suite } from '../../_suite.ts';
import { asOfMs, base, dayMs, organisationsOf, recordLine } from '../_review.ts';
import { rollupsOf } from '../_rollups.ts';

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

test('whoever no directory knows is brought by tokens where a roll-up shows that their grant was used', async () => {
  const here = await organisation([
    { id: 'of-eve', principal: 'user:Eve@example.com' },
    { id: 'of-zoe', principal: 'user:zoe@example.com' },
    { id: 'of-ann' },
  ]);
  const at = asOfMs - dayMs;
  // What was used before anybody missed them, and longer ago than anything is judged by, brings nobody now.
  const uses = { 'of-zoe': asOfMs - 1000 * dayMs, 'of-eve': at, 'of-ann': at };
  const lines = Object.entries(uses).map(([grant, used], index) =>
    recordLine({ grant, at: used }, 'gw-1', index + 1),
  );
  const usage = join(here.folder, 'usage');
  await mkdir(join(usage, 'gw-1'), { recursive: true });
  for (const [day, of] of rollupsOf(lines, 'gw-1'))
    await writeFile(join(usage, 'gw-1', `${day}.ndjson`), of.map((line) => `${line}\n`).join(''));
  const tree = await workingTree(here.root);
  const evidence = await gather({ tree, decisions: [], rollups: [usage], asOf: asOfMs / 1000 });
  await evidence.usage.close();
  assert.deepEqual(Object.fromEntries(evidence.brought), { 'user:eve@example.com': at / 1000 });
});
