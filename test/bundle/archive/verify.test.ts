import { createHmac, createPublicKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { constants, crc32, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import * as assert from 'uvu/assert';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import { readVerifyKey } from '../../../bundle/archive/keys.ts';
import { pack } from '../../../bundle/archive/pack.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { sign } from '../../../bundle/archive/sign.ts';
import { verify } from '../../../bundle/archive/verify.ts';
import { canonicalJson } from '../../../bundle/format/canonicalJson.ts';
import { dataDigest } from '../../../bundle/format/digest.ts';
import { packTarball, unpackTarball } from '../../../bundle/format/tarball.ts';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import type { Opa } from '../../../bundle/policy/opa.ts';
import { suite } from '../../_suite.ts';
import { folder, keyPair, sampleBundle } from '../_opa.ts';

const test = suite('verify');
const ec = keyPair('ec');
const rsa = keyPair('rsa');
const signingKey = readSigningKey(ec.secret);
const verifyKey = readVerifyKey(ec.open);

let bundle: Bundle;
let opa: Opa;
let files: Map<string, Buffer>;
test.before(async () => {
  ({ bundle, opa } = await sampleBundle());
  files = await unpackTarball(await pack(bundle, null), { bytes: () => 1e9, total: 1e9, files: 100 });
});

async function refusal(archive: Buffer, key = verifyKey, limits?: { packed: number; unpacked: number }) {
  try {
    await verify(archive, key, limits);
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
/** Signs what `change` made of the files, and packs it; the manifest tells the sizes of what it made, as a packer would. */
function signed(change: (files: Map<string, Buffer>) => void = () => {}, key = signingKey): Promise<Buffer> {
  const changed = new Map(files);
  change(changed);
  retold(changed);
  changed.set('.signatures.json', sign(changed, key));
  return packTarball(changed);
}
function retold(changed: Map<string, Buffer>): void {
  const told = [...changed].filter(([name]) => !name.startsWith('.')).sort(([a], [b]) => (a < b ? -1 : 1));
  const sizes = JSON.stringify(Object.fromEntries(told.map(([name, content]) => [name, content.length])));
  const manifest = String(changed.get('.manifest')).replace(/"bytes":\{[^}]*\}/, `"bytes":${sizes}`);
  changed.set('.manifest', Buffer.from(manifest));
}
/** Without the sizes, as a packer other than ours leaves it. */
const untold = (changed: Map<string, Buffer>) =>
  changed.set('.manifest', Buffer.from(String(changed.get('.manifest')).replace(/"bytes":\{[^}]*\},/, '')));
/** Changes the files after signing. */
async function tampered(change: (files: Map<string, Buffer>) => void): Promise<Buffer> {
  const changed = new Map(files);
  changed.set('.signatures.json', sign(changed, signingKey));
  change(changed);
  return packTarball(changed);
}
const edit = (name: string, from: string, to: string) => (changed: Map<string, Buffer>) => {
  const text = String(changed.get(name));
  assert.ok(text.includes(from), `${name} holds ${from}`);
  changed.set(name, Buffer.from(text.replace(from, to)));
};
/** Replaces data.json and keeps the manifest in step, as a signer gone wrong would. */
const withData = (from: string, to: string) => (changed: Map<string, Buffer>) => {
  edit('data.json', from, to)(changed);
  edit(
    '.manifest',
    bundle.digest,
    `sha256:${dataDigest(changed.get('data.json') ?? Buffer.alloc(0))}`,
  )(changed);
};
type Header = Parameters<tar.Pack['entry']>[0];

/** An archive of headers as given, past what the packer would write. */
async function raw(entries: readonly [Header, string | Buffer][]): Promise<Buffer> {
  const packer = tar.pack();
  const chunks: Buffer[] = [];
  packer.on('data', (chunk) => chunks.push(chunk as Buffer));
  const ended = new Promise<void>((resolve) => packer.on('end', () => resolve()));
  for (const [header, content] of entries) packer.entry(header, content);
  packer.finalize();
  await ended;
  return gzipSync(Buffer.concat(chunks));
}
const entriesOf = (all: ReadonlyMap<string, Buffer>): [Header, Buffer][] =>
  [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, content]) => [{ name: `/${name}` }, content]);
