import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { canonicalize } from '../../../gateway/request/canonicalize.ts';
import { suite } from '../../_suite.ts';

const test = suite('canonicalize');
const host = ['Host', 'api.example.com'];
const path = (target: string) => canonicalize('GET', target, host).path;
const refused = (target: string) => {
  try {
    canonicalize('GET', target, host);
  } catch (error) {
    if (error instanceof Refusal) return error.status;
    throw error;
  }
  return null;
};

test('keeps a plain path and its query byte for byte', () => {
  const request = canonicalize('GET', '/orders/v1/orders/a-1?limit=2&cursor=%2F..%2F', host);
  assert.deepEqual(request, {
    method: 'GET',
    host: 'api.example.com',
    path: '/orders/v1/orders/a-1',
    query: '?limit=2&cursor=%2F..%2F',
  });
});

test('gives every spelling of a path one form', () => {
  assert.equal(path('/or%64ers/%e2%82%ac'), '/orders/%E2%82%AC');
  assert.equal(path('/a%7Eb'), '/a~b');
  assert.equal(path('/full%ef%bc%8fwidth'), '/full%EF%BC%8Fwidth');
  assert.equal(path('/v1/.well-known/x'), '/v1/.well-known/x');
  assert.equal(path('/v1/...'), '/v1/...');
  assert.equal(path('/files/a%2fb%2F...%2fc'), '/files/a%2Fb%2F...%2Fc');
  assert.equal(path('/'), '/');
});

const hostile = [
  '/public/../admin',
  '/public/./admin',
  '/public/%2e%2e/admin',
  '/public/.%2E/admin',
  '/public/%2E./admin',
  '/public/%2e',
  '/public/..',
  '/public\\..\\admin',
  '/public%5cadmin',
  '//admin',
  '///admin',
  '/a//b',
  '/admin;x=1',
  '/public/..;/admin',
  '/.;/admin',
  '/admin%3bx',
  '/a%',
  '/a%z',
  '/a%zz',
  '/a%2',
  '/%2fa',
  '/a%2F',
  '/a%2F/b',
  '/a%2F%2fb',
  '/a%2f..%2Fb',
  '/a%2F.%2Fb',
  '/..%2Fa',
  '/a%2F%2e%2E',
  '/a%2F%2e',
  '/a%25%32%46b',
  '/a%25%32%65b',
  '/a%252%46b',
  '/a%25%35%63b',
  '/a%00b',
  '/a%0ab',
  '/a%7f',
  '/a%252e%252e/b',
  '/a%252fb',
  '/a%25252e',
  '/a%252E%252E/b',
  '/a%252E%252e/b',
  '/a%252F..%252Fb',
  '/a%255C',
  '/a%255c',
  '/a%253B',
  '/a%253b',
  '/a%2500',
  '/a%250A',
  '/a%257F',
  '/a%2523',
  '/a%253F',
  '/a%2525',
  '/%41'.repeat(257),
  `${'/a'.repeat(256)}/%41`,
  `/${'%41'.repeat(1025)}`,
  '/%c0%ae%c0%ae/admin',
  '/%ff',
  '/%ed%a0%80',
  '/public#/../admin',
  '/public?x#y',
  '/a b',
  '/a"b',
  '/caf\u00e9',
  '/a|b',
  'admin',
  '*',
  'http://',
  'http://api.example.com:99999/a',
  'http://api.example.com:x/a',
  'http://user@api.example.com/a',
  'http://other.example.com/a',
  'http://api.example.com:8081/a',
  'ftp://api.example.com/a',
];
for (const target of hostile) {
  test(`refuses ${JSON.stringify(target)} with 400`, () => {
    assert.equal(refused(target), 400);
  });
}

test('takes the absolute form when it names the same host', () => {
  const request = canonicalize('GET', 'http://API.example.com:8080/v1/x?y=1', [
    'Host',
    'api.example.com:8080',
  ]);
  assert.equal(request.path, '/v1/x');
  assert.equal(request.query, '?y=1');
  const plain = ['Host', 'api.example.com'];
  assert.equal(canonicalize('GET', 'http://api.example.com', plain).path, '/');
  assert.equal(canonicalize('GET', 'http://api.example.com:80', plain).path, '/');
  assert.equal(canonicalize('GET', 'https://api.example.com:0443/', plain).path, '/');
  assert.throws(() => canonicalize('GET', 'http://api.example.com:443/', plain), /disagree/);
  assert.throws(() => canonicalize('GET', 'https://api.example.com:80/', plain), /disagree/);
});

