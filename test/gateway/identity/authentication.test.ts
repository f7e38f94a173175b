import * as assert from 'node:assert/strict';
import { parseConfig } from '../../../gateway/config/config.ts';
import { createAuthentication } from '../../../gateway/identity/authentication.ts';
import { suite } from '../../_suite.ts';

const test = suite('authentication');

const config = (audience: string) =>
  parseConfig(
    {
      bundle: { source: 'git+file:///x' },
      issuers: [
        { issuer: 'https://login.example', audience },
        { issuer: 'https://partner.example', audience: 'grantgate', people: ['@partner.example'] },
      ],
      introspection: {
        issuer: 'https://opaque.example',
        endpoint: 'https://opaque.example/introspect',
        client_id: 'grantgate',
        client_secret: { env: 'SECRET' },
        audience,
      },
    },
    '/gateway.yaml',
  );
const options = { env: { SECRET: 'of-the-client' }, now: () => 0 };

test('a configuration goes on with what the one in force knows, whatever was tried in between', () => {
  const first = createAuthentication(config('grantgate'), options, null);
  const tried = createAuthentication(config('another'), options, first);
  const second = createAuthentication(config('grantgate'), options, first);
  const of = ({ checks }: typeof first, name: string) => checks.issuers.get(`https://${name}.example`)?.keys;

  assert.equal(of(second, 'login'), of(first, 'login'));
  assert.equal(second.checks.introspection, first.checks.introspection);
  assert.equal(second.checks.verifyJwt, first.checks.verifyJwt, 'tokens that were verified are known');
  assert.notEqual(
    tried.checks.verifyJwt,
    first.checks.verifyJwt,
    'nobody is believed as another configuration had it',
  );
  assert.notEqual(of(tried, 'login'), of(first, 'login'));
  assert.notEqual(tried.checks.introspection, first.checks.introspection);
  assert.equal(of(tried, 'partner'), of(first, 'partner'));
});

test('tokens are verified anew when an issuer comes or goes', () => {
  const { introspection: _, ...both } = config('grantgate');
  const [login = assert.fail()] = both.issuers;
  const first = createAuthentication(both, options, null);
  const fewer = createAuthentication({ ...both, issuers: [login] }, options, first);
  const again = createAuthentication(both, options, fewer);
  assert.notEqual(fewer.checks.verifyJwt, first.checks.verifyJwt);
  assert.notEqual(again.checks.verifyJwt, fewer.checks.verifyJwt);
});

test('another secret is asked by at once', () => {
  const first = createAuthentication(config('grantgate'), options, null);
  const next = createAuthentication(
    config('grantgate'),
    { ...options, env: { SECRET: 'a-new-one' } },
    first,
  ).checks;
  assert.notEqual(next.introspection, first.checks.introspection);
  assert.equal(next.issuers.get('https://login.example'), first.checks.issuers.get('https://login.example'));
});