const allFiles = () => new Map([...files, ['.signatures.json', sign(files, signingKey)]]);

test('accepts what pack made and gives the same bundle back', async () => {
  const found = await verify(await pack(bundle, signingKey), verifyKey);
  assert.equal({ ...found, policies: [...found.policies] }, { ...bundle, policies: [...bundle.policies] });
  assert.is(
    await refusal(await pack(bundle, readSigningKey(rsa.secret)), readVerifyKey(rsa.open)),
    'accepted',
  );
  // A private key stands for its public half.
  assert.is(await refusal(await pack(bundle, signingKey), readVerifyKey(ec.secret)), 'accepted');
});

test('refuses an unsigned archive, unless it is only to be looked at', async () => {
  assert.is(await refusal(await pack(bundle, null)), 'signature-missing');
  assert.is((await verify(await pack(bundle, null), null)).revision, bundle.revision);
});

test('refuses a signature by another key, of either kind', async () => {
  assert.is(await refusal(await pack(bundle, readSigningKey(keyPair('ec').secret))), 'signature-invalid');
  assert.is(await refusal(await pack(bundle, readSigningKey(rsa.secret))), 'signature-algorithm');
  // The key id is a name, not a choice: another key under the same name is another key.
  assert.is(
    await refusal(await pack(bundle, readSigningKey(keyPair('ec').secret, 'default'))),
    'signature-invalid',
  );
});

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (bytes: Buffer): [string, string, string] => JSON.parse(String(bytes)).signatures[0].split('.');
const forged = (make: (header: string, payload: string, signature: string) => unknown) =>
  tampered((changed) => {
    const [header, payload, signature] = token(changed.get('.signatures.json') ?? Buffer.alloc(0));
    changed.set('.signatures.json', Buffer.from(JSON.stringify(make(header, payload, signature))));
  });

test('the key decides the algorithm: none, HS256 with the public key and a kid swap are refused', async () => {
  const hs256 = (header: string, payload: string) => {
    const text = `${header}.${payload}`;
    const secrets = [ec.open, createPublicKey(ec.open).export({ type: 'spki', format: 'der' })];
    return secrets.map(
      (secret) => `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`,
    );
  };
  for (const index of [0, 1]) {
    const archive = await forged((_, payload) => ({
      signatures: [hs256(part({ alg: 'HS256', kid: 'default' }), payload)[index]],
    }));
    assert.is(await refusal(archive), 'signature-algorithm');
    // With the header left as it was, an HMAC is just a wrong signature.
    const disguised = await forged((header, payload) => ({ signatures: [hs256(header, payload)[index]] }));
    assert.is(await refusal(disguised), 'signature-invalid');
  }
  for (const alg of ['none', 'nOnE', 'ES384', 'RS256', 'es256', '']) {
    const archive = await forged((_, payload, signature) => ({
      signatures: [`${part({ alg, kid: 'default' })}.${payload}.${signature}`],
    }));
    assert.is(await refusal(archive), 'signature-algorithm', alg);
  }
  const swapped = await forged((_, payload, signature) => ({
    signatures: [`${part({ alg: 'ES256', kid: 'other' })}.${payload}.${signature}`],
  }));
  assert.is(await refusal(swapped), 'signature-invalid');
});

