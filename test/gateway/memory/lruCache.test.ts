import * as assert from 'node:assert/strict';
import { lruCache, MiB } from '../../../gateway/memory/lruCache.ts';
import { suite } from '../../_suite.ts';

const test = suite('lruCache');

test('keys count by their length, so that few long ones push out what many short ones would', () => {
  const [short, long] = [lruCache<true>(MiB), lruCache<true>(MiB)];
  for (let at = 0; at < 20_000; at += 1) short.set(`k${at}`, true);
  for (let at = 0; at < 1000; at += 1) long.set(`${at} ${'x'.repeat(10_000)}`, true);
  assert.ok(short.size > 5000, String(short.size));
  assert.ok(long.size > 10 && long.size < 53, String(long.size));
});

test('values count as they are reckoned; who is too large for all of it is not kept, and who came last is', () => {
  const cache = lruCache<{ bytes: number }>(MiB, ({ bytes }) => bytes);
  for (let at = 0; at < 100; at += 1) cache.set(`k${at}`, { bytes: 100_000 });
  cache.set('large', { bytes: 2 * MiB });
  assert.ok(cache.size > 5 && cache.size <= 10);
  assert.ok(cache.has('k99') && !cache.has('k0') && !cache.has('large'));
});
