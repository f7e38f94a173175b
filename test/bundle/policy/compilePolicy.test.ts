import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { assemble } from '../../../bundle/assemble.ts';
import { gitTree, workingTree } from '../../../bundle/git/tree.ts';
import { compilePolicy } from '../../../bundle/policy/compilePolicy.ts';
import { findOpa, type Opa } from '../../../bundle/policy/opa.ts';
import { readPolicies } from '../../../bundle/policy/policies.ts';
import { suite } from '../../_suite.ts';
import { folder } from '../_opa.ts';
import { runGit, sampleTree } from '../_organisation.ts';

const test = suite('compilePolicy');
const entrypoint = 'grantgate/authz/decision';
const policy = (body: string) =>
  new Map([['policies/authz/x.rego', Buffer.from(`package grantgate.authz\n\n${body}\n`)]]);

let opa: Opa;
let runs: number;
let cache: Awaited<ReturnType<typeof folder>>;
test.before.each(async () => {
  const found = await findOpa();
  runs = 0;
  opa = {
    ...found,
    run: (...args) => {
      runs += 1;
      return found.run(...args);
    },
  };
  cache = await folder();
});
test.after.each(() => cache.remove());
const failure = async (work: Promise<unknown>) =>
  work.then(
    () => ({ code: 'none', message: '' }),
    (error: { code: string; message: string }) => error,
  );

test('compiles to the same bytes each time, from the cache the second time', async () => {
  const other = await folder();
  const first = await compilePolicy(opa, policy('decision := 1'), entrypoint, { cache: cache.path });
  const elsewhere = await compilePolicy(opa, policy('decision := 1'), entrypoint, { cache: other.path });
  await other.remove();
  assert.is(runs, 2);
  assert.ok(first.equals(elsewhere));
  assert.ok(
    first.equals(await compilePolicy(opa, policy('decision := 1'), entrypoint, { cache: cache.path })),
  );
  assert.is(runs, 2);
  assert.not(
    (await compilePolicy(opa, policy('decision := 2'), entrypoint, { cache: cache.path })).equals(first),
  );
  assert.is((await readdir(cache.path)).length, 2);
});

test('a damaged or unwritable cache costs time, nothing else', async () => {
  const first = await compilePolicy(opa, policy('decision := 1'), entrypoint, { cache: cache.path });
  const [kept = ''] = await readdir(cache.path);
  await writeFile(join(cache.path, kept), first.subarray(0, 100));
  assert.ok(
    first.equals(await compilePolicy(opa, policy('decision := 1'), entrypoint, { cache: cache.path })),
  );
  assert.ok(first.equals(await readFile(join(cache.path, kept))));
  assert.ok(
    first.equals(await compilePolicy(opa, policy('decision := 1'), entrypoint, { cache: '/dev/null/cache' })),
  );
});

test('refuses Rego that is wrong, lacks the decision or uses what the runtime lacks', async () => {
  const wrong = await failure(compilePolicy(opa, policy('decision := x'), entrypoint, { cache: cache.path }));
  assert.is(wrong.code, 'policy-invalid');
  assert.match(wrong.message, 'policies/authz/x.rego:3');
  assert.is(
    (await failure(compilePolicy(opa, policy('other := 1'), entrypoint, { cache: cache.path }))).code,
    'policy-invalid',
  );
  const sends = policy('decision := http.send({"method": "GET", "url": input.url})');
  assert.match(
    (await failure(compilePolicy(opa, sends, entrypoint, { cache: cache.path }))).message,
    'http.send',
  );
  const outside = new Map([['policies/../x.rego', Buffer.from('package x')]]);
  assert.is(
    (await failure(compilePolicy(opa, outside, entrypoint, { cache: cache.path }))).code,
    'policy-invalid',
  );
});

test('takes the policies of the repository when it has any, tests left out, else the built-in', async () => {
  const sample = await sampleTree();
  const builtIn = await readPolicies(await workingTree(sample.root), 'authz');
  assert.ok(builtIn.has('policies/authz/decision.rego'));
  assert.not([...builtIn.keys()].some((path) => path.endsWith('_test.rego')));
  await sample.write({
    'policies/authz/own.rego': 'package grantgate.authz',
    'policies/authz/own_test.rego': 'x',
  });
  assert.equal(
    [...(await readPolicies(await workingTree(sample.root), 'authz')).keys()],
    ['policies/authz/own.rego'],
  );
  await sample.remove();
});

test('a bundle is made of a commit with its history: neither of loose files, changes nor a shallow clone', async () => {
  const plain = await sampleTree();
  assert.is((await failure(assemble({ tree: await workingTree(plain.root), opa }))).code, 'no-revision');
  await plain.remove();

  const sample = await sampleTree({}, { git: true });
  const clean = await assemble({ tree: await workingTree(sample.root), opa });
  await sample.write({ 'grants/networks.yaml': 'office: [192.0.2.0/25]\nvpn: [198.51.100.0/25]\n' });
  assert.is((await failure(assemble({ tree: await workingTree(sample.root), opa }))).code, 'uncommitted');
  assert.ok((await assemble({ tree: await gitTree(sample.root, 'HEAD'), opa })).data.equals(clean.data));

  await sample.commit();
  const next = await assemble({ tree: await gitTree(sample.root, 'HEAD'), opa });
  assert.is(next.counter, clean.counter + 1);
  const clone = join(sample.root, 'clone');
  runGit(sample.root, 'clone', '--quiet', '--depth', '1', `file://${sample.root}`, clone);
  assert.is((await failure(assemble({ tree: await gitTree(clone, 'HEAD'), opa }))).code, 'shallow');

  await sample.commit({ 'grants/networks.yaml': 'office: no\n' });
  const invalid = await failure(assemble({ tree: await gitTree(sample.root, 'HEAD'), opa }));
  assert.is(invalid.code, 'grants-invalid');
  assert.is((invalid as unknown as { problems: unknown[] }).problems.length, 1);
  await sample.remove();
});

test('a policy outside of its package is refused, since OPA would refuse the bundle', async () => {
  const sample = await sampleTree(
    { 'policies/authz/x.rego': 'package other\n\ndecision := 1\n' },
    { git: true },
  );
  const found = await failure(assemble({ tree: await gitTree(sample.root, 'HEAD'), opa }));
  assert.is(
    found.message,
    'policies/authz/x.rego: the package must be grantgate.authz or below it, got other',
  );
  await sample.remove();
});