test('refuses malformed signature documents', async () => {
  const cases: [make: (header: string, payload: string, signature: string) => unknown, code: string][] = [
    [() => ({ signatures: [] }), 'signature-malformed'],
    [(h, p, s) => ({ signatures: [`${h}.${p}.${s}`, `${h}.${p}.${s}`] }), 'signature-malformed'],
    [(h, p, s) => ({ signatures: [`${h}.${p}.${s}`], plugin: 'x' }), 'signature-malformed'],
    [(h, p) => ({ signatures: [`${h}.${p}.`] }), 'signature-malformed'],
    [(h, p) => ({ signatures: [`${h}.${p}`] }), 'signature-malformed'],
    [(h, p, s) => ({ signatures: [`${h}.${p}.${s}.x`] }), 'signature-malformed'],
    [(h, p, s) => ({ signatures: [`${h}.${p}.${s}=`] }), 'signature-malformed'],
    [(h, p, s) => ({ signatures: [`${h} .${p}.${s}`] }), 'signature-malformed'],
    [(_, p, s) => ({ signatures: [`${part([])}.${p}.${s}`] }), 'signature-malformed'],
    [(h, p, s) => ({ signatures: [`${h}.${p}.${s.slice(0, -2)}`] }), 'signature-invalid'],
    [
      (h, p) => ({ signatures: [`${h}.${p}.${Buffer.alloc(64).toString('base64url')}`] }),
      'signature-invalid',
    ],
    [(h, _, s) => ({ signatures: [`${h}.${part({ files: [] })}.${s}`] }), 'signature-invalid'],
    [(h, p, s) => ({ signatures: [`${h}.${p}.${s}`] }), 'accepted'],
  ];
  for (const [make, code] of cases) assert.is(await refusal(await forged(make)), code, String(make));
});

test('refuses a file that was changed, added, left out or renamed after signing', async () => {
  const wasm = (changed: Map<string, Buffer>) => {
    const bytes = Buffer.from(changed.get('policy.wasm') ?? Buffer.alloc(0));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    changed.set('policy.wasm', bytes);
  };
  const policy = 'policies/authz/decision.rego';
  const cases: [change: (files: Map<string, Buffer>) => void, code: string][] = [
    [edit('data.json', 'orders-ann-edit', 'orders-ann-edot'), 'digest-mismatch'],
    [edit('.manifest', '"counter":1', '"counter":9'), 'digest-mismatch'],
    [edit(policy, 'package', 'Package'), 'digest-mismatch'],
    [edit(policy, 'package', 'package '), 'size-mismatch'],
    [wasm, 'digest-mismatch'],
    [(changed) => changed.set('policies/authz/more.rego', Buffer.from('package x')), 'signature-files'],
    [(changed) => changed.delete(policy), 'signature-files'],
    [
      (changed) => {
        changed.set('policies/authz/other.rego', changed.get(policy) ?? Buffer.alloc(0));
        changed.delete(policy);
      },
      'signature-files',
    ],
    [(changed) => changed.delete('policy.wasm'), 'archive-files'],
    [(changed) => changed.delete('data.json'), 'archive-files'],
    [(changed) => changed.delete('.manifest'), 'archive-files'],
    [(changed) => changed.delete('.signatures.json'), 'signature-missing'],
    [(changed) => changed.set('other.json', Buffer.from('{}')), 'archive-files'],
    [() => {}, 'accepted'],
  ];
  for (const [change, code] of cases) assert.is(await refusal(await tampered(change)), code, String(change));
});

test('a line feed put into data.json does not go unseen, though the digest leaves line feeds out', async () => {
  const hidden = edit('data.json', '"operations":["listOrders"]', '"operations":[\n"listOrders"]');
  assert.is(await refusal(await tampered(hidden)), 'size-mismatch');
  // Where no size is told, it is the line form that shows it.
  const plain = new Map(files);
  untold(plain);
  plain.set('.signatures.json', sign(plain, signingKey));
  hidden(plain);
  assert.is(await refusal(await packTarball(plain)), 'data-malformed');
});

