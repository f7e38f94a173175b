import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { importOpenapi } from '../../../bundle/import/importOpenapi.ts';
import { openSource } from '../../../bundle/import/openSource.ts';
import { readDocument } from '../../../bundle/openapi/readDocument.ts';
import { commandLine, started } from '../../_commandLine.ts';
import { suite } from '../../_suite.ts';
import { sampleTree } from '../_organisation.ts';

const test = suite('importOpenapi');
const source = (paths: string, rest = '') => ({
  document: readDocument(
    Buffer.from(`openapi: 3.0.3\ninfo: { title: Stores, version: "1" }\n${rest}\npaths:\n${paths}`),
    'x.yaml',
  ),
  beside: () => undefined,
});
const api = (operations: string) => `# Ours.
api: stores
description: Stores
owner: group:commerce
tier: low
upstream: http://stores.internal
route: { prefix: /stores, strip: true }
${operations}
roles: { reader: [listStores] }   # small
`;
const block = api(`operations:
  # What everybody uses.
  listStores: GET /stores   # paged

  mine: GET /stores/{storeId}   # a name of ours
  old: DELETE /stores/{id}`);

test('operations that the document opens to everybody are named, and opened by nobody', () => {
  const paths = `  /stores: { get: { operationId: listStores, security: [] } }
  /health: { get: { operationId: health, security: [] } }
  /maybe: { get: { operationId: maybe, security: [{ key: [] }, {}] } }
  /both: { get: { operationId: both, security: [{ key: [], other: [] }] } }
  /inherits: { get: { operationId: inherits } }`;
  const before = api('operations:\n  listStores: GET /stores');
  const closed = importOpenapi('stores', before, source(paths, 'security: [{ key: [] }]'), {});
  assert.equal(closed.open, ['health', 'maybe']);
  assert.not.match(closed.text, 'public');
  assert.equal(importOpenapi('stores', before, source(paths, 'security: []'), {}).open, [
    ...['health', 'maybe', 'inherits'],
  ]);
  assert.equal(importOpenapi('stores', before, source(paths), {}).open, ['health', 'maybe']);
  const open = before.replace('roles:', 'exceptions: { health: { public: true } }\nroles:');
  const named = open.replace('  listStores: GET /stores', '  listStores: GET /stores\n  health: GET /old');
  assert.equal(importOpenapi('stores', named, source(paths), {}).open, ['maybe']);
  assert.equal(importOpenapi('stores', closed.text, source(paths), {}).open, []);
});

test('what is new is added, what changed is changed, what is gone and what people wrote stays', () => {
  const { text, drift } = importOpenapi(
    'stores',
    block,
    source(`  /v2/stores: { get: { operationId: listStores } }
  /stores/{id}: { get: { operationId: getStore } }
  /stores/{id}:close: { post: { operationId: closeStore } }`),
    {},
  );
  assert.equal(drift, {
    added: [['closeStore', 'POST /stores/{id}:close']],
    changed: [['listStores', 'GET /stores', 'GET /v2/stores']],
    gone: [['old', 'DELETE /stores/{id}']],
  });
  assert.is(
    text,
    block
      .replace('listStores: GET /stores ', 'listStores: GET /v2/stores ')
      .replace(
        '  old: DELETE /stores/{id}',
        '  old: DELETE /stores/{id}\n  closeStore: POST /stores/{id}:close',
      ),
  );
  const again = importOpenapi(
    'stores',
    text,
    source('  /v2/stores: { get: { operationId: listStores } }'),
    {},
  );
  assert.is(again.text, text);
});

