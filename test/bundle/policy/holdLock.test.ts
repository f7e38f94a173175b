import * as assert from 'node:assert/strict';
import { join } from 'node:path';
import { holdLock } from '../../../bundle/policy/holdLock.ts';
import { suite } from '../../_suite.ts';
import { folder } from '../_opa.ts';

const test = suite('holdLock');

test('a lock that can never be held is an error, and not waited for', async () => {
  const work = await folder();
  try {
    const waited = () => assert.fail('waits for nobody');
    const release = await holdLock(join(work.path, 'lock'), waited);
    await release();
    await assert.rejects(holdLock(join(work.path, 'not-there', 'lock'), waited), { code: 'ENOENT' });
  } finally {
    await work.remove();
  }
});
