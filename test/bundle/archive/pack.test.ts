import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { sign } from '../../../bundle/archive/sign.ts';
import { readVerifyKey, verify } from '../../../bundle/archive/verify.ts';
import { canonicalJson } from '../../../bundle/format/canonicalJson.ts';
import { dataDigest } from '../../../bundle/format/digest.ts';
import { packTarball, unpackTarball } from '../../../bundle/format/tarball.ts';
import type { FoundOpa } from '../../../bundle/policy/opa.ts';
import { suite } from '../../_suite.ts';
import { folder, keyPair, sampleBundle } from '../_opa.ts';

const test = suite('pack');
const keys = { ES256: keyPair('ec'), RS256: keyPair('rsa') };
const algorithms = ['ES256', 'RS256'] as const;
const any = { bytes: () => 1e9, total: 1e9, files: 100 };

let bundle: Bundle;
let opa: FoundOpa;
let work: Awaited<ReturnType<typeof folder>>;
test.before(async () => {
  ({ bundle, opa } = await sampleBundle());
  work = await folder({
    'ES256.pem': keys.ES256.secret,
    'ES256.pub': keys.ES256.open,
    'RS256.pem': keys.RS256.secret,
    'RS256.pub': keys.RS256.open,
    'other.pub': keyPair('ec').open,
  });
});
test.after(() => work.remove());

const write = async (name: string, bytes: Buffer) => {
  const path = join(work.path, name);
  await writeFile(path, bytes);
  return path;
};
/** Files of an archive with some replaced, packed again as they are. */
const repacked = async (archive: Buffer, change: (files: Map<string, Buffer>) => void) => {
  const files = await unpackTarball(archive, any);
  change(files);
  return packTarball(files);
};
const opaVerifies = (algorithm: string, key: string, path: string) =>
  opa.run(
    [
      'build',
      '--bundle',
      ...['--verification-key', join(work.path, key), '--signing-alg', algorithm],
      ...['--output', join(work.path, 'rebuilt.tar.gz'), path],
    ],
    { cwd: work.path },
  );

test('the same commit gives the same bytes, signed or not', async () => {
  const again = (await sampleBundle()).bundle;
  for (const key of [null, readSigningKey(keys.ES256.secret), readSigningKey(keys.RS256.secret)])
    assert.ok((await pack(bundle, key)).equals(await pack(again, key)));
});

