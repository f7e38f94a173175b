import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { suite } from '../_suite.ts';
import { raw, startWorld, type World } from './_gateway.ts';

// The facts and the policy that docs/policy.md shows, behind a proxy at 127.0.0.1; 127.0.0.2 is anybody.
const test = suite('facts of requests at a gateway');

let world: World;
let token = '';
test.before(async () => {
  const page = await readFile(new URL('../../docs/policy.md', import.meta.url), 'utf8');
  const [decision = '', places = ''] = [...page.matchAll(/```rego\n([\s\S]*?)```/g)].map(
    ([, text = '']) => text,
  );
  const [, facts = ''] = /```yaml\n# grants\/apis\/orders\.yaml\n([\s\S]*?)```/.exec(page) ?? [];
  world = await startWorld({
    config: {
      trusted_proxies: ['127.0.0.1/32'],
      decision_point: { listen: { port: 0 }, forward_auth: { trusted_proxies: ['127.0.0.1/32'] } },
    },
  });
  const orders = await readFile(join(world.tree.root, 'grants/apis/orders.yaml'), 'utf8');
  await world.push({
    'grants/apis/orders.yaml': orders.replace(/tier: .*/, 'tier: critical').concat(facts),
    'policies/authz/decision.rego': decision,
    'policies/authz/places.rego': places,
  });
  token = await world.issuer.token({ sub: 'ann@example.com', device: { trust: 'managed' } });
});
test.after(() => world.close());

type Sent = { method?: string; from?: string; headers?: Record<string, string | string[]>; as?: string };
const good = { 'x-geo-country': 'DE', 'x-risk-score': '10' };

/** The status and, where it is none of the API's, the code of an answer. */
function send({ method = 'GET', from = '127.0.0.1', headers = good, as = token }: Sent): Promise<string> {
  return new Promise((done, fail) => {
    const sent = request(
      `${world.gateway.url}/orders/v1/orders/o-1`,
      { method, localAddress: from, headers: { authorization: `Bearer ${as}`, ...headers } },
      async (response) => {
        let body = '';
        for await (const chunk of response) body += String(chunk);
        done(`${response.statusCode} ${/"code":"([^"]*)"/.exec(body)?.[1] ?? 'ok'}`);
      },
    );
    sent.on('error', fail).end();
  });
}

test('a country that the proxy says counts, and one that the caller says does not', async () => {
  assert.equal(await send({}), '200 ok');
  assert.equal(await send({ headers: { ...good, 'x-geo-country': 'KP' } }), '403 country-embargoed');
  assert.equal(await send({ headers: { ...good, 'x-risk-score': '71' } }), '403 risk-too-high');
  assert.equal(await send({}), '200 ok', 'what was remembered of one is not told another');
  assert.equal(await send({ from: '127.0.0.2' }), '403 risk-too-high', 'without a proxy there is no score');
});

test('what two could read in two ways is denied', async () => {
  for (const headers of [
    { ...good, 'x-geo-country': ['DE', 'KP'] },
    { ...good, 'x-geo-country': ['DE', 'DE'] },
    { ...good, 'x-geo-country': 'DE,KP' },
    { ...good, 'x-geo-country': 'DEU' },
    { ...good, 'x-risk-score': '1e1' },
    { ...good, 'x-risk-score': '+10' },
    { ...good, 'x-risk-score': '9007199254740993' },
  ])
    assert.equal(await send({ headers }), '403 fact-malformed', JSON.stringify(headers));
  const other = await world.issuer.token({ sub: 'ann@example.com', device: { trust: 'stolen' } });
  assert.equal(await send({ as: other }), '403 fact-malformed');
  const unmanaged = await world.issuer.token({ sub: 'ann@example.com', device: { trust: 'known' } });
  assert.equal(await send({ as: unmanaged }), '403 device-unmanaged');
  const support = await world.issuer.token({ sub: 'ann@example.com', roles: ['a', 'support'] });
  assert.equal(await send({ as: support }), '200 ok');
});

test('no spelling smuggles a header in', async () => {
  const head = `GET /orders/v1/orders/o-1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n`;
  for (const [lines, answer] of [
    ['X-Risk-Score: 10\r\n', /^HTTP\/1\.1 200 /],
    ['X-Risk-Score:10\r\nX-Geo-Country: KP\r\n', /country-embargoed/],
    ['X-Risk-Score: 10\r\nX_Geo_Country: KP\r\n', /fact-malformed/],
    ['X_Risk_Score: 10\r\n', /fact-malformed/],
    ['X-Risk-Score: 10\r\nConnection: X-Risk-Score\r\n', /fact-malformed/],
    ['X-Risk-Score: 90\r\nX-Risk-Score: 10\r\n', /fact-malformed/],
    ['X-Risk-Score: 90\r\nX-RISK-SCORE: 10\r\n', /fact-malformed/],
    ['X-Risk-Score: 90, 10\r\n', /fact-malformed/],
    ['X-Risk-Score: 90\r\n\t10\r\n', /^HTTP\/1\.1 400 /],
    ['X-Risk-Score : 10\r\n', /^HTTP\/1\.1 400 /],
    ['X-Risk-Score: 1\u00000\r\n', /^HTTP\/1\.1 400 /],
  ] as const)
    assert.match(await raw(world.gateway.url, `${head}${lines}\r\n`), answer, JSON.stringify(lines));
});

