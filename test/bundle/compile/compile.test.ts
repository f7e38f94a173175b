import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { compile } from '../../../bundle/compile/compile.ts';
import { readGrantLine } from '../../../bundle/data/grantLine.ts';
import { scanLines } from '../../../bundle/data/scanLines.ts';
import { canonicalJson } from '../../../bundle/format/canonicalJson.ts';
import { dataDigest, sha256 } from '../../../bundle/format/digest.ts';
import { workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import type { Grant, Organisation } from '../../../bundle/grants/organisation.ts';
import { reviewFile } from '../../../bundle/grants/reviewRules.ts';
import { suite } from '../../_suite.ts';
import { sampleTree } from '../_organisation.ts';

const test = suite('compile');

test('writes the sample in line form, to the letter', async () => {
  const sample = await sampleTree();
  const { organisation } = await load(await workingTree(sample.root));
  await sample.remove();
  assert.ok(organisation);
  const text = compile(organisation).toString();
  assert.is(
    text,
    `{"apis":{"orders":{"description":"Customer orders and invoices","operations":{"createOrder":"POST /v1/orders","getOrder":"GET /v1/orders/{orderId}","listOrders":"GET /v1/orders"},"owner":"group:commerce","rate":"600/min","roles":{"editor":["createOrder","getOrder","listOrders"],"reader":["getOrder","listOrders"]},"route":{"prefix":"/orders","strip":true},"tier":"high","upstream":"http://orders.internal:8080"},"payments":{"description":"Pays invoices","operations":{"approvePayment":"PUT /payments/{paymentId}/approval","createPayment":"POST /payments"},"owner":"group:billing","roles":{"approver":["approvePayment"],"payer":["createPayment"]},"route":{"host":"payments.example.com"},"tier":"critical","upstream":"https://payments.internal"}},
"credentials":{"api_keys":{"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08":"service:invoicer"},"jwt_subjects":{"https://login.example.com|invoicer":"service:invoicer"},"spiffe_ids":{"spiffe://example.com/mailer":"service:mailer"}},
"grants":{"orders":{
"group:billing":[{"expires":1803859200,"id":"orders-billing-read","operations":["getOrder","listOrders"]}],
"group:commerce":[{"id":"orders-commerce-edit","operations":["createOrder","getOrder","listOrders"],"state":"suspended"}],
"service:invoicer":[{"id":"orders-invoicer-read","operations":["listOrders"]}],
"user:ann@example.com":[{"conditions":{"mfa":true,"networks":["office"]},"id":"orders-ann-edit","operations":["createOrder"],"rate":"60/min"}]
},"payments":{
"group:billing":[{"id":"payments-billing-pay","operations":["createPayment"]}]
}},"networks":{"office":["192.0.2.0/25","2001:db8:10::/48"],"vpn":["198.51.100.0/24"]},"principals":{
"service:invoicer":{"active":true,"groups":["group:billing"]},
"service:mailer":{"active":false,"groups":[]},
"user:ann@example.com":{"active":true,"groups":["group:billing"]},
"user:bob@example.com":{"active":false,"groups":["group:commerce"]},
"user:cleo@example.com":{"active":true,"groups":["group:billing","group:finance"]},
"user:dana@example.com":{"active":true,"groups":["group:commerce"]}
}}`,
  );
  assert.is(scanLines(Buffer.from(text)).grants, 5);
});

const place = { file: 'f', line: 1, column: 1, start: 0, end: 0 };
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
const principal = fc.oneof(
  name.map((n) => `user:${n}@example.com`),
  name.map((n) => `group:${n}`),
  name.map((n) => `service:${n}`),
);
const grant = fc
  .record({
    id: fc.stringMatching(/^[a-z0-9][a-z0-9-]{2,12}$/),
    principal,
    api: fc.constantFrom('a', 'b', 'a-b'),
    covers: fc.uniqueArray(name, { maxLength: 4 }).map((list) => list.sort()),
    expiresAt: fc.option(fc.integer({ min: 0, max: 4_000_000_000 })),
    state: fc.constantFrom('active' as const, 'suspended' as const),
    mfa: fc.boolean(),
    networks: fc.uniqueArray(name, { maxLength: 3 }),
    rate: fc.option(fc.constantFrom('1/s', '60/min')),
  })
  .map(
    ({ mfa, networks, rate, ...rest }): Grant => ({
      ...rest,
      reason: 'x',
      owner: 'group:x',
      granted: '2026-01-01',
      grantedAt: 0,
      place,
      ...(mfa || networks.length > 0
        ? { conditions: { ...(mfa && { mfa: true }), ...(networks.length > 0 && { networks }) } }
        : {}),
      ...(rate && { limits: { rate } }),
    }),
  );
const anyOrganisation = fc.record({
  grants: fc.uniqueArray(grant, { selector: ({ id }) => id, maxLength: 12 }),
  people: fc.uniqueArray(fc.tuple(name, fc.constantFrom('active', 'suspended', 'deprovisioned')), {
    selector: ([login]) => login,
    maxLength: 5,
  }),
  // Descriptions are free text, so every character gets through here.
  description: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
});

test('what is written parses back to what the organisation says, whatever it says', () => {
  fc.assert(
    fc.property(anyOrganisation, ({ grants, people, description }) => {
      const organisation = {
        apis: new Map([
          [
            'a',
            {
              name: 'a',
              description,
              owner: 'group:x',
              tier: 'low',
              upstream: 'http://a',
              route: { host: 'a.example.com' },
              operations: new Map([['get', 'GET /']]),
              roles: new Map(),
              limits: undefined,
              place,
            },
          ],
        ]),
        grants,
        people: new Map(
          people.map(([login, status]) => [login, { login, status, id: '1', provider: 'okta' }]),
        ),
        groups: new Map(),
        services: new Map(),
        memberships: new Map(people.map(([login]) => [`user:${login}`, ['group:x']])),
        networks: new Map(),
        review: reviewFile.parse({}),
        directories: [],
      } as Organisation;
      const data = compile(organisation);
      const parsed = JSON.parse(data.toString());
      assert.is(parsed.apis.a.description, description);
      const expected: Record<string, Record<string, unknown[]>> = {};
      for (const { api, principal: who, ...rest } of [...grants].sort((x, y) => (x.id < y.id ? -1 : 1))) {
        expected[api] ??= {};
        const held = expected[api];
        held[who] ??= [];
        const { conditions } = rest;
        held[who].push({
          id: rest.id,
          operations: rest.covers,
          ...(conditions && {
            conditions: {
              ...conditions,
              ...(conditions.networks && { networks: [...conditions.networks].sort() }),
            },
          }),
          ...(rest.expiresAt !== null && { expires: rest.expiresAt }),
          ...(rest.limits?.rate && { rate: rest.limits.rate }),
          ...(rest.state === 'suspended' && { state: 'suspended' }),
        });
      }
      assert.equal(parsed.grants, expected);
      for (const lines of Object.values<object>(parsed.grants))
        for (const line of Object.values(lines)) assert.is(readGrantLine(line), line);
      assert.equal(
        parsed.principals,
        Object.fromEntries(
          people.map(([login, status]) => [
            `user:${login}`,
            { active: status === 'active', groups: ['group:x'] },
          ]),
        ),
      );
      // Canonical without its line feeds, and its digest is that text's.
      const text = canonicalJson(parsed);
      assert.is(data.toString().replaceAll('\n', ''), text);
      assert.is(dataDigest(data), sha256(text));
      assert.is(scanLines(data).grants, grants.length);
      // The order in which files list things leaves no trace.
      assert.ok(compile({ ...organisation, grants: [...grants].reverse() }).equals(data));
    }),
    { seed: 3, numRuns: 300 },
  );
});

test('a digest over long and many lines is that of the text without line feeds', () => {
  for (const text of [
    '',
    '\n',
    'a\nb\n\nc',
    `${'x'.repeat(300_000)}\n`.repeat(3),
    'line of text\n'.repeat(60_000),
  ])
    assert.is(dataDigest(Buffer.from(text)), sha256(text.replaceAll('\n', '')));
});
