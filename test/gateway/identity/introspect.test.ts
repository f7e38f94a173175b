import * as assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseConfig } from '../../../gateway/config/config.ts';
import { Refusal } from '../../../gateway/http/refusal.ts';
import { createIntrospect, type Introspect } from '../../../gateway/identity/introspect.ts';
import { suite } from '../../_suite.ts';

const test = suite('introspect');
const id = 'gate way';
const clientSecret = 'p@ss:w/rd+ü';

type Asked = { headers: IncomingMessage['headers']; method: string; form: URLSearchParams };
let asked: Asked[];
let answer: (form: URLSearchParams, response: ServerResponse) => void;
let url: string;
let close: () => Promise<void>;
let clock: number;
let results: string[];
let introspect: Introspect;

const configured = (changes: Record<string, unknown> = {}) => {
  const introspection = {
    endpoint: `${url}/introspect`,
    issuer: 'https://login.example.com',
    client_id: id,
    client_secret: { env: 'X' },
    audience: 'grantgate',
    timeout: '10s',
    ...changes,
  };
  const config = parseConfig({ bundle: { source: 'git+file:///x' }, introspection }, '/gateway.yaml');
  if (config.introspection === undefined) throw new Error('nothing configured');
  return config.introspection;
};
const introspectWith = (changes: Record<string, unknown> = {}) =>
  createIntrospect({
    config: configured(changes),
    clientSecret,
    now: () => clock,
    onAnswer: (result) => results.push(result),
  });

const seconds = () => Math.floor(clock / 1000);
const good = () => ({ active: true, sub: 'ann@example.com', aud: 'grantgate', exp: seconds() + 300 });
const says = (body: unknown, status = 200) => {
  answer = (_form, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
};

test.before.each(async () => {
  asked = [];
  results = [];
  clock = Date.parse('2026-11-23T10:00:00Z');
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const form = new URLSearchParams(text);
    asked.push({ headers: request.headers, method: request.method ?? '', form });
    answer(form, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  says(good());
  introspect = introspectWith();
});
test.after.each(() => close());

const code = async (token: string, by = introspect): Promise<string> => {
  try {
    await by(token);
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    if (error.status === 401)
      assert.equal(error.headers['www-authenticate'], 'Bearer realm="grantgate", error="invalid_token"');
    return `${error.status} ${error.code}`;
  }
  return 'accepted';
};

test('asks as the issuer wants it: posted, signed in, with the token in the body', async () => {
  const claims = await introspect('opaque/token=1');
  assert.equal(claims.login, 'ann@example.com');
  assert.equal(claims.issuer, 'https://login.example.com');
  assert.equal(claims.expiresAt, seconds() + 300);
  const [{ headers, method, form } = {} as Asked] = asked;
  assert.equal(method, 'POST');
  assert.equal(headers['content-type'], 'application/x-www-form-urlencoded');
  assert.equal(form.get('token'), 'opaque/token=1');
  const basic = Buffer.from(headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
  assert.deepEqual(
    basic.split(':').map((part) => new URLSearchParams(`x=${part}`).get('x')),
    [id, clientSecret],
  );
});

const refusals: [string, (body: ReturnType<typeof good>) => unknown][] = [
  ['that is not active', () => ({ active: false })],
  ['that is said not to be active, with everything else', (body) => ({ ...body, active: false })],
  ['of another issuer', (body) => ({ ...body, iss: 'https://login.example.com/' })],
  ['for another audience', (body) => ({ ...body, aud: ['other', 'grantgate2'] })],
  ['for no audience', ({ aud: _, ...body }) => body],
  ['with an empty subject', (body) => ({ ...body, sub: '' })],
  ['with a subject that is no text', (body) => ({ ...body, sub: 7 })],
  ['with an exp as text', (body) => ({ ...body, exp: '9999999999' })],
  ['with an exp beyond reason', (body) => ({ ...body, exp: 1e300 })],
  ['that has expired', (body) => ({ ...body, exp: seconds() })],
  ['that is not valid yet', (body) => ({ ...body, nbf: seconds() + 60 })],
  ['issued in the future', (body) => ({ ...body, iat: seconds() + 60 })],
  ['that is a refresh token', (body) => ({ ...body, token_use: 'refresh_token' })],
  ['of another type', (body) => ({ ...body, token_type: 'DPoP' })],
];
for (const [what, change] of refusals)
  test(`refuses a token ${what}`, async () => {
    says(change(good()));
    assert.match(await code('bad'), /^401 token-/);
    says({ ...good(), aud: ['x', 'grantgate'], iss: 'https://login.example.com', token_type: 'Bearer' });
    assert.equal(await code('good'), 'accepted');
  });

test('an answer with hundreds of members is none', async () => {
  const members = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`c${at}`, at]));
  says({ ...members(300), ...good() });
  assert.equal(await code('many'), '503 issuer-unavailable');
  says({ ...members(200), ...good() });
  assert.equal(await code('some'), 'accepted');
});

test('a token without a subject is no login, and known by its other claims only', async () => {
  const { sub: _, ...body } = good();
  says({ ...body, client_id: 'invoicer' });
  const claims = await introspect('token');
  assert.deepEqual([claims.sub, claims.login, claims.payload.client_id], ['', null, 'invoicer']);
});

