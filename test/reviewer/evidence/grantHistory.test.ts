import * as assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workingTree } from '../../../bundle/git/tree.ts';
import { readAccess } from '../../../bundle/grants/readGrants.ts';
import { readCommits } from '../../../reviewer/evidence/commits.ts';
import { createGrantHistory, grew } from '../../../reviewer/evidence/grantHistory.ts';
import { suite } from '../../_suite.ts';

const test = suite('history of one grant');
const path = 'grants/access/orders/billing.yaml';
const text = (rest = '') => `- id: orders-one
  principal: user:ann@example.com
  api: orders
  role: reader
  reason: Answers customers
  owner: group:desk
  granted: 2026-03-01
${rest}`;
const entry = (rest: string) => {
  const [found] = readAccess(Buffer.from(text(rest)), path, '').entries;
  assert.ok(found !== undefined, rest);
  return found.entry;
};
/** What is known after these texts of the file, a second apart. */
const after = (...texts: (string | null)[]) => {
  const history = createGrantHistory();
  for (const [at, one] of texts.entries())
    history.step({
      ...{ commit: 'c', at, blind: false },
      files: [{ path, bytes: one === null ? null : Buffer.from(one) }],
    });
  return history.end()('orders-one');
};

test('a grant grows when a path parameter may have more values than before, and by nothing less', () => {
  const acme = '  params: { tenant: [acme] }\n';
  const both = '  params: { tenant: [acme, other] }\n';
  const claim = '  params: { tenant: claim:tenant }\n';
  const cases: [before: string, after: string, grows: boolean][] = [
    [acme, '', true],
    [acme, both, true],
    [acme, '  params: { id: [acme] }\n', true],
    [acme, claim, true],
    [claim, '  params: { tenant: claim:sub }\n', true],
    [acme, acme, false],
    [both, acme, false],
    [claim, claim, false],
    [acme, '  params: { tenant: [acme], id: ["7"] }\n', false],
    ['', acme, false],
  ];
  for (const [before, now, grows] of cases)
    assert.equal(grew(entry(before), entry(now), 0), grows, `${before} → ${now}`);
});

test('a grant that comes suspended is so since it came, and one that only speaks of it is not', () => {
  const suspended = text('  state: suspended\n');
  assert.equal(after('[]', suspended)?.suspendedAt, 1);
  assert.equal(after('[]', text('  ticket: suspended\n'))?.suspendedAt, null);
  assert.equal(after(text(), null, suspended)?.suspendedAt, 2);
  assert.equal(after(suspended, null, text('  ticket: suspended\n'))?.suspendedAt, null);
});

test('files outside Git tell nothing of since when a grant is suspended', async () => {
  const root = await mkdtemp(join(tmpdir(), 'grantgate-no-git-'));
  try {
    await mkdir(join(root, 'grants/access/orders'), { recursive: true });
    await writeFile(join(root, path), text('  state: suspended\n'));
    const history = createGrantHistory();
    const steps = await Array.fromAsync(readCommits(await workingTree(root), 100));
    for (const step of steps) history.step(step);
    assert.deepEqual(
      steps.map(({ commit, at, blind }) => ({ commit, at, blind })),
      [{ commit: null, at: 100, blind: true }],
    );
    assert.equal(history.end()('orders-one')?.suspendedAt, null);
  } finally {
    await rm(root, { recursive: true });
  }
});
