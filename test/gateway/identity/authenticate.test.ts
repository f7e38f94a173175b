import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { newKey } from '../../../bundle/grants/credentials.ts';
import { suite } from '../../_suite.ts';
import { sampleFiles } from '../../bundle/_organisation.ts';
import { startWorld, type World } from '../_gateway.ts';

const test = suite('authenticate');
const key = newKey('invoicer');
const ordersPath = 'grants/apis/orders.yaml';
const servicesPath = 'grants/directory/services.yaml';

/** services.yaml of the sample, where the invoicer has these credentials. */
const services = (...credentials: string[]) => {
  const [before = '', after = ''] = sampleFiles[servicesPath]?.split(/ {6}- jwt_subject.*\n.*\n/) ?? [];
  return { [servicesPath]: `${before}${credentials.map((one) => `      - ${one}\n`).join('')}${after}` };
};

let world: World;
test.before(async () => {
  world = await startWorld({ files: services(key.yaml.slice(2)) });
});
test.after(() => world.close());
// Each finds the API and the service as they were at first.
test.after.each(async () => {
  await world.push({ ...services(key.yaml.slice(2)), ...(await accepting(null)) });
});

/** orders.yaml as the world has it, with these ways to authenticate. */
const accepting = async (methods: string | null) => {
  const text = await readFile(`${world.tree.root}/${ordersPath}`, 'utf8');
  const rest = text.replace(/^authentication:.*\n/m, '');
  return { [ordersPath]: methods === null ? rest : `${rest}authentication: ${methods}\n` };
};

const get = (headers: Record<string, string>) => fetch(`${world.gateway.url}/orders/v1/orders`, { headers });
const withKey = { 'x-api-key': key.key };
const asked = async (answering: Promise<Response>) => {
  const answer = await answering;
  const { code } = (await answer.json()) as { code?: string };
  return [answer.status, code, answer.headers.get('www-authenticate')];
};

test('an API takes only the credentials it names, and its challenges name no others', async () => {
  const token = { authorization: `Bearer ${await world.issuer.token({ amr: ['mfa'] })}` };
  const keyAsToken = { authorization: `Bearer ${key.key}` };
  for (const headers of [withKey, token, keyAsToken]) assert.equal((await get(headers)).status, 200);

  await world.push(await accepting('[jwt]'));
  assert.equal((await get(token)).status, 200);
  const refused = [401, 'credentials-not-accepted'];
  assert.deepEqual(await asked(get(withKey)), [...refused, 'Bearer realm="grantgate"']);
  const wrongToken = 'Bearer realm="grantgate", error="invalid_token"';
  assert.deepEqual(await asked(get(keyAsToken)), [...refused, wrongToken]);
  assert.deepEqual(await asked(get({})), [401, 'credentials-missing', 'Bearer realm="grantgate"']);

  await world.push(await accepting('[api-key]'));
  assert.equal((await get(withKey)).status, 200);
  assert.equal((await get(keyAsToken)).status, 200);
  assert.deepEqual(await asked(get(token)), [...refused, `${wrongToken}, ApiKey realm="grantgate"`]);

  await world.push(await accepting('[client-certificate]'));
  const certificate = 'ClientCertificate realm="grantgate"';
  for (const headers of [withKey, token, keyAsToken])
    assert.deepEqual(await asked(get(headers)), [...refused, certificate]);
  assert.deepEqual(await asked(get({})), [401, 'credentials-missing', certificate]);

  await world.push(await accepting(null));
  for (const headers of [withKey, token, keyAsToken]) assert.equal((await get(headers)).status, 200);
});

test('a token of a kind that an API does not take is not even looked at', async () => {
  await world.push(await accepting('[api-key]'));
  const before = world.issuer.fetches.jwks;
  const token = await world.issuer.token({}, { kid: 'unheard-of' });
  assert.equal((await get({ authorization: `Bearer ${token}` })).status, 401);
  assert.equal(world.issuer.fetches.jwks, before);
});

