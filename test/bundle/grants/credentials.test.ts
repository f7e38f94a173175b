import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { compile } from '../../../bundle/compile/compile.ts';
import { scanLines } from '../../../bundle/data/scanLines.ts';
import { workingTree } from '../../../bundle/git/tree.ts';
import { newKey } from '../../../bundle/grants/credentials.ts';
import { load } from '../../../bundle/grants/load.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { suite } from '../../_suite.ts';
import { type Files, sampleFiles, sampleTree } from '../_organisation.ts';

const test = suite('credentials');
const services = 'grants/directory/services.yaml';
const orders = 'grants/apis/orders.yaml';
const actions = 'https://token.actions.githubusercontent.com';

/** The sample, where the service mailer (which has one credential) has these instead. */
const held = (...credentials: string[]): Files => ({
  [services]: `${sampleFiles[services]?.split('      - spiffe_id')[0]}${credentials.map((one) => `      - ${one}\n`).join('')}`,
});

async function read(files: Files) {
  const sample = await sampleTree(files);
  try {
    return await load(await workingTree(sample.root));
  } finally {
    await sample.remove();
  }
}
const problemsOf = async (files: Files) => (await read(files)).problems.map(formatProblem);
async function compiled(files: Files) {
  const { organisation, problems } = await read(files);
  assert.equal(problems.map(formatProblem), []);
  if (organisation === null) throw new Error('no organisation');
  const data = compile(organisation);
  scanLines(data);
  return JSON.parse(data.toString());
}

test('every kind of credential is published under its service', async () => {
  const { credentials } = await compiled(
    held(
      'certificate_uri: urn:example:mailer',
      'certificate_dns: mailer.internal',
      'certificate_subject: "C=DE, O=Example, CN=mailer"',
      `jwt_claims: { issuer: "${actions}", claims: { repository: example/site, environment: live } }`,
    ),
  );
  assert.equal(credentials.certificate_uris, { 'urn:example:mailer': 'service:mailer' });
  assert.equal(credentials.certificate_dns, { 'mailer.internal': 'service:mailer' });
  assert.equal(credentials.certificate_subjects, { 'C=DE, O=Example, CN=mailer': 'service:mailer' });
  assert.equal(credentials.jwt_claims, [
    {
      claims: { environment: 'live', repository: 'example/site' },
      issuer: actions,
      service: 'service:mailer',
    },
  ]);
  assert.equal(credentials.spiffe_ids, {});
});

test("an API's ways to authenticate are published, sorted; none named means all", async () => {
  const named = `${sampleFiles[orders]}authentication: [jwt, client-certificate]\n`;
  const { apis } = await compiled({ [orders]: named });
  assert.equal(apis.orders.authentication, ['client-certificate', 'jwt']);
  assert.is(apis.payments.authentication, undefined);
  for (const wrong of ['[]', '[password]', '[jwt, jwt]', 'jwt'])
    assert.is((await problemsOf({ [orders]: `${sampleFiles[orders]}authentication: ${wrong}\n` })).length, 1);
});

const ours = (claims: string, issuer = actions) => `jwt_claims: { issuer: "${issuer}", claims: ${claims} }`;

test('claims must name whose repository it is, where anybody can get tokens', async () => {
  const told = await problemsOf(held(ours('{ ref: refs/heads/main, environment: live }')));
  assert.is(told.length, 1);
  assert.match(told[0] ?? '', /must name one of repository, .*anybody can get tokens/);
  assert.equal(await problemsOf(held(ours('{ ref: refs/heads/main, repository: example/site }'))), []);
  assert.equal(await problemsOf(held(ours('{ ref: refs/heads/main }', 'https://ci.example.com'))), []);
});

test('two services are not told apart by claims that one token could satisfy', async () => {
  const both = (one: string, other: string): Files => ({
    [services]: (held(ours(other))[services] as string).replace(
      '      - api_key_sha256',
      `      - ${ours(one)}\n      - api_key_sha256`,
    ),
  });
  const told = await problemsOf(both('{ repository: a/b }', '{ repository: a/b, ref: refs/heads/main }'));
  assert.is(told.length, 1);
  assert.match(told[0] ?? '', /services\.yaml:13:9: one token could satisfy this jwt_claims of "mailer"/);
  assert.equal(
    await problemsOf(
      both('{ repository: a/b, ref: refs/heads/next }', '{ repository: a/b, ref: refs/heads/main }'),
    ),
    [],
  );
  const twice = await problemsOf(both('{ repository: a/b }', '{ repository: a/b }'));
  assert.match(twice[0] ?? '', /this jwt_claims of "mailer" also belongs to "invoicer"/);
});

const wrong: [string, string, string][] = [
  [
    'a SPIFFE id as plain URI',
    'certificate_uri: spiffe://example.com/mailer',
    'certificate_uri: urn:x:mailer',
  ],
  ['a wildcard', 'certificate_dns: "*.internal"', 'certificate_dns: mailer.internal'],
  ['upper case in a host name', 'certificate_dns: Mailer.internal', 'certificate_dns: mailer.internal'],
  ['a subject without a key', 'certificate_subject: mailer', 'certificate_subject: CN=mailer'],
  [
    'a claim that is no text',
    ours('{ repository: a/b, run_attempt: 1 }'),
    ours('{ repository: a/b, run_attempt: "1" }'),
  ],
  ['no claims at all', ours('{}', 'https://ci.example.com'), ours('{ ref: x }', 'https://ci.example.com')],
  [
    'a claim beginning with an underscore',
    ours('{ repository: a/b, __proto__: x }'),
    ours('{ repository: a/b }'),
  ],
];
for (const [what, bad, good] of wrong)
  test(`refuses ${what}`, async () => {
    assert.ok((await problemsOf(held(bad))).length > 0);
    assert.equal(await problemsOf(held(good)), []);
  });

test('a new key is random, and its entry holds no more than its hash', async () => {
  const { key, api_key_sha256: sha256, yaml, service } = newKey('mailer');
  const [, id = '', secret = ''] = /^gg_([a-z0-9]{10})_([A-Za-z0-9_-]{43})$/.exec(key) ?? [];
  assert.is(service, 'service:mailer');
  assert.is(createHash('sha256').update(secret).digest('hex'), sha256);
  assert.is(yaml, `- api_key_sha256: "${sha256}" # gg_${id}`);
  assert.not(yaml.includes(secret));
  assert.is.not(newKey('mailer').key, key);
  const { credentials } = await compiled(held(yaml.slice(2)));
  assert.is(credentials.api_keys[sha256], 'service:mailer');
  assert.throws(() => newKey('two words'), /must be a name/);
});