for (const [what, operations] of [
  ['in one line', 'operations: { listStores: GET /stores }'],
  ['in one line with a comma', 'operations: { listStores: GET /stores, }'],
  ['in several', 'operations: {\n  listStores: GET /stores,   # paged\n  }'],
  ['as nothing', 'operations: {}'],
  ['with a comment behind the last', 'operations:\n    listStores: "GET /stores" # paged'],
  ['with carriage returns', 'operations:\r\n  listStores: GET /stores\r'],
] as const)
  test(`operations written ${what} can be added to`, () => {
    const before = api(operations);
    const { text } = importOpenapi(
      'stores',
      before,
      source(
        '  /stores: { get: {}, post: { operationId: create } }\n  /a/{b}: { get: { operationId: getA } }',
      ),
      {},
    );
    const { drift } = importOpenapi(
      'stores',
      text,
      source('  /stores: { get: {}, post: {} }\n  /a/{b}: { get: {} }'),
      {},
    );
    assert.equal(drift, { added: [], changed: [], gone: [] });
    assert.ok(text.endsWith('roles: { reader: [listStores] }   # small\n'));
    for (const comment of before.match(/#.*$/gm) ?? []) assert.ok(text.includes(comment));
  });

test('a name that another operation has by hand is numbered, never taken over', () => {
  const written = api('operations:\n  getStore: GET /stores');
  const { drift } = importOpenapi(
    'stores',
    written,
    source(
      '  /stores: { get: { operationId: listStores } }\n  /stores/{id}: { get: { operationId: getStore } }',
    ),
    {},
  );
  assert.equal(drift, { added: [['getStore-2', 'GET /stores/{id}']], changed: [], gone: [] });
});

test('a new API takes what the document says and needs an owner', () => {
  const document = source(
    '  /stores: { get: { operationId: listStores } }',
    'servers: [{ url: https://s.example.com/v1 }]',
  );
  assert.throws(() => importOpenapi('stores', null, document, {}), /name --owner to have it written/);
  const { text } = importOpenapi('stores', null, document, { owner: 'group:commerce' });
  assert.match(text, 'upstream: "https://s.example.com"\n');
  assert.match(text, 'listStores: GET /v1/stores\n');
  assert.is(importOpenapi('stores', text, document, {}).text, text);
  const nowhere = source('  /stores: { get: {} }');
  assert.throws(() => importOpenapi('stores', null, nowhere, {}), /--owner and --upstream/);
});

test('an API with problems, or with a document of its own, is left alone', () => {
  const document = source('  /stores: { get: {} }');
  assert.throws(() => importOpenapi('stores', 'api: stores', document, {}), /mend that first/);
  assert.throws(
    () => importOpenapi('stores', api('openapi: ./stores.openapi.yaml'), document, {}),
    /takes its operations from \.\/stores\.openapi\.yaml/,
  );
});

test('a file may refer to its own folder only, also through links', async () => {
  const root = await mkdtemp(join(tmpdir(), 'grantgate-import-'));
  try {
    await mkdir(join(root, 'docs/parts'), { recursive: true });
    await writeFile(join(root, 'secret.yaml'), 'get: { operationId: secret }');
    await writeFile(join(root, 'docs/parts/a.yaml'), 'get: { operationId: a }');
    await symlink('../../secret.yaml', join(root, 'docs/parts/link.yaml'));
    await writeFile(
      join(root, 'docs/x.yaml'),
      'openapi: 3.1.0\npaths: { /a: { $ref: parts/a.yaml }, /b: { $ref: parts/link.yaml }, /c: { $ref: ../secret.yaml } }',
    );
    const { document, beside } = await openSource(join(root, 'docs/x.yaml'));
    const { drift, unrouted } = importOpenapi(
      'x',
      null,
      { document, beside },
      {
        owner: 'group:a',
        upstream: 'http://x',
      },
    );
    assert.equal(drift.added, [['a', 'GET /a']]);
    assert.is(unrouted.length, 2);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('an address is fetched as it is named: no redirect, no user, no more than the bound', async () => {
  const server = createServer(({ url }, response) => {
    if (url === '/moved') response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    else if (url === '/large') {
      response.on('error', () => {});
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1 << 20, 32)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    } else if (url === '/none') response.writeHead(404).end();
    else
      response.end('{"openapi":"3.0.0","paths":{"/a":{"get":{"operationId":"a"}},"/b":{"$ref":"b.yaml"}}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const refused = async (url: string) =>
    openSource(url).then(
      () => 'opened',
      (error: Error) => error.message,
    );
  try {
    const opened = await openSource(`${base}/x`);
    const { drift, unrouted } = importOpenapi('x', null, opened, { owner: 'group:a', upstream: 'http://x' });
    assert.equal([drift.added.length, unrouted.length], [1, 1]);
    assert.match(await refused(`${base}/moved`), 'sends on to http://169.254.169.254/');
    assert.match(await refused(`${base}/large`), 'is larger than');
    assert.match(await refused(`${base}/none`), 'answered 404');
    assert.match(await refused(base.replace('//', '//ann:secret@')), 'must not hold a user');
    assert.match(await refused('http://127.0.0.1:1/x'), 'cannot be fetched');
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('as a command it writes, names the grants that need what is gone, and exits 1 when it compares', async () => {
  const sample = await sampleTree();
  const given = ['import', 'openapi', join(sample.root, 'new.yaml'), '--root', sample.root];
  const run = (...args: string[]) => commandLine([...given, ...args], { cwd: sample.root });
  try {
    await writeFile(
      join(sample.root, 'new.yaml'),
      'openapi: 3.0.0\npaths:\n  /v1/orders: { get: {} }\n  /v1/refunds: { post: { operationId: refund } }\n',
    );
    const compared = await started([...given, '--api', 'orders', '--compare'], { cwd: sample.root });
    assert.is(compared.code, 1, compared.stderr);
    assert.match(compared.stdout, '+ refund: POST /v1/refunds');
    assert.match(compared.stdout, /- getOrder: .* given by orders-billing-read/);
    const file = join(sample.root, 'grants/apis/orders.yaml');
    assert.not.match(await readFile(file, 'utf8'), 'refund');
    assert.is((await run('--api', 'orders')).code, 0);
    assert.match(await readFile(file, 'utf8'), 'refund: POST /v1/refunds');
    assert.match(await readFile(file, 'utf8'), 'getOrder: ');
    assert.is((await run('--api', '../orders')).code, 2);
    assert.is((await run('--api', 'fresh')).code, 2);
    // Also where there is no API yet, and no folder for any.
    const began = ['--root', join(sample.root, 'elsewhere'), '--api', 'fresh', '--owner', 'group:shop'];
    await mkdir(join(sample.root, 'elsewhere'));
    const first = await run(...began, '--upstream', 'http://fresh.internal');
    assert.is(first.code, 0, first.stderr);
    assert.match(
      await readFile(join(sample.root, 'elsewhere/grants/apis/fresh.yaml'), 'utf8'),
      'refund: POST',
    );
  } finally {
    await sample.remove();
  }
});
