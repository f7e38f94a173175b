import * as assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, parseConfig, readConfig, readSecret } from '../../../gateway/config/config.ts';
import { gatewayConfig } from '../../../gateway/config/gatewayConfig.ts';
import { readSourceAccess } from '../../../gateway/config/readSource.ts';
import { configSchema } from '../../../gateway/config/writeSchema.ts';
import { suite } from '../../_suite.ts';

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

test('takes the name of an instance from the environment, where it says so, and never does without', () => {
  const named = (instance: unknown) => ({ ...minimal, decisions: { instance } });
  process.env.GRANTGATE_TEST_POD = 'grantgate-2';
  assert.equal(parse(named({ env: 'GRANTGATE_TEST_POD' })).decisions.instance, 'grantgate-2');
  assert.equal(parse(minimal).decisions.instance, 'gw-1');
  for (const wrong of ['', 'a pod', '../x'])
    for (const instance of [wrong, { env: 'GRANTGATE_TEST_POD' }]) {
      process.env.GRANTGATE_TEST_POD = wrong;
      assert.match(problems(named(instance)), /decisions\.instance.* a name like "gw-1"/s);
    }
  delete process.env.GRANTGATE_TEST_POD;
  assert.match(problems(named({ env: 'GRANTGATE_TEST_POD' })), /variable GRANTGATE_TEST_POD/);
});

test('names every unknown key with the nearest known one, all at once', () => {
  const text = problems({ ...minimal, lisen: {}, limits: { header: 1, zzzzzzzz: 1 } });
  assert.match(text, /unknown key "lisen" \(did you mean "listen"\?\)/);
  assert.match(text, /unknown key "header" \(did you mean "headers"\?\)/);
  assert.match(text, /unknown key "zzzzzzzz", expected one of headers, /);
});

/** What is wrong with a file of this text. */
function problemsOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'grantgate-config-'));
  const file = join(folder, 'gateway.yaml');
  try {
    writeFileSync(file, text);
    readConfig(file);
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(`${folder}/`, '');
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const head = 'bundle:\n  source: git+file:///x\n';

const limitKeys = Object.keys(gatewayConfig.shape.limits.def.innerType.shape);

test('names file, line and column of all that is wrong', () => {
  assert.equal(problemsOf(head), '');
  assert.deepEqual(
    problemsOf(`${head}workers: 0\nlimits:\n  idle_timeout: soon\n  bodi: 1MB\n`).split('\n'),
    [
      'gateway.yaml:3:10: "workers" must be at least 1',
      'gateway.yaml:5:17: "limits.idle_timeout" must be a time like "30s" (ms, s, min, h or d)',
      `gateway.yaml:6:3: unknown key "bodi" (did you mean "body"?), expected one of ${limitKeys.join(', ')}`,
    ],
  );
});

test('refuses what a reader does not see where it stands: aliases, merges, a key given twice, broken YAML', () => {
  assert.match(problemsOf(`${head}admin: &a { port: 1 }\nlisten: *a\n`), /:3:8: anchors[\s\S]*:4:9: aliases/);
  assert.match(problemsOf(`${head}listen:\n  <<: { port: 1 }\n`), /:4:3: merge keys/);
  assert.match(problemsOf(`${head}workers: 1\nworkers: 2\n`), /:4:1: the key "workers" is given twice/);
  assert.match(problemsOf(`${head}listen: [`), /gateway\.yaml:\d+:\d+: not valid YAML/);
  assert.match(problemsOf(''), /"bundle" must be a mapping, got nothing/);
});

test('never shows what may be a secret that stands in the file', () => {
  const text = problemsOf(
    `${head}  token: hunter2\nwebhook: { secret: 77142 }\nlimits: { store: rediss://a:sesame@h }\n`,
  );
  assert.match(text, /token.*env: NAME[\s\S]*secret.*env: NAME[\s\S]*store.*no password/);
  assert.doesNotMatch(text, /hunter2|77142|sesame/);
});

test('says that there is no file', () => {
  assert.throws(
    () => readConfig('/nowhere/gateway.yaml'),
    /^ConfigError: \/nowhere\/gateway\.yaml cannot be read: there is no such file$/,
  );
});

test('the JSON Schema for editors is the definition, and describes each key', () => {
  const text = readFileSync(new URL('../../../gateway/config/gateway.schema.json', import.meta.url), 'utf8');
  assert.equal(text, configSchema(), 'node gateway/config/writeSchema.ts');
  const bare: string[] = [];
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return;
    const { properties, anyOf, items } = node as { properties?: object; anyOf?: unknown[]; items?: unknown };
    for (const [key, inner] of Object.entries(properties ?? {})) {
      // { env } or { file } and { claim } are values that the key above describes.
      if (!/^(?:env|file|claim)$/.test(key) && typeof inner.description !== 'string')
        bare.push(`${path}.${key}`);
      visit(inner, `${path}.${key}`);
    }
    for (const inner of [...(anyOf ?? []), items]) visit(inner, path);
  };
  visit(JSON.parse(text), '');
  assert.deepEqual(bare, []);
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
    /the key "\.\.\/a"/,
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
  [
    'an unsigned bundle from a registry',
    { bundle: { source: 'oci://r.example.com/access:main' } },
    /bundle\.key.*signed/,
  ],
  [
    'an address of no image',
    { bundle: { source: 'oci://r.example.com/UPPER', key: 'k' } },
    /bundle\.source.*an image is named/,
  ],
  [
    'a password in the address of a registry',
    { bundle: { source: 'oci://a:b@r.example.com/access', key: 'k' } },
    /bundle\.source/,
  ],
  [
    'two ways to sign in to a registry',
    {
      bundle: {
        source: 'oci://r.example.com/access',
        key: 'k',
        token: { env: 'A' },
        registry: { username: 'ci', password: { env: 'B' } },
      },
    },
    /bundle\.registry.*one of them/,
  ],
  [
    'a bucket that lies nowhere',
    { bundle: { source: 's3://northwind/b.tar.gz', key: 'k' } },
    /bundle\.s3.*where the bucket is/,
  ],
  [
    'a store of buckets in clear text over the network',
    { bundle: { ...minimal.bundle, s3: { region: 'x', endpoint: 'http://o.example.com' } } },
    /bundle\.s3\.endpoint.*https/,
  ],
  [
    'half a pair of keys',
    { bundle: { ...minimal.bundle, s3: { region: 'x', access_key: { env: 'A' } } } },
    /bundle\.s3.*neither/,
  ],
  [
    'the password for a registry in the file itself',
    { bundle: { ...minimal.bundle, registry: { username: 'ci', password: 'hunter2' } } },
    /env: NAME/,
  ],
  [
    'half a client certificate',
    { bundle: { ...minimal.bundle, client_certificate: { cert: 'c.pem' } } },
    /client_certificate\.key/,
  ],
  [
    'signers of commits for what is no commit',
    { bundle: { source: 'https://b.example.com/x.tar.gz', key: 'k', allowed_signers: 'a' } },
    /bundle\.allowed_signers.*commits/,
  ],
  [
    'the same in the shadow',
    { bundle: { ...minimal.bundle, shadow: { source: 's3://northwind/b.tar.gz', allowed_signers: 'a' } } },
    /shadow\.key[\s\S]*shadow\.s3[\s\S]*shadow\.allowed_signers/,
  ],
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
  parse({ bundle: { source: 'oci://r.example.com/access:main', key: 'k', token: { env: 'A' } } });
  parse({ bundle: { source: 's3://northwind/b.tar.gz', key: 'k', s3: { region: 'eu-west-1' } } });
  parse({ ...minimal, trusted_proxies: ['10.0.0.0/8'] });
  parse({ ...minimal, admin: { host: '0.0.0.0', token: { env: 'ADMIN' } } });
  parse({ ...minimal, issuers: [{ issuer: 'http://127.0.0.1:4000', audience: 'x', algorithms: ['ES256'] }] });
});