test('refuses a manifest that says something else, even when signed', async () => {
  const cases: [change: (files: Map<string, Buffer>) => void, code: string][] = [
    [edit('.manifest', '"counter":1', '"counter":1.5'), 'manifest-invalid'],
    [edit('.manifest', '"counter":1', '"counter":"1"'), 'manifest-invalid'],
    [edit('.manifest', '"counter":1', '"counter":0'), 'manifest-invalid'],
    [edit('.manifest', '"counter":1', '"counter":1,"more":1'), 'manifest-invalid'],
    [edit('.manifest', '"counter":1', '"counter":2,"counter":1'), 'manifest-invalid'],
    [edit('.manifest', '"grants":5', '"grants":6'), 'manifest-invalid'],
    [edit('.manifest', '"grants",', '"grants","more",'), 'manifest-invalid'],
    [edit('.manifest', 'grantgate/authz/decision', 'grantgate/authz/open'), 'manifest-invalid'],
    [edit('.manifest', '/policy.wasm', '/policies.wasm'), 'manifest-invalid'],
    [edit('.manifest', '"rego_version":1', '"rego_version":0'), 'manifest-invalid'],
    [edit('.manifest', bundle.revision, 'main'), 'manifest-invalid'],
    [edit('.manifest', '2026-11-23T10:00:00Z', 'yesterday'), 'manifest-invalid'],
    [edit('.manifest', '{"metadata"', '{ "metadata"'), 'manifest-invalid'],
    [(changed) => changed.set('.manifest', Buffer.from('{')), 'manifest-invalid'],
    [edit('.manifest', bundle.digest, `sha256:${'0'.repeat(64)}`), 'digest-mismatch'],
    [edit('.manifest', '"grants":5', '"grants":5,"rollback":{"from":7}'), 'manifest-invalid'],
    [edit('.manifest', '"grants":5', '"grants":5,"rollback":{"from":1,"nth":1}'), 'manifest-invalid'],
    [edit('.manifest', '"grants":5', '"grants":5,"rollback":{"from":7,"nth":0}'), 'manifest-invalid'],
    [edit('.manifest', '"grants":5', '"grants":5,"rollback":{"from":7,"nth":1}'), 'accepted'],
    [edit('.manifest', '"grants":5', '"grants":5,"valid_until":"soon"'), 'manifest-invalid'],
    [edit('.manifest', '"grants":5', '"grants":5,"valid_until":"2026-12-01T00:00:00Z"'), 'accepted'],
    [edit('.manifest', '"grants":5', '"golden":[{"api":"orders"}],"grants":5'), 'manifest-invalid'],
    [edit('.manifest', '"grants":5', '"golden":[],"grants":5'), 'accepted'],
    [edit('.manifest', '"counter":1', '"counter":2'), 'accepted'],
  ];
  for (const [change, code] of cases) assert.is(await refusal(await signed(change)), code, String(change));
});

test('what a later version says in a manifest is refused by its name, with what to do', async () => {
  const later = await signed(edit('.manifest', '"grants":5', '"grants":5,"moons":[1]'));
  const error = await verify(later, verifyKey).catch((failed) => failed);
  assert.match(
    error.message,
    /metadata\.grantgate has "moons", which this version does not know: upgrade gateways before/,
  );
});

test('refuses data.json out of form, even when signed', async () => {
  assert.is(await refusal(await signed(withData('orders-ann-edit', 'orders-ann-edot'))), 'accepted');
  assert.is(await refusal(await signed(withData('"group:commerce":[', '"zzz":['))), 'data-malformed');
  assert.is(await refusal(await signed(withData('"networks":', '"networks": '))), 'data-malformed');
});

