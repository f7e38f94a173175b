import * as assert from 'node:assert/strict';
import { isInternet } from '../../../bundle/format/isInternet.ts';
import { createNetworksOf } from '../../../gateway/request/clientAddress.ts';
import { suite } from '../../_suite.ts';

const test = suite('isInternet');

const everybody = [
  ['0.0.0.0/0'],
  ['::/0'],
  ['0.0.0.0/1', '128.0.0.0/1'],
  ['0.0.0.0/1', '200.0.0.0/8'],
  ['192.0.2.1/0'],
  // IPv4, written as IPv6.
  ['::ffff:0:0/96'],
  ['::ffff:0.0.0.0/96'],
  ['::ffff:0:0/97', '::ffff:128.0.0.0/97'],
  ['0.0.0.0/1', '::ffff:128.0.0.0/97'],
  ['::/64'],
  ['::/1'],
  ['::ffff:0:0/80', '192.0.2.0/24'],
];
const some = [
  ['0.0.0.0/1'],
  ['8000::/1'],
  ['192.0.2.0/24', '2001:db8::/32'],
  ['10.0.0.0/8', '10.0.0.0/7', '0.0.0.0/1'],
  ['::ffff:192.0.2.0/120'],
  ['::ffff:0:0/97', '0.0.0.0/1'],
  ['::/128', '::1/128'],
  ['64:ff9b::/96'],
];

test('is what holds most addresses of a family, however they are written', () => {
  for (const blocks of everybody) assert.equal(isInternet(blocks), true, blocks.join());
  for (const blocks of some) assert.equal(isInternet(blocks), false, blocks.join());
});

test('counts an address where callers are looked up as in one', () => {
  const isIn = (blocks: readonly string[], address: string) =>
    createNetworksOf(new Map([['here', blocks]]))(address).length > 0;
  const spread = Array.from({ length: 256 }, (_, at) => `${at}.7.7.7`);
  const first = (blocks: readonly string[]) => spread.filter((address) => isIn(blocks, address)).length;
  for (const blocks of everybody.filter((all) => all.join() !== '::/0'))
    assert.ok(first(blocks) > 128, blocks.join());
  for (const blocks of some) assert.ok(first(blocks) <= 128, blocks.join());
});
