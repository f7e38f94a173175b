import * as assert from 'node:assert/strict';
import { createKeySet, KeySetError } from '../../../gateway/identity/keySet.ts';
import { suite } from '../../_suite.ts';
import { type Issuer, startIssuer } from '../_issuer.ts';

const test = suite('keySet');
let clock = 0;
const now = () => clock;
let issuer: Issuer;
test.before(async () => {
  issuer = await startIssuer({ now });
});
test.after(() => issuer.close());
test.before.each(() => {
  issuer.fault('none');
  issuer.fetches.jwks = 0;
});

const bounds = { max_age: 100_000, stale: 50_000, cooldown: 30_000 };
const open = () => createKeySet({ issuer: issuer.url, jwksUri: `${issuer.url}/jwks`, ...bounds, now });
/** A fetch beside callers has been answered by then. */
const fetched = async (times: number) => {
  for (const end = Date.now() + 10_000; issuer.fetches.jwks < times; ) {
    assert.ok(Date.now() < end);
    await new Promise((done) => setTimeout(done, 5));
  }
  await new Promise((done) => setTimeout(done, 20));
  assert.equal(issuer.fetches.jwks, times);
};

test('keys are fetched anew once in the pause, and told to have changed only when they have', async () => {
  const keys = open();
  assert.equal(keys.generation(), null);
  assert.deepEqual([await keys.renew(), await keys.renew(), issuer.fetches.jwks], [true, false, 1]);
  assert.equal(keys.generation(), 1);
  clock += 30_000;
  assert.deepEqual([await keys.renew(), issuer.fetches.jwks], [false, 1], 'in the pause');
  clock += 1;
  assert.deepEqual([await keys.renew(), issuer.fetches.jwks, keys.generation()], [false, 2, 1], 'the same');
  await issuer.rotate();
  clock += 30_001;
  assert.deepEqual([await keys.renew(), issuer.fetches.jwks, keys.generation()], [true, 3, 2]);
});

test('after a failure nobody asks for five seconds', async () => {
  const keys = open();
  issuer.fault('down');
  assert.deepEqual([await keys.renew(), issuer.fetches.jwks], [false, 1]);
  clock += 5000;
  assert.deepEqual([await keys.renew(), issuer.fetches.jwks], [false, 1]);
  issuer.fault('none');
  clock += 1;
  assert.deepEqual([await keys.renew(), issuer.fetches.jwks], [true, 2]);
});

test('keys count for their age, some longer while newer ones cannot be had, and then no more', async () => {
  const keys = open();
  await keys.renew();
  issuer.fault('down');
  const known = (after: number) => [keys.current(), keys.generation(), after];
  const first = keys.generation();
  clock += 80_000;
  assert.deepEqual([known(0), issuer.fetches.jwks], [[first, first, 0], 1], 'nobody asks before four fifths');
  clock += 1;
  assert.equal(keys.generation(), first);
  await fetched(2);
  clock += 19_999;
  assert.equal(keys.current(), first);
  await fetched(3);
  clock += 1;
  assert.deepEqual([keys.current(), keys.generation()], [null, first]);
  clock += 49_999;
  assert.equal(keys.generation(), first);
  await fetched(4);
  clock += 1;
  assert.equal(keys.generation(), null);
  await assert.rejects(keys.key({ alg: 'RS256', kid: 'x' }, { payload: '', signature: '' }), KeySetError);
});

test('a clock that was set back makes keys old, not young', async () => {
  const keys = open();
  await keys.renew();
  clock -= 150_001;
  assert.equal(keys.generation(), null);
});
