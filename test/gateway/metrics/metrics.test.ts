import * as assert from 'node:assert/strict';
import { Counter, Histogram, Registry } from 'prom-client';
import { createCells } from '../../../gateway/metrics/cells.ts';
import { createCount, createMeasure } from '../../../gateway/metrics/meters.ts';
import { suite } from '../../_suite.ts';
import { startWorld } from '../_gateway.ts';

const test = suite('metrics');

const lines = async (registry: Registry) => (await registry.metrics()).split('\n').filter(Boolean).sort();

test('what is counted and measured here reads as if prom-client itself had done it', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const facts = { name: 'x_total', help: 'Help.' };
  const times = { name: 'x_seconds', help: 'Help.' };
  const bounds = [0.1, 1, 10];
  const count = createCount({ ...facts, labelNames: ['a', 'b'], registry: ours });
  const counter = new Counter({ ...facts, labelNames: ['a', 'b'], registers: [theirs] });
  const measure = createMeasure({ ...times, labelNames: ['a'], bounds, registry: ours });
  const histogram = new Histogram({ ...times, labelNames: ['a'], buckets: bounds, registers: [theirs] });
  for (const [a, b, value] of [
    ['one', 'x', 0.1],
    ['one', 'y', 0.1000001],
    ['two', 'x', 10],
    ['two', 'x', 11],
    ['"\n\\', '', 0],
  ] as const) {
    count(a, b);
    counter.inc({ a, b });
    measure(value, a);
    histogram.observe({ a }, value);
  }
  assert.deepEqual(await lines(ours), await lines(theirs));
  // A scrape must not count anything twice.
  assert.deepEqual(await lines(ours), await lines(theirs));
  const sorted = async (registry: Registry) =>
    (await registry.getMetricsAsJSON()).map(({ name, values, aggregator }) => ({
      ...{ name, aggregator },
      values: [...(values ?? [])]
        .map((value) => JSON.stringify(value, ['value', 'metricName', 'labels', 'a', 'b', 'le']))
        .sort(),
    }));
  assert.deepEqual(await sorted(ours), await sorted(theirs));
});

test('without labels there is a zero from the start, so that the first failure is an increase', async () => {
  const registry = new Registry();
  createCount({ name: 'x_total', help: 'Help.', registry });
  createMeasure({ name: 'x_seconds', help: 'Help.', bounds: [1], registry });
  const text = await registry.metrics();
  assert.match(text, /^x_total 0$/m);
  assert.match(text, /^x_seconds_count 0$/m);
});

test('up to the bound each combination has its own cell; what comes after shares one', () => {
  const cells = createCells(['a', 'b'], () => ({ count: 0 }), 2);
  cells.at('1', '1').count += 1;
  cells.at('1', '2').count += 1;
  for (let more = 3; more < 1000; more += 1) cells.at('1', String(more)).count += 1;
  cells.at('1', '2').count += 1;
  assert.deepEqual(
    [...cells.all()].map(({ labels, cell }) => ({ ...labels, ...cell })),
    [
      { a: '1', b: '1', count: 1 },
      { a: '1', b: '2', count: 2 },
      { a: 'other', b: 'other', count: 997 },
    ],
  );
});

test('a request, a reload and a stream each show in the metrics meant for them', async () => {
  const world = await startWorld();
  try {
    const value = async (series: string): Promise<number> => {
      const line = (await world.metrics()).split('\n').find((text) => text.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    };
    assert.equal((await world.get('/orders/v1/orders')).status, 200);
    assert.equal(await value('grantgate_decision_seconds_count'), 1);
    assert.ok((await value('grantgate_record_lag_seconds_count')) >= 1);
    assert.equal(await value('grantgate_upstream_seconds_count{api="orders"}'), 1);
    assert.equal(await value('grantgate_upstream_answers_total{api="orders",status="2xx"}'), 1);
    world.upstream.answer((_request, response) => response.writeHead(404).end());
    assert.equal((await world.get('/orders/v1/orders')).status, 404);
    assert.equal(await value('grantgate_upstream_answers_total{api="orders",status="4xx"}'), 1);
    assert.equal(await value('grantgate_upstream_answers_total{api="orders",status="2xx"}'), 1);
    // What we answer in an API's place is none of its answers.
    world.upstream.answer((request) => request.socket.destroy());
    assert.equal((await world.get('/orders/v1/orders')).status, 502);
    assert.equal(await value('grantgate_upstream_answers_total{api="orders",status="5xx"}'), 0);
    assert.match(await world.metrics(), /^grantgate_build_info\{version="\d+\.\d+\.\d+"\} 1$/m);
    assert.equal(await value('grantgate_record_failures_total'), 0);
    assert.equal(await value(`grantgate_jwks_fetches_total{issuer="${world.issuer.url}",result="ok"}`), 1);
    assert.equal(
      await value(`grantgate_jwks_fetched_timestamp_seconds{issuer="${world.issuer.url}"}`),
      world.clock.now / 1000,
    );
    assert.ok((await value('grantgate_bundle_pause_seconds_count')) >= 1);
    const looks = await value('grantgate_bundle_look_seconds_count');
    const before = await value('grantgate_bundle_number');
    world.clock.now += 5000;
    await world.push({ 'grants/networks.yaml': 'office: [127.0.0.0/8]\n' });
    assert.equal(await value('grantgate_bundle_number'), before + 1);
    assert.ok((await value('grantgate_bundle_look_seconds_count')) > looks);
    assert.equal(await value('grantgate_bundle_checked_timestamp_seconds'), world.clock.now / 1000);

    world.upstream.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    const response = await world.get('/orders/v1/orders');
    const reader = response.body?.getReader();
    await reader?.read();
    assert.equal(await value('grantgate_open_requests'), 1);
    const closed = 'grantgate_streams_closed_total{reason="revoked"}';
    assert.equal(await value(closed), 0);
    await world.push({ 'grants/access/orders/billing.yaml': null, 'grants/review.yaml': null });
    await assert.rejects(async () => reader?.read());
    assert.equal(await value(closed), 1);
    assert.equal(await value('grantgate_open_requests'), 0);
  } finally {
    await world.close();
  }
});
