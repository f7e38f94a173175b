import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { WebSocketServer } from 'ws';
import { createForwardable } from '../../gateway/upstream/headers.ts';
import { suite } from '../_suite.ts';
import { raw, startWorld, type World } from '../gateway/_gateway.ts';

const test = suite('security/headers');
const forwardable = createForwardable();
let world: World;
let token: string;
const upgraded: string[][] = [];

test.before(async () => {
  world = await startWorld();
  token = await world.issuer.token({
    sub: 'ann@example.com',
    amr: ['mfa'],
    exp: Math.floor(world.clock.now / 1000) + 86_400,
  });
  const sockets = new WebSocketServer({ server: world.upstream.server });
  sockets.on('connection', (socket, request) => {
    upgraded.push(request.rawHeaders);
    socket.close();
  });
});
test.after(() => world.close());

const mark = 'forged-by-client';
const ours = ['subject', 'groups', 'grants', 'decision', 'assertion', 'anything'].map(
  (n) => `x-grantgate-${n}`,
);
const believed = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-user',
  'x-forwarded-client-cert',
  'x-real-ip',
  'x-client-ip',
  'true-client-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-user',
  'x-user-id',
  'remote-user',
  'x-auth-request-email',
  'x-jwt-assertion',
];
const hops = ['keep-alive', 'proxy-authorization', 'proxy-connection', 'te', 'trailer'];
const credentials = ['x-api-key'];

/** A name in one of the spellings that some server takes for the same. */
const spelled = (name: fc.Arbitrary<string>, separators: string) =>
  fc.tuple(name, fc.nat(), fc.nat()).map(([text, cases, signs]) => {
    let [upper, sign] = [cases, signs];
    return [...text]
      .map((c) => {
        upper = (upper * 1_103_515_245 + 12_345) % 2 ** 31;
        sign = (sign * 1_103_515_245 + 12_345) % 2 ** 31;
        if (c === '-') return separators[(sign >>> 8) % separators.length] ?? '-';
        return (upper >>> 8) % 2 === 0 ? c : c.toUpperCase();
      })
      .join('');
  });
const lookAlike = spelled(fc.constantFrom(...ours, ...believed, ...credentials), '-_.');
const hop = spelled(fc.constantFrom(...hops), '-');
const harmless = spelled(
  fc.constantFrom('accept', 'x-request-id', 'content-language', 'x-shop', 'x-trace-me'),
  '-',
);

type Entry = [name: string, value: string];
/** Harmless headers, look-alikes (some twice), and what Connection nominates: some of either, and one that is there. */
const headerSet = fc
  .tuple(
    fc.array(fc.tuple(lookAlike, fc.constant(mark)), { maxLength: 5 }),
    fc.array(fc.tuple(hop, fc.constant(mark)), { maxLength: 2 }),
    fc.array(fc.tuple(harmless, fc.constantFrom('a', 'b')), { maxLength: 5 }),
    fc.array(fc.oneof(lookAlike, harmless, fc.constant('x-nominated')), { maxLength: 3 }),
    fc.boolean(),
    fc.nat(),
  )
  .map(([forged, hopping, plain, nominated, twice, seed]) => {
    const entries: Entry[] = [...forged, ...hopping, ...plain];
    if (twice && forged[0] !== undefined) entries.push([forged[0][0].toUpperCase(), mark]);
    if (nominated.includes('x-nominated')) entries.push(['X-Nominated', mark]);
    if (nominated.length > 0) entries.push(['Connection', nominated.join(seed % 2 === 0 ? ', ' : ',')]);
    // Any order: what nominates may come before or after what it nominates.
    let state = seed;
    for (let i = entries.length - 1; i > 0; i -= 1) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      const j = state % (i + 1);
      [entries[i], entries[j]] = [entries[j] as Entry, entries[i] as Entry];
    }
    const gone = new Set(nominated.map((name) => name.toLowerCase()));
    return { entries, kept: plain.filter(([name]) => !gone.has(name.toLowerCase())), nominated: gone };
  });