test('a scope can say that a token is for us, alone or with the audience', async () => {
  const byScope = introspectWith({ audience: undefined, scope: 'apis' });
  says({ active: true, sub: 'x', scope: 'openid apis' });
  assert.equal(await code('good', byScope), 'accepted');
  says({ active: true, sub: 'x', scope: 'apis2 openid' });
  assert.equal(await code('bad', byScope), '401 token-invalid');
  const byBoth = introspectWith({ scope: 'apis' });
  assert.equal(await code('worse', byBoth), '401 token-invalid');
  assert.throws(() => configured({ audience: undefined }), /must have "audience" or "scope"/);
  assert.throws(() => configured({ endpoint: 'http://login.example.com/i' }), /must be https/);
  assert.throws(() => configured({ cache: '1h' }), /must be 5min at most/);
});

const faults: [string, () => void, Record<string, unknown>?][] = [
  ['refuses us', () => says({ error: 'invalid_client' }, 401)],
  ['is broken', () => says(good(), 500)],
  ['says "active" as text', () => says({ ...good(), active: 'true' })],
  ['leaves "active" out', () => says({ sub: 'ann@example.com', aud: 'grantgate' })],
  ['says true and nothing more', () => says('true')],
  ['talks nonsense', () => says('<html>')],
  ['never ends', () => says(JSON.stringify({ ...good(), more: 'x'.repeat(100_000) }))],
  [
    'sends us elsewhere',
    () => {
      answer = (_form, response) => void response.writeHead(307, { location: `${url}/elsewhere` }).end();
    },
  ],
  [
    'is silent',
    () => {
      answer = () => undefined;
    },
    { timeout: '2s' },
  ],
];
for (const [what, fault, changes] of faults)
  test(`an issuer that ${what} lets nobody in, and is asked again`, async () => {
    const by = introspectWith(changes);
    fault();
    assert.equal(await code('token', by), '503 issuer-unavailable');
    assert.equal(asked.length, 1);
    says(good());
    assert.equal(await code('token', by), 'accepted');
    assert.deepEqual(results, ['failed', 'active']);
  });

test('an answer counts for the configured time, and then the issuer is asked again', async () => {
  await introspect('token');
  assert.ok(!(introspect('token') instanceof Promise));
  says({ active: false });
  clock += 29_999;
  assert.equal(await code('token'), 'accepted');
  clock += 1;
  assert.equal(await code('token'), '401 token-invalid');
  assert.equal(asked.length, 2);
});

test('an answer never counts past the end of the token, an outage or a clock set back', async () => {
  says({ ...good(), exp: seconds() + 10 });
  await introspect('short');
  clock += 10_000;
  assert.match(await code('short'), /^401 token-/);
  says(good());
  await introspect('long');
  says('', 503);
  clock += 30_000;
  assert.equal(await code('long'), '503 issuer-unavailable');
  says(good());
  await introspect('long');
  const before = asked.length;
  clock -= 3_600_000;
  await code('long');
  assert.equal(asked.length, before + 1);
});

test('a wrong token is asked about once in ten seconds, whatever it costs the good ones', async () => {
  says({ active: false });
  for (let attempt = 0; attempt < 5; attempt += 1) assert.equal(await code('wrong'), '401 token-invalid');
  assert.equal(asked.length, 1);
  clock += 10_000;
  says(good());
  assert.equal(await code('wrong'), 'accepted');
  assert.equal(asked.length, 2);
  assert.equal(await code('x'.repeat(9000)), '401 token-invalid');
  assert.equal(asked.length, 2);
});

test('callers with one token wait for one answer; strangers cannot make us ask without end', async () => {
  await Promise.all(Array.from({ length: 100 }, () => introspect('token')));
  assert.equal(asked.length, 1);
  const held: ServerResponse[] = [];
  answer = (_form, response) => held.push(response);
  const waiting = Array.from({ length: 64 }, (_, index) => introspect(`made-up-${index}`)).map((one) =>
    Promise.resolve(one).catch((error: Refusal) => error.code),
  );
  assert.equal(await code('one-more'), '503 issuer-unavailable');
  assert.equal(await code('token'), 'accepted');
  await Promise.all(waiting);
  says(good());
  assert.equal(await code('one-more'), 'accepted');
  assert.ok(asked.length <= 66);
});

test('made-up tokens of one network leave room for others, and those of all for tokens that were active lately', async () => {
  says(good());
  await introspect('known', '192.0.2.1');
  clock += 31_000;
  const waiting: ServerResponse[] = [];
  answer = (_form, response) => void waiting.push(response);
  const outcome = (token: string, address: string) => {
    try {
      const told = introspect(token, address);
      if (told instanceof Promise) told.catch(() => undefined);
      return 'asked';
    } catch (error) {
      return error instanceof Refusal ? `${error.status}` : String(error);
    }
  };
  const of = (address: string, count: number) =>
    Array.from({ length: count }, (_, index) => outcome(`${address}-${index}`, address));
  const flood = of('198.51.100.1', 70);
  assert.equal(flood.filter((told) => told === 'asked').length, 8);
  // One network has one part, whatever address it takes of it.
  assert.equal(of('2001:db8::1', 6).filter((told) => told === 'asked').length, 6);
  assert.equal(of('2001:db8::2', 6).filter((told) => told === 'asked').length, 2);
  assert.equal(outcome('someone else', '203.0.113.7'), 'asked');
  for (let host = 1; host < 20; host += 1) of(`203.0.113.${host + 10}`, 8);
  assert.equal(outcome('one more', '203.0.113.200'), '503');
  assert.equal(outcome('known', '198.51.100.1'), 'asked');
});
