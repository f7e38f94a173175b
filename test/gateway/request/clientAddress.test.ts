import * as assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { createClientAddress, createNetworksOf } from '../../../gateway/request/clientAddress.ts';
import { suite } from '../../_suite.ts';

const test = suite('clientAddress');
const addressOf = createClientAddress(['10.0.0.0/8', 'fd00::/16']);
const from = (peer: string, forwarded?: string) =>
  addressOf({
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage);

test('takes the peer, and never reads what an untrusted one says', () => {
  assert.equal(from('203.0.113.9', '192.0.2.1'), '203.0.113.9');
  assert.equal(from('::ffff:203.0.113.9'), '203.0.113.9');
});

test('behind trusted proxies takes the nearest address that is none of theirs', () => {
  assert.equal(from('10.0.0.1', '192.0.2.1, 203.0.113.9, 10.0.0.2'), '203.0.113.9');
  assert.equal(from('fd00::1', '2001:db8::7'), '2001:db8::7');
  assert.equal(from('::ffff:10.0.0.1', '203.0.113.9'), '203.0.113.9');
  // The proxy itself asks.
  assert.equal(from('10.0.0.1'), '10.0.0.1');
});

test('understands ports behind addresses', () => {
  assert.equal(from('10.0.0.1', '203.0.113.9:4711'), '203.0.113.9');
  assert.equal(from('10.0.0.1', '[2001:db8::7]:4711'), '2001:db8::7');
  assert.equal(from('10.0.0.1', '[2001:db8::7]'), '2001:db8::7');
});

test('a caller that its proxy cannot name is in no network, least of all in the proxy’s', () => {
  const networksOf = createNetworksOf(new Map([['inside', ['10.0.0.0/8']]]));
  assert.deepEqual(networksOf(from('10.0.0.1')), ['inside']);
  for (const named of ['unknown', '_hidden', '', '203.0.113.9:x', '10.0.0.1 203.0.113.9', 'fe80::1%a']) {
    assert.deepEqual(networksOf(from('10.0.0.1', named)), [], named);
  }
});

test('an address with a zone, which could be of any length, is none', () => {
  assert.equal(from('10.0.0.1', `fe80::1%${'a'.repeat(10_000)}`), 'unknown');
  assert.equal(from('10.0.0.1', 'fe80::1'), 'fe80::1');
});