test('reads how a source is reached: files from its folder, secrets from where they are', () => {
  const { bundle } = parse({
    bundle: {
      source: 'git+https://git.example.com/access#main',
      registry: { username: 'ci', password: { env: 'PW' } },
      s3: { region: 'eu-west-1', access_key: { env: 'AK' }, secret_key: { env: 'SK' } },
      client_certificate: { cert: 'c.pem', key: 'keys/c.pem' },
      ca: 'ca.pem',
      allowed_signers: 'signers',
      max_bytes: '20MB',
    },
  });
  assert.deepEqual(readSourceAccess(bundle, { PW: 'p', AK: 'a', SK: 's' }), {
    registry: { username: 'ci', password: 'p' },
    store: {
      region: 'eu-west-1',
      endpoint: undefined,
      pathStyle: false,
      keys: { accessKey: 'a', secretKey: 's', sessionToken: undefined },
    },
    tls: {
      identity: { cert: '/etc/grantgate/c.pem', key: '/etc/grantgate/keys/c.pem' },
      ca: '/etc/grantgate/ca.pem',
    },
    allowedSigners: '/etc/grantgate/signers',
    maxBytes: 20_000_000,
  });
  assert.throws(() => readSourceAccess(bundle, { PW: 'p', AK: 'a' }), /variable SK is not set/);
  assert.deepEqual(readSourceAccess(parse(minimal).bundle, {}), { maxBytes: 1_000_000_000 });
});

test('an error never repeats a secret', () => {
  assert.doesNotMatch(problems({ ...minimal, webhook: { secret: 'hunter2' } }), /hunter2/);
});

test('reads secrets from the environment and refuses a missing one by name', () => {
  assert.equal(readSecret({ env: 'A' }, { A: ' x ' }), 'x');
  assert.throws(() => readSecret({ env: 'B' }, {}), /variable B is not set/);
});

test('trusted proxies that add up to nearly everybody are refused, by family', () => {
  const problems = (trusted_proxies: string[]) => {
    try {
      parseConfig({ bundle: { source: 'git+file:///x' }, trusted_proxies }, '/gateway.yaml');
      return '';
    } catch (error) {
      return String(error);
    }
  };
  for (const blocks of [
    ['0.0.0.0/1', '128.0.0.0/1'],
    ['0.0.0.0/2', '64.0.0.0/2', '128.0.0.0/2', '192.0.0.0/2'],
    ['::/1', '8000::/1'],
    ['10.0.0.0/8', '::/2', '4000::/2', '8000::/2'],
  ])
    assert.match(problems(blocks), /add up to the whole internet/, blocks.join(' '));
  for (const blocks of [
    ['0.0.0.0/1'],
    ['0.0.0.0/1', '10.0.0.0/8', '127.0.0.0/8'],
    ['10.0.0.0/8', 'fd00::/8'],
  ])
    assert.equal(problems(blocks), '', blocks.join(' '));
});