for (const algorithm of algorithms) {
  test(`opa build accepts a bundle signed with ${algorithm}, and refuses a changed one or another key`, async () => {
    const archive = await pack(bundle, readSigningKey(keys[algorithm].secret));
    const good = await opaVerifies(algorithm, `${algorithm}.pub`, await write('good.tar.gz', archive));
    assert.is(good.code, 0, good.stdout + good.stderr);

    for (const path of ['data.json', '.manifest', 'policy.wasm', 'policies/authz/decision.rego']) {
      const changed = await repacked(archive, (files) => {
        const text = (files.get(path) ?? Buffer.alloc(0)).toString('latin1');
        const from = {
          'data.json': '"orders-ann-edit"',
          '.manifest': '"counter":1',
          'policy.wasm': 'opa_abort',
        }[path];
        files.set(
          path,
          Buffer.from(
            text.replace(from ?? 'default decision', (found) => found.replace(/\w$|1/, '2')),
            'latin1',
          ),
        );
        if (path === 'data.json')
          files.set(path, Buffer.from(text.replace('orders-ann-edit', 'orders-ann-edot')));
      });
      const refused = await opaVerifies(
        algorithm,
        `${algorithm}.pub`,
        await write('changed.tar.gz', changed),
      );
      assert.is.not(refused.code, 0, path);
      assert.match(refused.stdout + refused.stderr, 'digest mismatch');
    }
    const other = algorithm === 'ES256' ? 'other.pub' : 'ES256.pub';
    assert.is.not((await opaVerifies(algorithm, other, join(work.path, 'good.tar.gz'))).code, 0);
  });

  test(`a bundle signed by opa sign with ${algorithm} is accepted, and one that opa signed otherwise is not`, async () => {
    const path = await write('unsigned.tar.gz', await pack(bundle, null));
    const { code, stderr } = await opa.run(
      ['sign', '--signing-key', `${algorithm}.pem`, '--signing-alg', algorithm, '--bundle', path],
      { cwd: work.path },
    );
    assert.is(code, 0, stderr);
    const signatures = await readFile(join(work.path, '.signatures.json'));
    const signed = await repacked(await pack(bundle, null), (files) =>
      files.set('.signatures.json', signatures),
    );
    const key = readVerifyKey(keys[algorithm].open);
    assert.is((await verify(signed, key)).digest, bundle.digest);
    let refusal = '';
    await verify(signed, readVerifyKey(keyPair(algorithm === 'ES256' ? 'ec' : 'rsa').open)).catch((error) => {
      refusal = error.code;
    });
    assert.is(refusal, 'signature-invalid');

    // The digests are ours, file by file.
    const payload = (bytes: Buffer) =>
      JSON.parse(
        Buffer.from(JSON.parse(bytes.toString()).signatures[0].split('.')[1], 'base64url').toString(),
      );
    const ours = sign(
      await unpackTarball(await pack(bundle, null), any),
      readSigningKey(keys[algorithm].secret),
    );
    const byName = (files: { name: string }[]) => [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
    assert.equal(byName(payload(signatures).files), byName(payload(ours).files));
  });
}

test('opa signs any text to the same digest as ours, line feeds left out', async () => {
  const value = {
    apis: { a: '<&>"\\\b\f\n\r\t\u0000\u001f\u007f\u2028\u2029é😀', '\uff5e': 1, '😀': 2 },
    grants: {},
  };
  const data = Buffer.from(canonicalJson(value).replace(',"grants"', ',\n"grants"'));
  const path = await write(
    'any.tar.gz',
    await packTarball(
      new Map([
        ['.manifest', Buffer.from('{"revision":"x","roots":["apis","grants"]}')],
        ['data.json', data],
      ]),
    ),
  );
  const { code } = await opa.run(['sign', '--signing-key', 'RS256.pem', '--bundle', path], {
    cwd: work.path,
  });
  assert.is(code, 0);
  const document = JSON.parse(await readFile(join(work.path, '.signatures.json'), 'utf8'));
  const { files } = JSON.parse(Buffer.from(document.signatures[0].split('.')[1], 'base64url').toString());
  assert.is(files.find(({ name }: { name: string }) => name === 'data.json').hash, dataDigest(data));
});

test('opa inspect reads the manifest', async () => {
  const path = await write('inspect.tar.gz', await pack(bundle, readSigningKey(keys.ES256.secret)));
  const { code, stdout } = await opa.run(['inspect', '--format', 'json', path]);
  assert.is(code, 0);
  const { manifest } = JSON.parse(stdout);
  assert.is(manifest.revision, bundle.revision);
  assert.equal(manifest.roots, [
    'apis',
    'credentials',
    'grantgate/authz',
    'grants',
    'networks',
    'principals',
  ]);
  assert.equal(manifest.wasm, [{ entrypoint: 'grantgate/authz/decision', module: '/policy.wasm' }]);
  const sizes = [['data.json', bundle.data], ['policy.wasm', bundle.wasm], ...bundle.policies] as const;
  assert.equal(manifest.metadata.grantgate, {
    bytes: Object.fromEntries(sizes.map(([name, { length }]) => [name, length])),
    committed_at: '2026-11-23T10:00:00Z',
    counter: 1,
    digest: bundle.digest,
    examined: bundle.reads,
    grants: 5,
  });
});

/** The same bundle without its module: an opa built by Go cannot run WASM, and answers from the Rego. */
const regoOnly = (archive: Buffer, key: string) =>
  repacked(archive, (files) => {
    files.delete('policy.wasm');
    files.delete('.signatures.json');
    const { wasm, ...manifest } = JSON.parse(String(files.get('.manifest')));
    assert.ok(wasm);
    files.set('.manifest', Buffer.from(canonicalJson(manifest)));
    files.set('.signatures.json', sign(files, readSigningKey(key)));
  });
const input = (operation: string) =>
  JSON.stringify({
    subject: 'user:ann@example.com',
    groups: [],
    api: 'orders',
    operation,
    method: 'GET',
    path: '/v1/orders',
    networks: [],
    mfa: false,
    time: Date.UTC(2026, 10, 23) / 1000,
  });

test('opa eval answers from the bundle as from its own', async () => {
  const path = await write('rego.tar.gz', await regoOnly(await pack(bundle, null), keys.ES256.secret));
  const answer = async (operation: string) => {
    const { stdout } = await opa.run(
      ['eval', '--bundle', path, '--stdin-input', '--format', 'raw', 'data.grantgate.authz.decision'],
      { input: input(operation) },
    );
    return JSON.parse(stdout);
  };
  assert.equal(await answer('getOrder'), { allow: true, grants: ['orders-billing-read'], reason: 'granted' });
  assert.equal(await answer('createOrder'), { allow: false, grants: [], reason: 'condition-not-met' });
});

test('opa run serves the signed bundle with the verification key, and does not start with another', async () => {
  const path = await write('served.tar.gz', await regoOnly(await pack(bundle, null), keys.ES256.secret));
  const socket = join(work.path, 'opa.sock');
  const start = (key: string) => {
    const child = spawn(
      opa.path,
      [
        ...['run', '--server', '--addr', `unix://${socket}`, '--skip-version-check'],
        ...['--verification-key', join(work.path, key), '--signing-alg', 'ES256', '--bundle', path],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    return { child, closed, output: () => output };
  };
  const refused = start('other.pub');
  assert.is.not(await refused.closed, 0);
  assert.match(refused.output(), 'failed to verify');

  const served = start('ES256.pub');
  try {
    const ask = () =>
      new Promise<string>((resolve, reject) => {
        const call = request(
          { socketPath: socket, method: 'POST', path: '/v1/data/grantgate/authz/decision' },
          (response) => {
            let body = '';
            response.setEncoding('utf8');
            response.on('data', (chunk: string) => {
              body += chunk;
            });
            response.on('end', () => resolve(body));
          },
        );
        call.on('error', reject);
        call.end(`{"input":${input('listOrders')}}`);
      });
    let answer: string | null = null;
    for (let attempt = 0; attempt < 100 && answer === null && served.child.exitCode === null; attempt++) {
      answer = await ask().catch(() => null);
      if (answer === null) await sleep(100);
    }
    assert.ok(answer, served.output());
    assert.equal(JSON.parse(answer).result, {
      allow: true,
      grants: ['orders-billing-read'],
      reason: 'granted',
    });
  } finally {
    served.child.kill('SIGKILL');
    await served.closed;
  }
});