test('refuses links, devices, folders, strange paths, duplicates and disorder', async () => {
  const good = entriesOf(allFiles());
  assert.is(await refusal(await raw(good)), 'accepted');
  const cases: [entry: Header, code: string][] = [
    [{ name: '/policies/authz/x.rego', type: 'symlink', linkname: '/etc/passwd' }, 'archive-entry'],
    [{ name: '/policies/authz/x.rego', type: 'link', linkname: '/data.json' }, 'archive-entry'],
    [{ name: '/policies/authz/x.rego', type: 'character-device' }, 'archive-entry'],
    [{ name: '/policies/authz/x.rego', type: 'fifo' }, 'archive-entry'],
    [{ name: '/policies/', type: 'directory' }, 'archive-entry'],
    [{ name: '/policies/authz/../../x.rego' }, 'archive-files'],
    [{ name: '//policies/authz/x.rego' }, 'archive-files'],
    [{ name: '/policies/authz//x.rego' }, 'archive-files'],
    [{ name: '/policies/authz/.rego' }, 'archive-files'],
    [{ name: 'policies/authz/x.rego' }, 'archive-files'],
    [{ name: '/policies/review/x.rego' }, 'archive-files'],
    [{ name: '/policies/authz/x.rego\u0000.txt' }, 'archive-files'],
    [{ name: '/DATA.json' }, 'archive-files'],
    [{ name: '/policy.wasm' }, 'archive-entry'],
    [{ name: '/data.json' }, 'archive-entry'],
  ];
  for (const [header, code] of cases) {
    const found = await refusal(await raw([...good, [header, '']]));
    assert.ok(
      [code, ...(header.name.includes('\u0000') ? ['signature-files', 'archive-entry'] : [])].includes(found),
      `${JSON.stringify(header)}: ${found}`,
    );
  }
  assert.is(await refusal(await raw([...good].reverse())), 'signature-missing');
});

test('refuses what is no whole archive', async () => {
  const archive = await pack(bundle, signingKey);
  assert.is(await refusal(Buffer.alloc(0)), 'archive-malformed');
  assert.is(await refusal(Buffer.from('no gzip')), 'archive-malformed');
  for (const length of [10, 100, archive.length >> 1, archive.length - 9])
    assert.is(await refusal(archive.subarray(0, length)), 'archive-malformed', String(length));
  assert.is(await refusal(gzipSync(Buffer.from('no tar at all'.repeat(100)))), 'archive-malformed');
  assert.is(await refusal(gzipSync(Buffer.alloc(0))), 'archive-files');
});

test('refuses sizes beyond the caps: packed, one file announced, all files, how many', async () => {
  const archive = await pack(bundle, signingKey);
  const roomy = { packed: archive.length, unpacked: 10_000_000 };
  assert.is(await refusal(archive, verifyKey, roomy), 'accepted');
  assert.is(await refusal(archive, verifyKey, { ...roomy, packed: archive.length - 1 }), 'archive-too-large');
  assert.is(await refusal(archive, verifyKey, { ...roomy, unpacked: 100_000 }), 'archive-too-large');
  assert.is(await refusal(archive, verifyKey, { ...roomy, unpacked: 1000 }), 'archive-too-large');
  const many = await signed((changed) => {
    for (let index = 0; index < 1000; index++) changed.set(`policies/authz/f${index}.rego`, Buffer.alloc(0));
  });
  assert.is(await refusal(many), 'archive-too-large');
});

test('what is signed is unpacked as far as the signed manifest promises, and no further', async () => {
  const zeros = Buffer.alloc(20 * 1024 * 1024);
  const policy = 'policies/authz/decision.rego';
  // The head of a genuine archive, with something else behind it.
  const behind = (name: string, content: Buffer, change: (files: Map<string, Buffer>) => void = () => {}) => {
    const changed = new Map(files);
    change(changed);
    const head = new Map([
      ['.manifest', changed.get('.manifest') ?? Buffer.alloc(0)],
      ['.signatures.json', sign(changed, signingKey)],
    ]);
    return raw([...entriesOf(head), [{ name: `/${name}` }, content]]);
  };
  assert.is(await refusal(await behind('data.json', zeros)), 'size-mismatch');
  assert.is(await refusal(await behind('policy.wasm', zeros)), 'size-mismatch');
  assert.is(await refusal(await behind(policy, Buffer.alloc(0))), 'size-mismatch');
  assert.is(await refusal(await behind('policies/authz/more.rego', Buffer.alloc(1e6))), 'signature-files');
  // A manifest that was not signed promises nothing.
  const larger = edit('.manifest', '"data.json":', '"data.json":1');
  const forgedHead = new Map(allFiles());
  larger(forgedHead);
  assert.is(await refusal(await packTarball(forgedHead)), 'digest-mismatch');
  // Where none is told, by the factor.
  const bomb = await behind('data.json', zeros, untold);
  assert.ok(bomb.length < 1e6, 'it is packed tight');
  assert.is(await refusal(bomb), 'archive-too-large');
  assert.is(await refusal(await signed(untold)), 'accepted');
  // Zeros behind the last file are no file, and bounded all the same.
  const tail = gzipSync(Buffer.concat([gunzipSync(await signed()), zeros]));
  assert.is(await refusal(tail), 'archive-too-large');
});

