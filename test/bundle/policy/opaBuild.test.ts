import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { readVerifyKey, verify } from '../../../bundle/archive/verify.ts';
import { compile } from '../../../bundle/compile/compile.ts';
import { breakLines } from '../../../bundle/data/breakLines.ts';
import { unpackTarball } from '../../../bundle/format/tarball.ts';
import { workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import type { Opa } from '../../../bundle/policy/opa.ts';
import { capabilitiesFile } from '../../../bundle/policy/policies.ts';
import { createPrepare } from '../../../gateway/decision/prepare.ts';
import { suite } from '../../_suite.ts';
import { folder, keyPair, sampleBundle } from '../_opa.ts';
import { sampleTree } from '../_organisation.ts';

const test = suite('opa build');
const keys = keyPair('ec');
const key = readVerifyKey(keys.open);
let bundle: Bundle;
let opa: Opa;
let work: Awaited<ReturnType<typeof folder>>;
test.before(async () => {
  ({ bundle, opa } = await sampleBundle());
  work = await folder({ 'key.pem': keys.secret, 'bundle.tar.gz': await pack(bundle, null) });
});
test.after(() => work.remove());

/** What `opa build` makes of our bundle, signed or not. */
async function built(...args: string[]): Promise<Buffer> {
  const { code, stderr } = await opa.run(
    ['build', '--bundle', 'bundle.tar.gz', '--output', 'built.tar.gz', ...args],
    { cwd: work.path },
  );
  assert.equal(code, 0, stderr);
  return readFile(join(work.path, 'built.tar.gz'));
}
const wasm = [
  '--target',
  'wasm',
  '--entrypoint',
  'grantgate/authz/decision',
  '--capabilities',
  capabilitiesFile,
];
const signing = ['--signing-key', 'key.pem', '--signing-alg', 'ES256'];

/** The same archive with its files changed, in the order that opa wrote them. */
async function changed(archive: Buffer, change: (files: [string, Buffer][]) => void): Promise<Buffer> {
  const limits = { bytes: () => 1e9, total: 1e9, files: 100, anyOrder: true };
  const files = [...(await unpackTarball(archive, limits))];
  change(files);
  const packed = tar.pack();
  for (const [name, content] of files) packed.entry({ name: `/${name}` }, content);
  packed.finalize();
  return gzipSync(await buffer(packed));
}
const refusal = (archive: Buffer, by = key) =>
  verify(archive, by).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );
const edit = (path: string, from: string, to: string) => (files: [string, Buffer][]) => {
  for (const file of files)
    if (file[0] === path) {
      assert.ok(file[1].includes(from), `${path} holds ${from}`);
      file[1] = Buffer.from(file[1].toString('latin1').replace(from, to), 'latin1');
    }
};

test('what opa built and signed is what we built, line feeds and all, and can be served', async () => {
  const verified = await verify(await built(...wasm, ...signing), key);
  assert.ok(verified.data.equals(bundle.data));
  assert.deepEqual(
    [verified.revision, verified.counter, verified.grants, verified.digest],
    [bundle.revision, bundle.counter, bundle.grants, bundle.digest],
  );
  assert.equal(createPrepare()(verified).revision, bundle.revision);
});

test('it is refused when another key signed it, or none', async () => {
  const archive = await built(...wasm, ...signing);
  assert.equal(await refusal(archive, readVerifyKey(keyPair('ec').open)), 'signature-invalid');
  assert.equal(await refusal(await built(...wasm)), 'signature-missing');
});

test('it is refused when anything in it was changed, added, left out or repeated', async () => {
  const archive = await built(...wasm, ...signing);
  const cases: [change: (files: [string, Buffer][]) => void, code: string][] = [
    [() => {}, 'accepted'],
    [edit('data.json', 'orders-ann-edit', 'orders-ann-edot'), 'digest-mismatch'],
    [edit('data.json', '"networks":', '"networks": '), 'data-malformed'],
    [edit('data.json', '"grants":{', '"grants":\n{'), 'data-malformed'],
    [edit('.manifest', '"counter":1', '"counter":2'), 'digest-mismatch'],
    [edit('policy.wasm', 'opa_abort', 'opa_abor2'), 'digest-mismatch'],
    [(files) => files.push(['other.json', Buffer.from('{}')]), 'archive-files'],
    [(files) => files.push(['../data.json', Buffer.from('{}')]), 'archive-files'],
    [(files) => files.push(['data.json', Buffer.from('{}')]), 'archive-entry'],
    [
      (files) =>
        files.splice(
          files.findIndex(([name]) => name === 'policy.wasm'),
          1,
        ),
      'archive-files',
    ],
    [
      (files) =>
        files.splice(
          files.findIndex(([name]) => name === '.manifest'),
          1,
        ),
      'archive-files',
    ],
    [(files) => files.splice(1, 0, ['x/policies/authz/b.rego', Buffer.from('package x')]), 'signature-files'],
  ];
  for (const [change, code] of cases)
    assert.equal(await refusal(await changed(archive, change)), code, String(change));
});

test('one whose policy is not compiled where the manifest says so is refused', async () => {
  assert.equal(await refusal(await built(...signing)), 'archive-files');
});

test('a bomb in its data is refused before it is kept, for no key vouches for it', async () => {
  const filled = async (bytes: number) =>
    changed(await built(...wasm, ...signing), (files) => {
      files[0] = ['data.json', Buffer.alloc(bytes, '[')];
      files.splice(
        files.findIndex(([name]) => name === '.signatures.json'),
        1,
      );
    });
  const bomb = await filled(96 * 2 ** 20);
  const within = await filled(15 * 2 ** 20);
  const before = process.memoryUsage.rss();
  assert.equal(await refusal(bomb), 'archive-too-large');
  assert.equal(await refusal(within), 'signature-missing');
  assert.ok(process.memoryUsage.rss() - before < 64 * 2 ** 20);
});

test('lines are put back where the compiler has them, whatever is in the document', async () => {
  for (const files of [
    {},
    { 'grants/access/payments/billing.yaml': null },
    {
      'grants/access/payments/billing.yaml': null,
      'grants/access/orders/billing.yaml': null,
      'grants/access/orders/commerce.yaml': null,
      'grants/directory/okta.yaml': null,
      'grants/directory/services.yaml': null,
      'grants/review.yaml': null,
    },
  ]) {
    const tree = await sampleTree(files);
    const { organisation } = await load(await workingTree(tree.root));
    await tree.remove();
    assert.ok(organisation !== null);
    const data = compile(organisation);
    const flat = Buffer.from(`${data.toString().replaceAll('\n', '')}\n`);
    assert.equal(breakLines(flat).toString(), data.toString());
  }
});
