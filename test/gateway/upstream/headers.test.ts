import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { createForwardable, respondable } from '../../../gateway/upstream/headers.ts';
import { suite } from '../../_suite.ts';

const test = suite('headers');
const forwardable = createForwardable();

test('a header whose name is as long as that of WebSocket protocols is passed on as it is', () => {
  const value = 'bearer, eyJhbGciOiJub25lIn0.e30.x';
  const raw = ['X-Example-Header-22-Ch', value];
  assert.equal(raw[0]?.length, 22);
  assert.deepEqual(forwardable(raw), raw);
  const protocols = 'Sec-WebSocket-Protocol';
  assert.deepEqual(forwardable([protocols, value]), [protocols, 'bearer']);
});

test('passes what belongs to the application, in its order and spelling', () => {
  const raw = [
    'Accept',
    '*/*',
    'Cookie',
    'a=1',
    'X-Request-Id',
    '7',
    'X-Auth-Token',
    'app',
    'Accept',
    'text/html',
  ];
  assert.deepEqual(forwardable(raw), raw);
});

const dropped = [
  'X-Grantgate-Subject',
  'x_grantgate_subject',
  'X.Grantgate.Subject',
  'x-grantgate_Assertion',
  'X-User',
  'X_User',
  'x-user-id',
  'Remote-User',
  'remote_user',
  'X-Forwarded-For',
  'x_forwarded_for',
  'X-Forwarded-User',
  'X-Forwarded-Client-Cert',
  'Forwarded',
  'X-Real-IP',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-HTTP-Method-Override',
  'X-Method-Override',
  'X-Auth-Request-Email',
  'Authorization',
  'Proxy-Authorization',
  'X-API-Key',
  'x_api_key',
  'Host',
  'Expect',
  'TE',
  'Trailer',
  'Upgrade',
  'Keep-Alive',
  'Transfer-Encoding',
  'Content-Length',
];
for (const name of dropped) {
  test(`drops ${name} from a client`, () => {
    assert.deepEqual(forwardable([name, 'admin', 'accept', '*/*']), ['accept', '*/*']);
  });
}

test('drops what Connection nominates, and Connection itself', () => {
  const raw = ['Connection', 'close, X-Secret', 'x-secret', '1', 'X-Other', '2', 'Keep-Alive', 'timeout=5'];
  assert.deepEqual(forwardable(raw), ['X-Other', '2']);
  // As long as its name.
  const other = ['User-Agent', 'accept', 'accept', '*/*'];
  assert.deepEqual(forwardable(other), other);
});

test('no spelling of our own or of forwarding headers survives', () => {
  const name = fc
    .tuple(
      fc.constantFrom('x-grantgate-subject', 'x-grantgate-groups', 'x-forwarded-for', 'x-user', 'x-real-ip'),
      fc.infiniteStream(fc.nat(5)),
    )
    .map(([base, choices]) => {
      const next = () => choices.next().value ?? 0;
      return [...base]
        .map((c) => (c === '-' ? ['-', '_', '.'][next() % 3] : next() % 2 ? c.toUpperCase() : c))
        .join('');
    });
  fc.assert(
    fc.property(name, (spelled) => {
      assert.deepEqual(forwardable([spelled, 'x']), []);
    }),
    { numRuns: 2000, seed: 3 },
  );
});

test('keeps hop-by-hop headers of an upstream from the client', () => {
  const headers = {
    connection: 'close, x-hop',
    'x-hop': '1',
    'keep-alive': 'timeout=1',
    'set-cookie': ['a=1', 'b=2'],
    etag: 'x',
  };
  assert.deepEqual(respondable(headers, []), ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'etag', 'x']);
});
