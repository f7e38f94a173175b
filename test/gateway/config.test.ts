import * as assert from 'node:assert/strict';
import { ConfigError, parseConfig, readSecret } from '../../gateway/config.ts';
import { suite } from '../_suite.ts';

const test = suite('config');
const minimal = { bundle: { source: 'git+https://git.example.com/access#main' } };
const parse = (value: unknown) => parseConfig(value, '/etc/grantgate/gateway.yaml');
const problems = (value: unknown): string => {
  try {
    parse(value);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
};

test('needs a bundle source only, and fills in the rest', () => {
  const config = parse(minimal);
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8080 });
  assert.deepEqual(config.admin, { host: '127.0.0.1', port: 9090 });
  assert.equal(config.bundle.poll, 30_000);
  assert.equal(config.state, '/etc/grantgate/.grantgate/state');
});

test('takes relative paths from the folder of the file', () => {
  const config = parse({ bundle: { source: 'file:bundle.tar.gz', key: 'keys/signer.pem' } });
  assert.equal(config.bundle.source, 'file:/etc/grantgate/bundle.tar.gz');
  assert.equal(config.bundle.key, '/etc/grantgate/keys/signer.pem');
});

test('takes several keys by their ids, for the shadow too', () => {
  const keys = { '2025': 'old.pem', '2026': '/keys/new.pem' };
  const { bundle } = parse({ bundle: { source: 'file:a.gz', keys, shadow: { source: 'file:b.gz', keys } } });
  const absolute = { '2025': '/etc/grantgate/old.pem', '2026': '/keys/new.pem' };
  assert.deepEqual([bundle.keys, bundle.shadow?.keys], [absolute, absolute]);
  assert.equal(bundle.shadow?.source, 'file:/etc/grantgate/b.gz');
});

test('takes files of secrets from there too, wherever they stand', () => {
  const config = parse({
    bundle: { ...minimal.bundle, token: { file: 'secrets/token' } },
    admin: { token: { file: '/run/secrets/admin' } },
    webhook: { secret: { env: 'HOOK' } },
  });
  assert.deepEqual(config.bundle.token, { file: '/etc/grantgate/secrets/token' });
  assert.deepEqual(config.admin.token, { file: '/run/secrets/admin' });
  assert.deepEqual(config.webhook, { secret: { env: 'HOOK' } });
});

test('names every unknown key with the nearest known one, all at once', () => {
  const text = problems({ ...minimal, lisen: {}, limits: { header: 1, zzzzzzzz: 1 } });
  assert.match(text, /unknown key "lisen"; did you mean "listen"\?/);
  assert.match(text, /unknown key "limits\.header"; did you mean "headers"\?/);
  assert.match(text, /unknown key "limits\.zzzzzzzz"; known here: headers, /);
});

const refused: [string, unknown, RegExp][] = [
  ['no bundle source', {}, /"bundle" /],
  [
    'a plain http source that is not loopback',
    { bundle: { source: 'git+http://git.example.com/x#main' } },
    /https/,
  ],
  [
    'an unsigned bundle from elsewhere than Git',
    { bundle: { source: 'https://b.example.com/x.tar.gz' } },
    /bundle\.key.*signed/,
  ],
  [
    'one key beside several',
    { bundle: { source: 'file:/x.tar.gz', key: 'a.pem', keys: { a: 'a.pem' } } },
    /bundle\.keys.*beside "key"/,
  ],
  ['a set without a key', { bundle: { source: 'file:/x.tar.gz', keys: {} } }, /bundle\.keys.*one key/],
  [
    'a key with an id that is none',
    { bundle: { source: 'file:/x.tar.gz', keys: { '../a': 'a.pem' } } },
    /bundle\.keys/,
  ],
  [
    'a shadow with one key beside several',
    { bundle: { ...minimal.bundle, shadow: { source: 'file:/x.gz', key: 'a', keys: { a: 'a' } } } },
    /bundle\.shadow\.keys/,
  ],
  [
    'a staleness that one late look would exceed',
    { bundle: { ...minimal.bundle, poll: '30s', max_staleness: '59s' } },
    /bundle\.max_staleness.*twice/,
  ],
  ['a share to hold that is none', { bundle: { ...minimal.bundle, hold: { grants: 0 } } }, /bundle\.hold/],
  ['an unsigned bundle from a file', { bundle: { source: 'file:/x.tar.gz' } }, /bundle\.key.*signed/],
  ['trusting the whole internet as proxy', { ...minimal, trusted_proxies: ['0.0.0.0/0'] }, /whole internet/],
  ['trusting the whole internet as proxy, IPv6', { ...minimal, trusted_proxies: ['::/0'] }, /whole internet/],
  [
    'a store of limits in clear text over the network',
    { ...minimal, limits: { store: 'redis://limits.example.com' } },
    /limits\.store.*rediss/,
  ],
  [
    'a password in the address of the store',
    { ...minimal, limits: { store: 'rediss://a:b@limits.example.com' } },
    /limits\.store.*password/,
  ],
  [
    'a password for no store',
    { ...minimal, limits: { store_password: { env: 'A' } } },
    /limits\.store_password/,
  ],
  ['a body without a bound', { ...minimal, limits: { body: '0MB' } }, /limits\.body/],
  ['an open admin listener without a token', { ...minimal, admin: { host: '0.0.0.0' } }, /admin\.token/],
  [
    'a symmetric algorithm',
    { ...minimal, issuers: [{ issuer: 'https://a.example', audience: 'x', algorithms: ['HS256'] }] },
    /asymmetric/,
  ],
  [
    'algorithm none',
    { ...minimal, issuers: [{ issuer: 'https://a.example', audience: 'x', algorithms: ['none'] }] },
    /asymmetric/,
  ],
  [
    'an issuer over plain http',
    { ...minimal, issuers: [{ issuer: 'http://a.example', audience: 'x' }] },
    /https/,
  ],
  ['an issuer without audience', { ...minimal, issuers: [{ issuer: 'https://a.example' }] }, /audience/],
  [
    'the same issuer twice',
    {
      ...minimal,
      issuers: [
        { issuer: 'https://a.example', audience: 'x' },
        { issuer: 'https://a.example', audience: 'y' },
      ],
    },
    /twice/,
  ],
  ['a secret in the file itself', { ...minimal, webhook: { secret: 'hunter2' } }, /env: NAME/],
];
for (const [what, value, expected] of refused) {
  test(`refuses ${what}`, () => {
    assert.match(problems(value), expected);
  });
}

test('accepts the nearest harmless settings', () => {
  parse({ bundle: { ...minimal.bundle, poll: '30s', max_staleness: '60s', hold: { grants: 1 } } });
  parse({ bundle: { source: 'git+http://127.0.0.1:3000/x.git#main' } });
  parse({ ...minimal, trusted_proxies: ['10.0.0.0/8'] });
  parse({ ...minimal, admin: { host: '0.0.0.0', token: { env: 'ADMIN' } } });
  parse({ ...minimal, issuers: [{ issuer: 'http://127.0.0.1:4000', audience: 'x', algorithms: ['ES256'] }] });
});

test('an error never repeats a secret', () => {
  assert.doesNotMatch(problems({ ...minimal, webhook: { secret: 'hunter2' } }), /hunter2/);
});

test('reads secrets from the environment and refuses a missing one by name', () => {
  assert.equal(readSecret({ env: 'A' }, { A: ' x ' }), 'x');
  assert.throws(() => readSecret({ env: 'B' }, {}), /variable B is not set/);
});
