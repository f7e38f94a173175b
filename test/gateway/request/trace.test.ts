import * as assert from 'node:assert/strict';
import { traceOf } from '../../../gateway/request/trace.ts';
import { suite } from '../../_suite.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('trace');

const id = '0af7651916cd43dd8448eb211c80319c';
const parent = `00-${id}-b7ad6b7169203331-01`;

const passes = (...raw: string[]) => {
  const trace = traceOf(raw);
  return ['traceparent', 'tracestate'].filter(
    (name) => raw.some((text) => text.toLowerCase() === name) && !trace?.malformed.has(name),
  );
};

test('a request without trace headers has no trace', () => {
  assert.equal(traceOf(['Host', 'x', 'Accept', parent]), null);
  // As long as the names of the two.
  assert.equal(traceOf(['X-Elevenchr', parent, 'X-Tenchars', 'a=1']), null);
});

test('takes the id of a well-formed parent, and of none that breaks a rule', () => {
  for (const good of [
    parent,
    `00-${id}-b7ad6b7169203331-00`,
    `cc-${id}-b7ad6b7169203331-01`,
    `cc-${id}-b7ad6b7169203331-01-more`,
  ])
    assert.deepEqual(
      [traceOf(['TraceParent', good])?.id, passes('traceparent', good)],
      [id, ['traceparent']],
      good,
    );
  for (const bad of [
    '',
    parent.slice(0, -1),
    `${parent}0`,
    `${parent}-more`,
    `cc-${id}-b7ad6b7169203331-01.more`,
    parent.replace('0af7', '0AF7'),
    parent.replace('00-', 'ff-'),
    parent.replace('00-', '0-'),
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${id}-${'0'.repeat(16)}-01`,
    parent.replaceAll('-', '_'),
    ` ${parent}`,
    `${parent}, ${parent}`,
    `00-${id}-b7ad6b716920333g-01`,
  ])
    assert.deepEqual([traceOf(['traceparent', bad])?.id, passes('traceparent', bad)], [null, []], bad);
  assert.deepEqual(passes('traceparent', parent, 'Traceparent', parent), [], 'two parents are none');
});

test('a state goes with its parent, and stays behind when it is malformed', () => {
  for (const good of [
    '',
    'congo=t61rcWkgMzE',
    'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    'a=1, b=2 ,\tc=3',
    't0@v=1',
    'a= b',
    `a=${'x'.repeat(256)}`,
  ])
    assert.deepEqual(passes('traceparent', parent, 'tracestate', good), ['traceparent', 'tracestate'], good);
  for (const bad of [
    'a',
    '=1',
    'A=1',
    'a=1=2',
    'a=',
    'a=1,a=2',
    'a=\u00e4',
    `a=${'x'.repeat(257)}`,
    `${'a'.repeat(257)}=1`,
    '1a=1',
  ])
    assert.deepEqual(passes('traceparent', parent, 'tracestate', bad), ['traceparent'], bad);
  const many = (count: number) => Array.from({ length: count }, (_, at) => `k${at}=1`).join(',');
  assert.deepEqual(passes('traceparent', parent, 'tracestate', many(32)), ['traceparent', 'tracestate']);
  assert.deepEqual(passes('traceparent', parent, 'tracestate', many(33)), ['traceparent']);
  assert.deepEqual(passes('traceparent', parent, 'tracestate', 'a=1', 'tracestate', 'b=1'), [
    'traceparent',
    'tracestate',
  ]);
  assert.deepEqual(passes('traceparent', parent, 'tracestate', 'a=1', 'tracestate', 'a=1'), ['traceparent']);
  assert.deepEqual(passes('tracestate', 'a=1'), []);
  assert.deepEqual(passes('traceparent', parent, 'TraceState', 'A=1'), ['traceparent'], 'in any spelling');
});

let world: World;
test.before(async () => {
  world = await startWorld();
});
test.after(() => world.close());

const ask = async (headers: Record<string, string>) => {
  await world.get('/orders/v1/orders', { headers });
  return { record: (await world.records()).at(-1), received: world.upstream.received.at(-1)?.headers ?? {} };
};

test('a valid trace reaches upstream and record as it came, a malformed one neither', async () => {
  const good = await ask({ traceparent: parent, tracestate: 'congo=1' });
  assert.equal(good.record?.trace_id, id);
  assert.deepEqual([good.received.traceparent, good.received.tracestate], [[parent], ['congo=1']]);
  const bad = await ask({ traceparent: `${parent}!`, tracestate: 'congo=1', 'x-other': 'stays' });
  assert.equal(Object.hasOwn(bad.record ?? {}, 'trace_id'), false);
  assert.deepEqual([bad.received.traceparent, bad.received.tracestate], [undefined, undefined]);
  assert.deepEqual(bad.received['x-other'], ['stays']);
});

test('a denial carries its trace too; a request without one has no such field', async () => {
  const denied = await world.get('/orders/v1/orders', {
    as: 'nobody@example.com',
    headers: { traceparent: parent },
  });
  assert.equal(denied.status, 403);
  assert.equal((await world.records()).at(-1)?.trace_id, id);
  const { record } = await ask({});
  assert.equal(Object.hasOwn(record ?? {}, 'trace_id'), false);
});