test('takes a path of many segments and escapes, up to a bound', () => {
  assert.equal(canonicalize('GET', '/%41'.repeat(256), host).path, '/A'.repeat(256));
  assert.equal(canonicalize('GET', `/${'%41'.repeat(1024)}`, host).path, `/${'A'.repeat(1024)}`);
  assert.equal(canonicalize('GET', '/a'.repeat(4000), host).path.length, 8000);
  assert.equal(canonicalize('GET', '/100%25/a%25zz', host).path, '/100%25/a%25zz');
});

test('brings Host into one form, and refuses two, none and malformed ones', () => {
  const hostOf = (...raw: string[]) => canonicalize('GET', '/', raw).host;
  assert.equal(hostOf('HOST', 'API.Example.com.:8443'), 'api.example.com');
  assert.equal(hostOf('host', '127.0.0.1:80'), '127.0.0.1');
  assert.equal(hostOf('host', '[::1]:80'), '[::1]');
  for (const raw of [
    [],
    ['host', 'a.example', 'Host', 'a.example'],
    ['host', ''],
    ['host', 'user@a.example'],
    ['host', 'a.example:'],
    ['host', 'a.example:80:80'],
    ['host', 'a.example:70000'],
    ['host', 'a..example'],
    ['host', 'a/b'],
    ['host', 'a.example, b.example'],
  ]) {
    assert.throws(
      () => hostOf(...raw),
      (error) => error instanceof Refusal && error.status === 400,
      raw.join(),
    );
  }
});

test('refuses methods that are not served with 405', () => {
  for (const method of ['CONNECT', 'TRACE', 'TRACK', 'get', 'PROPFIND', '']) {
    assert.throws(
      () => canonicalize(method, '/', host),
      (error) => error instanceof Refusal && error.status === 405,
    );
  }
});

test('refuses a target past 8 KiB with 414', () => {
  assert.equal(refused(`/${'a'.repeat(8191)}`), null);
  assert.equal(refused(`/${'a'.repeat(8192)}`), 414);
});

test('whatever is accepted is its own canonical form and holds nothing two parsers could read differently', () => {
  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    '%5c',
    '\\',
    ';',
    'a',
    'B',
    '%41',
    '%25',
    '2e',
    '%32',
    '%46',
    '%65',
    'F',
    '%e2%82%ac',
    '?',
    '#',
    '%',
    ' ',
    ':',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const target = `/${pieces.join('')}`;
      if (refused(target) !== null) return;
      const canonical = path(target);
      assert.equal(path(canonical), canonical);
      assert.ok(!/\/\/|\\|;|%252[35ef]|%5c|%00|(?:^|\/)\.{1,2}(?:\/|$)/i.test(canonical), canonical);
      // Whoever takes an encoded slash for one finds nothing else than whoever does not.
      assert.ok(!/\/\/|(?:^|\/)\.{1,2}(?:\/|$)|%2f$/i.test(canonical.replaceAll('%2F', '/')), canonical);
      // A generic URL parser reads the same path: nothing is left for it to normalise.
      assert.equal(new URL(canonical, 'http://a.example').pathname, canonical);
    }),
    { numRuns: 6000, seed: 7 },
  );
});

test('the port of a Host is a port', () => {
  const hostOf = (host: string) => canonicalize('GET', '/', ['Host', host]).host;
  for (const port of ['1', '80', '65535']) assert.equal(hostOf(`a:${port}`), 'a');
  assert.throws(
    () => hostOf(`${'a.'.repeat(130)}ab`),
    { code: 'host-malformed' },
    'longer than a name may be',
  );
  for (const port of ['', '65536', '99999', '-1', '8o'])
    assert.throws(() => hostOf(`a:${port}`), { code: 'host-malformed' }, port);
});