test('what a proxy adds behind thousands of headers is read, here and where proxies ask', async () => {
  const many = `${'a:\r\n'.repeat(2500)}X-Risk-Score: 10\r\nX-Geo-Country: KP\r\n\r\n`;
  const head = `Host: a\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n`;
  const target = '/orders/v1/orders/o-1';
  const asked = `X-Original-Method: GET\r\nX-Original-Uri: ${target}\r\nX-Original-Host: a\r\n`;
  const hops = 'X-Forwarded-For: 192.0.2.7\r\n';
  assert.match(await raw(world.gateway.url, `GET ${target} HTTP/1.1\r\n${head}${many}`), /country-embargoed/);
  const point = world.gateway.decisionPoint ?? '';
  const ask = (rest: string) => raw(point, `GET /authorize HTTP/1.1\r\n${head}${asked}${rest}`);
  assert.match(await ask(hops + many), /country-embargoed/);
  assert.match(await ask(`${hops}X-Risk-Score: 10\r\n\r\n`), /^HTTP\/1\.1 200 /);
  assert.match(await ask(`X-Risk-Score: 10\r\n${'a:\r\n'.repeat(2500)}${hops}\r\n`), /^HTTP\/1\.1 200 /);
  assert.match(await ask(`${hops}X-Risk-Score: 90\r\nX-Risk-Score: 10\r\n\r\n`), /fact-malformed/);
});

test('what only a proxy may say does not reach the API from anybody else, in any spelling', async () => {
  const reached = () => world.upstream.received.at(-1)?.headers ?? {};
  await send({});
  assert.deepEqual(reached()['x-geo-country'], ['DE']);
  const { tree } = world;
  const before = await readFile(join(tree.root, 'grants/apis/orders.yaml'), 'utf8');
  await world.push({ 'grants/apis/orders.yaml': before.replace('tier: critical', 'tier: low') });
  const headers = { ...good, x_geo_country: 'KP', 'x.risk.score': '1', 'x-other': 'y' };
  assert.equal(await send({ from: '127.0.0.2', headers }), '200 ok');
  for (const name of ['x-geo-country', 'x_geo_country', 'x-risk-score', 'x.risk.score'])
    assert.equal(reached()[name], undefined, name);
  assert.deepEqual(reached()['x-other'], ['y']);
});

test('a policy that reads a fact which no API names makes no bundle, and the last good one stays', async () => {
  const path = 'policies/authz/places.rego';
  const places = await readFile(join(world.tree.root, path), 'utf8');
  const status = await world.push({
    [path]: places.replace('input.facts.country in', 'input.facts.contry in'),
  });
  assert.match(JSON.stringify(status), /places\.rego:8:\d+: denials: no API names a fact contry .*country/);
  assert.equal(await send({ headers: { ...good, 'x-geo-country': 'KP' } }), '403 country-embargoed');
});

test('open answers are decided again by their own facts, also where these are keys of data', async () => {
  const open = (place: string) =>
    new Promise<{ ended: Promise<string> }>((done, fail) => {
      const headers = { authorization: `Bearer ${token}`, ...good, 'x-geo-country': place };
      const url = `${world.gateway.url}/orders/v1/orders/o-1`;
      request(url, { localAddress: '127.0.0.1', headers }, (response) => {
        response.once('data', () =>
          done({
            ended: new Promise((over) =>
              response
                .on('error', () => over(place))
                .on('end', () => over(place))
                .resume(),
            ),
          }),
        );
      })
        .on('error', fail)
        .end();
    });
  const waiting: ServerResponse[] = [];
  world.upstream.answer((_, response) => {
    waiting.push(response);
    response.write('something');
  });
  const [german, french] = await Promise.all([open('DE'), open('FR')]);
  const path = 'policies/authz/places.rego';
  const places = (await readFile(join(world.tree.root, path), 'utf8')).replace('contry', 'country');
  const status = await world.push({
    'data/places.schema.json':
      '{"additionalProperties": { "properties": { "refused": { "type": "boolean" } } }}',
    'data/places.yaml': 'FR: { refused: true }\nDE: { refused: false }\n',
    [path]: `${places}\ndenials contains "place-refused" if data.documents.places[input.facts.country].refused\n`,
  });
  assert.doesNotMatch(JSON.stringify(status), /"code"/);
  assert.equal(await Promise.race([german.ended, french.ended]), 'FR');
  const [closed] = await world.closings();
  assert.equal(closed?.reason, 'revoked');
  world.upstream.answer(null);
  for (const response of waiting) response.end();
  await german.ended;
  assert.equal(await send({ headers: { ...good, 'x-geo-country': 'FR' } }), '403 place-refused');
  assert.equal(await send({}), '200 ok');
});

test('records hold what the API lets them', async () => {
  const records = (await world.records()).filter(({ status }) => status !== 404);
  const told = records.map(({ input }) => input.facts ?? {});
  assert.ok(told.some(({ country, risk }) => country === 'DE' && risk === 10));
  assert.ok(
    told.some(({ country }) => country === null),
    'a country that nobody said is told as none',
  );
  for (const facts of told) {
    assert.deepEqual(
      Object.entries(facts).filter(
        ([name, one]) =>
          !['country', 'risk', 'order'].includes(name) && !JSON.stringify(one).includes('malformed'),
      ),
      [],
    );
    assert.match(JSON.stringify(facts.order), /^\{"sha256":"[0-9a-f]{64}"\}$/);
  }
  assert.equal(/managed|o-1"|support/.test(JSON.stringify(told)), false);
  const faulty = records.find(({ result }) => result.reason === 'fact-malformed');
  assert.deepEqual(faulty?.input.facts?.country, { malformed: true });
});