test('a promise over the ceiling is refused before anything is unpacked', async () => {
  const promising = await signed();
  const total = [...files].reduce((sum, [name, { length }]) => sum + (name.startsWith('.') ? 0 : length), 0);
  const roomy = { packed: 1e9, unpacked: total };
  assert.is(await refusal(promising, verifyKey, roomy), 'accepted');
  assert.is(await refusal(promising, verifyKey, { ...roomy, unpacked: total - 1 }), 'archive-too-large');
});

test('a gzip bomb that no key vouches for is refused in flat memory', async () => {
  const header = tarHeader('/.manifest', 5 * 1024 ** 3);
  // A first block that announces 5 GiB, and 256 MiB of zeros that would follow.
  const bomb = gzipOfZeros(header);
  const zeros = gzipOfZeros(
    Buffer.concat([entryOf('/.manifest', '{}'), tarHeader('/data.json', 256 * 1024 * 1024)]),
  );
  const blank = gzipOfZeros(Buffer.alloc(0));
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  assert.is(await refusal(bomb), 'archive-too-large');
  assert.is(await refusal(zeros), 'signature-missing');
  assert.is(
    await refusal(blank, verifyKey, { packed: 1e9, unpacked: 64 * 1024 * 1024 }),
    'archive-too-large',
  );
  const grown = (process.memoryUsage().rss - before) / 1024 / 1024;
  assert.ok(grown < 120, `grew by ${grown.toFixed(0)} MiB`);
});

/** What `gzip` makes of a beginning and 256 MiB of zeros behind it; each MiB is the same bytes, so it is deflated once. */
function gzipOfZeros(beginning: Buffer): Buffer {
  const mebibyte = Buffer.alloc(1024 * 1024);
  const flushed = { finishFlush: constants.Z_FULL_FLUSH };
  const block = deflateRawSync(mebibyte, flushed);
  const blocks = Array.from({ length: 256 }, () => block);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(
    blocks.reduce((sum) => crc32(mebibyte, sum), crc32(beginning)),
    0,
  );
  trailer.writeUInt32LE(beginning.length + 256 * mebibyte.length, 4);
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  const body = [deflateRawSync(beginning, flushed), ...blocks, deflateRawSync(Buffer.alloc(0))];
  return Buffer.concat([header, ...body, trailer]);
}

