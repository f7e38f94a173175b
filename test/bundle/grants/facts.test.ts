import * as assert from 'node:assert/strict';
import { compile } from '../../../bundle/compile/compile.ts';
import { workingTree } from '../../../bundle/git/tree.ts';
import { facts } from '../../../bundle/grants/api/facts.ts';
import { load } from '../../../bundle/grants/load.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { isReserved } from '../../../gateway/upstream/reservedHeaders.ts';
import { suite } from '../../_suite.ts';
import { sampleFiles, sampleTree } from '../_organisation.ts';

const test = suite('facts of APIs');

const refused = (all: unknown): string[] =>
  facts.safeParse(all).error?.issues.map(({ message }) => message) ?? [];
const header = (name: string) => refused({ a: { header: name, from: 'caller' } });

test('a header that carries credentials or an identity is refused by name', () => {
  const names = `authorization proxy-authorization cookie set-cookie x-api-key x-apikey api-key apikey x-auth-token
    x-access-token x-csrf-token x-xsrf-token x-amz-security-token x-vault-token private-token x-session-id sessionid
    x-client-secret x-password x-jwt-assertion x-functions-key ocp-apim-subscription-key x-goog-api-key x-signature
    x-auth x-otp x-grantgate-subject x-user x-user-id x-forwarded-for x-forwarded-user forwarded x-real-ip
    x-auth-request-email remote-user x-remote-user x-client-cert client-cert x-ssl-client-verify x-principal-id
    x-spiffe-id x-webauth-user true-client-ip x-client-ip x-original-url x-rewrite-url x-http-method-override
    host connection te trailer upgrade keep-alive transfer-encoding content-length expect proxy proxy-connection
    sec-websocket-protocol sec-websocket-key http2-settings x-remote traceparent tracestate x-username x-userinfo
    x-login x-pass x-pwd x-hmac x-sig`;
  for (const name of names.match(/\S+/g) ?? [])
    assert.match(header(name).join(), /no header that carries credentials/, name);
});

test('so is every header that only we may say, and what is only called alike is not', () => {
  const words =
    'a author country geo-country forwarded-by keyboard pinned hostname tea x-risk-score cf-ipcountry';
  for (const name of `${words} cloudfront-viewer-country x-country-code x-tenant accept-language user-agent`.split(
    ' ',
  )) {
    assert.deepEqual(header(name), [], name);
    assert.equal(isReserved(name), false, name);
  }
  for (const name of [
    'x-grantgate',
    'x-amzn-mtls-clientcert',
    'x-arr-clientcert',
    'ssl-client-verify',
    'x-tls-client',
  ])
    assert.equal(isReserved(name) && header(name).length > 0, true, name);
  for (const name of [
    'X-Country',
    'x_country',
    'x.country',
    'x country',
    '',
    '-x',
    'x'.repeat(65),
    '__proto__',
  ])
    assert.notDeepEqual(header(name), [], name);
});

test('a fact has one source, and what it says of it makes sense', () => {
  const wrong: [unknown, RegExp][] = [
    [{}, /exactly one of/],
    [{ param: 'a', claim: 'b' }, /exactly one of/],
    [{ header: 'x-a' }, /whose word/],
    [{ claim: 'a', from: 'caller' }, /whose word/],
    [{ header: 'x-a', from: 'anybody' }, /trusted_proxies/],
    [{ header: 'x-a', from: 'caller', type: 'list' }, /to be a list/],
    [{ claim: 'a', type: 'number', values: ['1'] }, /to have "values"/],
    [{ claim: 'a', type: 'object' }, /must be "text"/],
    [{ claim: 'a', values: [] }, /at least one/],
    [{ claim: 'a', values: ['x', 'x'] }, /twice/],
    [{ claim: 'a', values: [''] }, /1 to 256/],
    [{ claim: 'a', max_length: 1025 }, /1024/],
    [{ claim: 'a', record: 'all' }, /"value" or "digest"/],
    [{ claim: 'a', query: 'b' }, /query/],
    [{ claim: '__proto__' }, /claim/],
    [{ claim: 'a.__proto__' }, /claim/],
    [{ property: 'status' }, /resource\.status/],
    [{ property: 'object.status' }, /resource\.status/],
    [{ property: 'resource.__proto__' }, /resource\.status/],
    [{ param: '__proto__' }, /path parameter/],
  ];
  for (const [fact, message] of wrong)
    assert.match(refused({ a: fact }).join(), message, JSON.stringify(fact));
  const named = (name: string) => facts.safeParse(Object.fromEntries([[name, { claim: 'a' }]])).success;
  for (const name of ['country', 'a1_b', 'constructor', 'time', 'subject'])
    assert.equal(named(name), true, name);
  for (const name of ['Country', '__proto__', '_a', 'a-b', 'a.b', '1a', '', 'a'.repeat(41)])
    assert.equal(named(name), false, name);
  const many = Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`a${at}`, { claim: 'a' }]));
  assert.match(refused(many).join(), /20 at most/);
});

const orders = 'grants/apis/orders.yaml';
const payments = 'grants/apis/payments.yaml';

test('parameters must be some operation’s, and a name has one type wherever it stands', async () => {
  const sample = await sampleTree({
    [orders]: `${sampleFiles[orders]}facts:\n  a: { param: orderID }\n  b: { claim: x, type: list }\n`,
    [payments]: `${sampleFiles[payments]}facts:\n  b: { claim: x }\n`,
  });
  try {
    const { problems } = await load(await workingTree(sample.root));
    assert.deepEqual(problems.map(formatProblem), [
      `${orders}:17:15: "a" is the path parameter "orderID", expected one that an operation of this API has (did you mean "orderId"?)`,
      `${payments}:12:6: "b" is text here and list at orders, expected one type for one name: policies read both as input.facts.b`,
    ]);
  } finally {
    await sample.remove();
  }
});

test('the bundle says what is not usual, and says nothing where no API names any', async () => {
  const sample = await sampleTree({
    [orders]: `${sampleFiles[orders]}facts: { a: { param: orderId }, b: { claim: x, type: list, values: [z, y], max_length: 9, record: digest } }\n`,
  });
  try {
    const { organisation } = await load(await workingTree(sample.root));
    assert.ok(organisation);
    const { apis } = JSON.parse(compile(organisation).toString()) as {
      apis: Record<string, { facts?: unknown }>;
    };
    assert.deepEqual(apis.orders?.facts, {
      a: { param: 'orderId' },
      b: { claim: 'x', max_length: 9, record: 'digest', type: 'list', values: ['y', 'z'] },
    });
    assert.equal('facts' in (apis.payments ?? {}), false);
  } finally {
    await sample.remove();
  }
});