test('what is wrong with a request is said as RFC 6750 has it, and no more', async () => {
  const all = (error = '') => `Bearer realm="grantgate"${error}, ApiKey realm="grantgate"`;
  const token = await world.issuer.token();
  const authorization = `Bearer ${token}`;
  assert.deepEqual(await asked(get({})), [401, 'credentials-missing', all()]);
  assert.deepEqual(await asked(get({ authorization: 'Basic eDp5' })), [401, 'credentials-missing', all()]);
  assert.deepEqual(await asked(get({ ...withKey, authorization })), [
    400,
    'credentials-ambiguous',
    all(', error="invalid_request"'),
  ]);
  const invalid = all(', error="invalid_token"');
  assert.deepEqual(await asked(get({ authorization: `${authorization}x` })), [401, 'token-invalid', invalid]);
  const old = await world.issuer.token({ exp: world.clock.now / 1000 - 60 });
  assert.deepEqual(await asked(get({ authorization: `Bearer ${old}` })), [401, 'token-expired', invalid]);
  assert.deepEqual(await asked(get({ 'x-api-key': `${key.key}x` })), [401, 'credentials-invalid', all()]);
  const unknown = await world.issuer.token({ sub: 'two words' });
  assert.deepEqual(await asked(get({ authorization: `Bearer ${unknown}` })), [
    403,
    'principal-unknown',
    null,
  ]);
  const nobody = await world.issuer.token({ sub: 'two\nlines' });
  assert.deepEqual(await asked(get({ authorization: `Bearer ${nobody}` })), [
    401,
    'credentials-invalid',
    invalid,
  ]);
  assert.equal(
    (
      await get({ authorization: `Bearer ${await world.issuer.token({ sub: 'dana@example.com' })}` })
    ).headers.get('www-authenticate'),
    null,
  );
});

test('a workflow is the service whose claims its token has, every one to the letter', async () => {
  const claims = { repository: 'example/invoices', ref: 'refs/heads/main', environment: 'live' };
  const wanted = Object.entries(claims).map(([name, value]) => `${name}: ${value}`);
  await world.push(
    services(`jwt_claims: { issuer: "${world.issuer.url}", claims: { ${wanted.join(', ')} } }`),
  );
  const sub = 'repo:example/invoices:environment:live';
  const run = async (changes: Record<string, unknown>) =>
    get({
      authorization: `Bearer ${await world.issuer.token({ sub, ...claims, actor: 'eve', ...changes })}`,
    });
  assert.equal((await run({})).status, 200);
  assert.deepEqual(world.upstream.received.at(-1)?.headers['x-grantgate-subject'], ['service:invoicer']);
  for (const changes of [
    { repository: 'example/invoices2' },
    { repository: 'Example/invoices' },
    { repository: ['example/invoices'] },
    { ref: 'refs/heads/main ' },
    { ref: 'refs/heads/next' },
    { environment: undefined },
    { environment: true },
  ])
    assert.equal((await run(changes)).status, 403, JSON.stringify(changes));
  const elsewhere = `jwt_claims: { issuer: "${world.issuer.url}/", claims: { ${wanted.join(', ')} } }`;
  await world.push(services(elsewhere));
  assert.equal((await run({})).status, 403);
});

test('a token that two services claim is of neither', async () => {
  const byClaims = `jwt_claims: { issuer: "${world.issuer.url}", claims: { team: orders } }`;
  await world.push({
    [servicesPath]: `${services(byClaims)[servicesPath]}      - jwt_subject: "${world.issuer.url}|mailer"\n`,
  });
  const as = async (claims: Record<string, unknown>) =>
    get({ authorization: `Bearer ${await world.issuer.token(claims)}` });
  assert.equal((await as({ sub: 'run-7', team: 'orders' })).status, 200);
  assert.equal((await as({ sub: 'mailer', team: 'orders' })).status, 401);
  assert.equal((await (await as({ sub: 'mailer' })).json()).code, 'principal-inactive');
});

test('a key that is taken from a service closes what is open with it, and no more', async () => {
  world.upstream.answer((_request, response) => response.write('first'));
  const token = await world.issuer.token({ amr: ['mfa'] });
  const byKey = await get(withKey);
  const byToken = await get({ authorization: `Bearer ${token}` });
  const ended = assert.rejects(byKey.text());
  await world.push(services(newKey('invoicer').yaml.slice(2)));
  await ended;
  const reader = byToken.body?.getReader();
  assert.equal((await reader?.read())?.done, false);
  await reader?.cancel();
});