test('of 3000 generated header sets nothing forged survives, and nothing harmless is lost', () => {
  let sets = 0;
  fc.assert(
    fc.property(headerSet, ({ entries, kept }) => {
      sets += 1;
      const out = forwardable(entries.flat());
      const pairs: Entry[] = [];
      for (let i = 0; i < out.length; i += 2) pairs.push([out[i] ?? '', out[i + 1] ?? '']);
      if (pairs.some(([, value]) => value === mark)) assert.fail(`passed: ${JSON.stringify(pairs)}`);
      const sorted = (list: Entry[]) => list.map((pair) => pair.join(':')).sort();
      assert.deepEqual(sorted(pairs), sorted(kept));
    }),
    { numRuns: 3000, seed: 4 },
  );
  assert.equal(sets, 3000);
});

const lines = (entries: Entry[]) => entries.map(([name, value]) => `${name}: ${value}`);
const request = (extra: string[], entries: Entry[]) =>
  [...extra, 'Host: api.example.com', `Authorization: Bearer ${token}`, ...lines(entries), '', ''].join(
    '\r\n',
  );
const identity = (values: (name: string) => string[] | undefined) => {
  assert.deepEqual(values('x-grantgate-subject'), ['user:ann@example.com']);
  assert.deepEqual(values('x-grantgate-groups')?.length, 1);
  assert.deepEqual(values('x-grantgate-grants')?.length, 1);
  assert.deepEqual(values('x-grantgate-decision')?.length, 1);
  assert.match(values('x-grantgate-assertion')?.join() ?? '', /^[\w-]+\.[\w-]+\.[\w-]+$/);
};
/** What would be refused as a second credential or as ambiguous, before any header is passed on. */
const sendable = ({ entries }: { entries: Entry[] }) =>
  entries.every(([name]) => name.toLowerCase() !== 'x-api-key' && name.toLowerCase() !== 'te');

test('over sockets: of 50 sets the upstream sees one identity, ours, and nothing forged', async () => {
  const sets = fc.sample(headerSet, { numRuns: 80, seed: 5 }).filter(sendable).slice(0, 50);
  assert.equal(sets.length, 50);
  let served = 0;
  for (const { entries } of sets) {
    world.passed.ms += 1000;
    world.upstream.received.length = 0;
    const framing = served % 3 === 0 ? ['Transfer-Encoding: chunked'] : [];
    // Trailers are headers too, to some.
    const body = framing.length > 0 ? `1\r\nx\r\n0\r\nX-Grantgate-Subject: ${mark}\r\n\r\n` : '';
    const first = served % 3 === 0 ? 'POST /orders/v1/orders HTTP/1.1' : 'GET /orders/v1/orders HTTP/1.1';
    const text = await raw(world.gateway.url, `${request([first, ...framing], entries)}${body}`);
    assert.match(text, /^HTTP\/1\.1 200 /, `${text}\n${JSON.stringify(entries)}`);
    const [got] = world.upstream.received;
    assert.ok(got !== undefined);
    assert.ok(!JSON.stringify(got).includes(mark), JSON.stringify(got.headers));
    identity((name) => got.headers[name]);
    served += 1;
  }
  assert.equal(served, 50);
});

test('over WebSockets: of 40 sets the same', async () => {
  const handshake = [
    'GET /orders/v1/orders HTTP/1.1',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  const sets = fc.sample(headerSet, { numRuns: 200, seed: 6 }).filter(sendable).slice(0, 40);
  for (const { entries, nominated } of sets) {
    world.passed.ms += 1000;
    upgraded.length = 0;
    const others = entries.filter(([name]) => name !== 'Connection');
    const connection: Entry = ['Connection', ['Upgrade', ...nominated].join(', ')];
    const text = await raw(world.gateway.url, request(handshake, [...others, connection]));
    assert.match(text, /^HTTP\/1\.1 101 /, text);
    const got = upgraded[0] ?? [];
    assert.ok(!JSON.stringify(got).includes(mark), JSON.stringify(got));
    identity((name) =>
      got.flatMap((field, i) => (i % 2 === 0 && field.toLowerCase() === name ? [got[i + 1] ?? ''] : [])),
    );
    assert.equal(got.filter((field) => field.toLowerCase() === 'connection').length, 1);
  }
});
