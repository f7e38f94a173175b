import * as assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ForgeOptions, forgeTarget } from '../../../commands/arguments/forgeTarget.ts';
import { UsageError } from '../../../commands/arguments/usageError.ts';
import { suite } from '../../_suite.ts';

const test = suite('which forge, and as whom');
const folder = mkdtempSync(join(tmpdir(), 'grantgate-target-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const [appKey, wrong] = [join(folder, 'app.pem'), join(folder, 'public.pem')];
writeFileSync(appKey, privateKey.export({ type: 'pkcs1', format: 'pem' }));
writeFileSync(wrong, publicKey.export({ type: 'spki', format: 'pem' }));

const options: ForgeOptions = {
  ...{ repository: 'acme/access', forge: 'https://api.github.com', base: 'main' },
  ...{ tokenEnv: 'GRANTGATE_NO_SUCH_TOKEN', app: '7', appKey, installation: '9' },
};

test('an App acts by its key as GitHub gives it, without any token', () => {
  const { appAuth, token } = forgeTarget(options);
  assert.equal(token, undefined);
  assert.deepEqual([appAuth?.appId, appAuth?.installationId], ['7', '9']);
  assert.match(appAuth?.privateKey ?? '', /^-----BEGIN PRIVATE KEY-----/);
});

test('what is missing or wrong is said by its option, and never what stands in a key', () => {
  for (const [changes, problem] of [
    [{ app: 'seven' }, /^--app must be a number/],
    [{ installation: '9; rm' }, /^--installation must be a number/],
    [{ installation: undefined }, /--installation ID/],
    [{ appKey: undefined }, /--app-key FILE/],
    [{ appKey: join(folder, 'none.pem') }, /^--app-key must be a file with a private key/],
    [{ appKey: wrong }, /^--app-key must be a file with a private key/],
    [{ app: undefined }, /GRANTGATE_NO_SUCH_TOKEN must hold a token/],
    [{ forge: 'https://github.acme.example' }, /^--forge must be the API's address, https:\/\/HOST\/api\/v3/],
    [{ forge: 'not an address' }, /^--forge must be/],
    [{ repository: 'acme' }, /^--repository must be OWNER\/NAME/],
  ] as const) {
    const given = Object.fromEntries(
      Object.entries({ ...options, ...changes }).filter(([, value]) => value !== undefined),
    ) as ForgeOptions;
    assert.throws(
      () => forgeTarget(given),
      (error) => error instanceof UsageError && problem.test(error.message) && !/BEGIN/.test(error.message),
    );
  }
  for (const forge of [
    'https://github.acme.example/api/v3',
    'https://api.acme.ghe.com',
    'http://127.0.0.1:80/api/v3',
  ])
    assert.equal(forgeTarget({ ...options, forge }).baseUrl, forge);
});