function tarHeader(name: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(size < 8 ** 11 ? `${size.toString(8).padStart(11, '0')} ` : '77777777777 ', 124);
  block.write('00000000000 ', 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
const entryOf = (name: string, content: string) =>
  Buffer.concat([tarHeader(name, content.length), Buffer.from(content.padEnd(512, '\0'))]);

test('refuses a module that is no policy, answers another question or needs what is not there', async () => {
  const withWasm = (bytes: Buffer) => signed((changed) => changed.set('policy.wasm', bytes));
  assert.is(await refusal(await withWasm(Buffer.from('no module'))), 'wasm-invalid');
  // (module): valid, but no policy.
  assert.is(await refusal(await withWasm(Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))), 'wasm-invalid');
  // (module (import "env" "opa_steal" (func)))
  const foreign = [
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    1,
    4,
    1,
    0x60,
    0,
    0,
    2,
    17,
    1,
    3,
    ...Buffer.from('env'),
    9,
    ...Buffer.from('opa_steal'),
    0,
    0,
  ];
  const found = await verify(await withWasm(Buffer.from(foreign)), verifyKey).catch((error) => error);
  assert.is(found.code, 'wasm-invalid');
  assert.match(found.message, 'imports env.opa_steal');

  const cache = await folder();
  try {
    const source = 'package grantgate.authz\n\ndecision := {"allow": false}\n\nopen := true\n\nany := true\n';
    const compiled = (entrypoint: string) =>
      compilePolicy(opa, new Map([['policies/authz/x.rego', Buffer.from(source)]]), entrypoint, {
        cache: cache.path,
      });
    // A compiled policy, but of another Rego than the one beside it.
    const other = await withWasm(await compiled('grantgate/authz/decision'));
    assert.is(await refusal(other), 'policy-unexamined');
    assert.is(await refusal(await withWasm(await compiled('grantgate/authz/open'))), 'wasm-entrypoint');

    const built = async (text: string, ...entrypoints: string[]) => {
      await writeFile(`${cache.path}/x.rego`, text);
      const asked = entrypoints.flatMap((name) => ['-e', `grantgate/authz/${name}`]);
      await opa.run(['build', '-t', 'wasm', ...asked, 'x.rego'], { cwd: cache.path });
      const bytes = await readFile(`${cache.path}/bundle.tar.gz`);
      const inside = await unpackTarball(bytes, { bytes: () => 1e9, total: 1e9, files: 100, anyOrder: true });
      return withWasm(inside.get('policy.wasm') ?? Buffer.alloc(0));
    };
    // The module tells of the one before the decision, and of the other behind it.
    for (const other of ['open', 'any'])
      assert.is(await refusal(await built(source, 'decision', other)), 'wasm-entrypoint', other);
    // A built-in that opa compiles and no runtime here has; our capabilities file keeps it out of our own builds.
    const sends = 'package grantgate.authz\n\ndecision := {"allow": http.send(input).status_code == 200}\n';
    assert.is(await refusal(await built(sends, 'decision')), 'wasm-builtin');
  } finally {
    await cache.remove();
  }
});

test('a policy that was changed, added or never examined is refused, though its signer vouches for it', async () => {
  const path = 'policies/authz/decision.rego';
  const changes: ((changed: Map<string, Buffer>) => void)[] = [
    (changed) => changed.set(path, Buffer.from(`${changed.get(path)}\n# changed\n`)),
    (changed) => changed.set('policies/authz/more.rego', Buffer.from('package grantgate.authz\n')),
    (changed) => {
      const { metadata, ...manifest } = JSON.parse(String(changed.get('.manifest')));
      const { examined, ...told } = metadata.grantgate;
      assert.ok(examined);
      changed.set('.manifest', Buffer.from(canonicalJson({ ...manifest, metadata: { grantgate: told } })));
    },
  ];
  assert.is(await refusal(await signed()), 'accepted');
  for (const change of changes) assert.is(await refusal(await signed(change)), 'policy-unexamined');
});

test('keys: P-256 and RSA from 2048 bits; nothing of a key is told', () => {
  assert.is(readVerifyKey(ec.open).algorithm, 'ES256');
  assert.is(readSigningKey(rsa.secret).algorithm, 'RS256');
  for (const read of [
    () => readSigningKey(ec.open),
    () => readSigningKey('x'),
    () => readVerifyKey('secret'),
  ])
    assert.throws(
      read,
      (error: { code: string; message: string }) =>
        error.code === 'key-unsupported' && !error.message.includes('secret'),
    );
  assert.is(signingKey.sign('x').toString('hex'), signingKey.sign('x').toString('hex'));
  assert.ok(verifyKey.verify('x', signingKey.sign('x')));
  assert.not(verifyKey.verify('y', signingKey.sign('x')));
  assert.is(signingKey.keyid, 'default');
});
