import * as assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { commitFiles, organisationFiles, sizesOf } from '../../../bench/bundle/organisation.ts';
import { BundleError } from '../../../bundle/bundleError.ts';
import { compile } from '../../../bundle/compile/compile.ts';
import { compilerVersion } from '../../../bundle/compile/compileStore.ts';
import { compileTree } from '../../../bundle/compile/compileTree.ts';
import { hashId } from '../../../bundle/compile/fragment.ts';
import { gitTree, type Tree, workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { suite } from '../../_suite.ts';
import { until } from '../../_until.ts';
import { memoryTree } from '../_memoryTree.ts';
import { type Files, runGit, type SampleTree, sampleFiles, sampleTree } from '../_organisation.ts';

const test = suite('compileTree');
const folders: string[] = [];
const freshFolder = async (name: string) => {
  const folder = await mkdtemp(join(tmpdir(), `grantgate-${name}-`));
  folders.push(folder);
  return folder;
};
let sample: SampleTree;
/** A cache that has seen the sample. */
let warm: string;
test.before(async () => {
  sample = await sampleTree({}, { git: true });
  warm = await freshFolder('warm');
  await incrementally(await gitTree(sample.root, 'main'), warm);
});
test.after(async () => {
  await sample.remove();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** What compiling all of it in memory gives: bytes, or the places and texts of problems. */
async function plainly(tree: Tree): Promise<string> {
  const { organisation, problems } = await load(tree);
  return organisation === null ? problems.map(formatProblem).join('\n') : compile(organisation).toString();
}

async function incrementally(tree: Tree, cache: string | null): Promise<string> {
  try {
    return (await compileTree(tree, cache)).data.toString();
  } catch (error) {
    if (!(error instanceof BundleError) || error.code !== 'grants-invalid') throw error;
    return error.problems.map(formatProblem).join('\n');
  }
}

/** The same tree, and the paths of what is read of it. */
function watched(tree: Tree): { tree: Tree; read: string[] } {
  const read: string[] = [];
  return {
    read,
    tree: {
      ...tree,
      async *stream(paths) {
        read.push(...paths);
        yield* tree.stream(paths);
      },
    },
  };
}

/** The sample with other files in it, as Git has it, without a process for each look at it. */
const committed = (files: Files): Tree => memoryTree({ ...sampleFiles, ...files }, { committed: true });

const billing = 'grants/access/orders/billing.yaml';
const commerce = 'grants/access/orders/commerce.yaml';
const payments = 'grants/access/payments/billing.yaml';
const text = (path: string) => sampleFiles[path] ?? '';
const grant = (id: string, api = 'orders', more = 'role: reader') =>
  `- { id: ${id}, principal: "user:ann@example.com", api: ${api}, ${more}, reason: x, owner: "group:billing", granted: 2026-01-01 }\n`;

/** Two ids that `hashId` cannot tell apart, as somebody may look for: then both are compared in full. */
const alike = [
  'gwzxyyaog3zx33ea2uja1padepvu2uja1padepvu2uja1padepvu2ujag3zxepvuzwfo',
  'gwzx1kia1pad33eazwfo1padepvu2uja1pad33eazwfog3zxepvuzwfog3zx33ea2uja',
] as const;

const trees: [what: string, files: Files][] = [
  ['nothing changed', {}],
  ['a principal in several files', { [commerce]: text(commerce) + grant('a-first') + grant('z-last') }],
  ['an API without grants', { [payments]: null }],
  ['a file without grants', { [payments]: '[]\n' }],
  [
    'no networks, no services used',
    { [billing]: grant('only-one'), 'grants/review.yaml': null, [commerce]: null },
  ],
  [
    'a grant moved to another file',
    { [payments]: text(payments) + grant('new-one', 'payments', 'role: payer') },
  ],
  ['two ids of one hash', { [commerce]: text(commerce) + grant(alike[0]) + grant(alike[1]) }],
  ['comments only', { [payments]: '# nothing yet\n' }],
];
const broken: [what: string, files: Files][] = [
  ['a file that is no YAML', { [billing]: '- id: [\n' }],
  ['a role the API does not have', { [billing]: grant('orders-billing-read', 'orders', 'role: owner') }],
  [
    'an operation the API does not have',
    { [payments]: grant('x-y-z', 'payments', 'operations: [getOrder]') },
  ],
  [
    'an id taken in the same file',
    { [commerce]: text(commerce) + grant('twice-here') + grant('twice-here') },
  ],
  ['an id taken in another file', { [commerce]: text(commerce) + grant('orders-billing-read') }],
  ['an id taken at another API', { [payments]: grant('orders-billing-read', 'payments', 'role: payer') }],
  [
    'a service that is not there',
    { [commerce]: text(commerce).replace('service:invoicer', 'service:nobody') },
  ],
  ['a service taken out', { 'grants/directory/services.yaml': 'services: []\n' }],
  ['a network that is not declared', { 'grants/networks.yaml': 'vpn: [198.51.100.0/24]\n' }],
  ['an exemption without its grant', { [billing]: grant('another-one') }],
  ['an API taken out', { 'grants/apis/orders.yaml': null }],
  ['an API with a mistake', { 'grants/apis/orders.yaml': `${text('grants/apis/orders.yaml')}x: 1\n` }],
  [
    'the wrong folder',
    { 'grants/access/orders/other.yaml': grant('for-payments', 'payments', 'role: payer') },
  ],
  ['a folder of no API', { 'grants/access/nothing/x.yaml': grant('for-nothing', 'nothing') }],
  ['a file of no kind', { 'grants/access/orders/x.yml': grant('misnamed') }],
  [
    'a circle of groups',
    {
      'grants/directory/okta.yaml': text('grants/directory/okta.yaml').replace(
        '"user:cleo@example.com"',
        '"group:billing"',
      ),
    },
  ],
  [
    'a role that is gone from the API, in two files',
    { 'grants/apis/orders.yaml': text('grants/apis/orders.yaml').replaceAll('reader', 'viewer') },
  ],
  ['nothing at all', Object.fromEntries(Object.keys(sampleFiles).map((path) => [path, null]))],
];

for (const [what, files] of [...trees, ...broken]) {
  test(`from scratch, after it was right, and from disk it is as if all were read: ${what}`, async () => {
    const cache = await freshFolder('cache');
    await cp(warm, cache, { recursive: true });
    const other = await sampleTree(files);
    try {
      const tree = committed(files);
      const expected = await plainly(tree);
      assert.equal(
        expected.startsWith('{"apis"'),
        trees.some(([name]) => name === what),
      );
      for (const folder of [cache, cache, null]) assert.equal(await incrementally(tree, folder), expected);
      assert.equal(await incrementally(await workingTree(other.root), cache), expected);
    } finally {
      await other.remove();
    }
  });
}

test('two ids may have one hash, which the tree above is made of', () => {
  assert.equal(hashId(alike[0]), hashId(alike[1]));
});

test('ids that one half of their hash cannot tell apart the other half does', () => {
  const [left, right] = [hashId('declinate-read-all'), hashId('macallums-read-all')];
  assert.equal(BigInt.asUintN(32, left), BigInt.asUintN(32, right));
  assert.notEqual(left >> 32n, right >> 32n);
});

test('a commit costs the file it touches', async () => {
  const cache = await freshFolder('cache');
  await compileTree(await gitTree(sample.root, 'main'), cache);
  const same = watched(await gitTree(sample.root, 'main'));
  await compileTree(same.tree, cache);
  assert.deepEqual(same.read, []);
  const other = await sampleTree({ [commerce]: text(commerce) + grant('one-more') }, { git: true });
  const changed = watched(await gitTree(other.root, 'main'));
  const { data, grants } = await compileTree(changed.tree, cache);
  assert.deepEqual(changed.read, [commerce]);
  assert.equal(grants, 6);
  assert.ok(data.includes('"one-more"'));
  assert.ok(data.buffer instanceof SharedArrayBuffer);
  await other.remove();
});

test('a role that changes changes the grants by it, though their files stay as they are', async () => {
  const cache = await freshFolder('cache');
  await compileTree(await gitTree(sample.root, 'main'), cache);
  const apis = 'grants/apis/orders.yaml';
  const other = await sampleTree(
    { [apis]: text(apis).replace('reader: [listOrders, getOrder]', 'reader: [listOrders]') },
    { git: true },
  );
  const tree = await gitTree(other.root, 'main');
  assert.equal(await incrementally(tree, cache), await plainly(tree));
  await other.remove();
});

/** Every file kept in a cache. */
async function keptFiles(cache: string): Promise<string[]> {
  const names = await readdir(cache, { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('what is damaged, cut short or gone in the cache is made again', async () => {
  const cache = await freshFolder('cache');
  const tree = committed({});
  const expected = await incrementally(tree, cache);
  const files = (await keptFiles(cache)).filter((path) => !path.endsWith('pruned'));
  assert.equal(files.length, 6);
  const whole = await freshFolder('whole');
  await cp(cache, whole, { recursive: true });
  await fc.assert(
    fc.asyncProperty(fc.nat(files.length - 1), fc.nat(5000), fc.nat(2), async (which, where, how) => {
      const path = files[which] ?? '';
      const bytes = await readFile(path);
      if (how === 0) await rm(path);
      else if (how === 1) await truncate(path, where % bytes.length);
      else {
        bytes[where % bytes.length] = (bytes[where % bytes.length] ?? 0) ^ (1 + (where % 255));
        await writeFile(path, bytes);
      }
      assert.equal(await incrementally(tree, cache), expected);
      // It is whole again only where the damage was met; so that each round begins with a whole cache:
      await rm(cache, { recursive: true });
      await cp(whole, cache, { recursive: true });
    }),
    { numRuns: 25, seed: 7 },
  );
});

test('a cache that others could write to is not used', async () => {
  const cache = await freshFolder('cache');
  await chmod(cache, 0o777);
  await compileTree(await gitTree(sample.root, 'main'), cache);
  assert.deepEqual(await keptFiles(cache), []);
});

test('a change to any source of the compiler, however deep, makes another version of it', async () => {
  const folder = await freshFolder('compiler');
  const compiler = join(folder, 'bundle');
  await cp(fileURLToPath(new URL('../../../bundle', import.meta.url)), compiler, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{}');
  const before = compilerVersion(compiler);
  assert.equal(compilerVersion(compiler), before);
  const sources = (await readdir(compiler, { recursive: true })).filter((name) => name.endsWith('.ts'));
  assert.ok(sources.includes(join('grants', 'schema.ts')));
  // All of a folder count or none, so that one of each tells of all.
  const firsts = sources.filter((name, index) => dirname(name) !== dirname(sources[index - 1] ?? ''));
  for (const name of new Set([...firsts, ...sources.slice(-1), join('..', 'package.json')])) {
    const text = await readFile(join(compiler, name), 'utf8');
    await writeFile(join(compiler, name), `${text}\n`);
    assert.notEqual(compilerVersion(compiler), before, name);
    await writeFile(join(compiler, name), text);
  }
  assert.equal(compilerVersion(compiler), before);
});

test('a folder that cannot be written costs time only', async () => {
  const file = join(await freshFolder('cache'), 'file');
  await writeFile(file, '');
  const tree = await gitTree(sample.root, 'main');
  assert.equal(await incrementally(tree, join(file, 'below')), await plainly(tree));
});

test('large trees are compiled in threads, to the same bytes; processes share a cache, and may be killed', async () => {
  const repository = await freshFolder('large');
  const cache = await freshFolder('cache');
  runGit(repository, 'init', '--quiet', '--bare', '--initial-branch=main');
  // What counts are bytes, and comments are soon read.
  const files = [...organisationFiles(sizesOf(3000))].map(({ path, text }) => ({
    path,
    text: path.startsWith('grants/access/') ? `${'# one more line\n'.repeat(7000)}${text}` : text,
  }));
  await commitFiles(repository, files, { first: true });
  const tree = await gitTree(repository, 'main');
  const sizes = (await tree.entries()).map(({ path, size }) =>
    path.startsWith('grants/access/') ? size : 0,
  );
  assert.ok(sizes.reduce((sum, size) => sum + size) > 2 * 1024 * 1024);
  const expected = await plainly(tree);
  const script = `
    import { compileTree } from ${JSON.stringify(fileURLToPath(new URL('../../../bundle/compile/compileTree.ts', import.meta.url)))};
    import { gitTree } from ${JSON.stringify(fileURLToPath(new URL('../../../bundle/git/tree.ts', import.meta.url)))};
    await compileTree(await gitTree(${JSON.stringify(repository)}, 'main'), ${JSON.stringify(cache)});`;
  const run = () => spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' });
  // In the middle of it: something is kept already.
  const child = run();
  const ended = once(child, 'exit');
  await until(async () => (await keptFiles(cache)).length > 0);
  child.kill('SIGKILL');
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  const other = once(run(), 'exit');
  assert.equal((await compileTree(tree, cache)).data.toString(), expected);
  assert.deepEqual(await other, [0, null]);
  const reread = watched(tree);
  assert.equal((await compileTree(reread.tree, cache)).data.toString(), expected);
  assert.deepEqual(reread.read, []);
});

test('changes one after the other never leave anything of the former state behind', async () => {
  const cache = await freshFolder('cache');
  let files: Files = {};
  const change = fc.record({
    file: fc.constantFrom(billing, commerce, payments, 'grants/access/orders/more.yaml'),
    ids: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
    role: fc.constantFrom('role: reader', 'role: editor', 'operations: [getOrder]', 'role: payer'),
  });
  await fc.assert(
    fc.asyncProperty(change, async ({ file, ids, role }) => {
      const api = file === payments ? 'payments' : 'orders';
      files = { ...files, [file]: ids.map((id) => grant(`grant-${id}`, api, role)).join('') || '[]\n' };
      const tree = committed(files);
      assert.equal(await incrementally(tree, cache), await plainly(tree));
    }),
    { numRuns: 15, seed: 3 },
  );
});
