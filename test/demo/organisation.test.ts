import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gitTree, workingTree } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import type { Organisation } from '../../bundle/grants/organisation.ts';
import { commits } from '../../demo/commits.ts';
import { importCommits } from '../../demo/importCommits.ts';
import {
  datedOrganisation,
  demoOrganisation,
  referenceDay,
  sampleGrants,
  writeOrganisation,
} from '../../demo/organisation.ts';
import { suite } from '../_suite.ts';

const test = suite('demo: the sample organisation');
const run = promisify(execFile);
const day = 86_400;
let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-organisation-'));
});
test.after(() => rm(folder, { recursive: true, force: true }));

async function loaded(root: string): Promise<Organisation> {
  const { organisation, problems } = await load(await workingTree(root));
  assert.deepEqual(problems, []);
  assert.ok(organisation);
  return organisation;
}

test('loads without a problem and is as large as promised', async () => {
  const sample = await loaded(join(sampleGrants, '..'));
  assert.ok(sample.apis.size >= 6);
  assert.equal(sample.people.size, 40);
  assert.equal(sample.groups.size, 10);
  assert.equal(sample.services.size, 5);
  assert.ok(sample.grants.length >= 80);
  assert.deepEqual(
    new Set([...sample.apis.values()].map(({ tier }) => tier)),
    new Set(['low', 'medium', 'high', 'critical']),
  );
  const streams = [...sample.apis.values()].flatMap(({ operations }) => [...operations.values()]);
  assert.ok(streams.includes('GET /v1/positions/stream'));
});

test('each file names the schema it follows', async () => {
  const texts = await datedOrganisation(sampleGrants, referenceDay);
  for (const [path, text] of texts) {
    if (!path.endsWith('.yaml') || path.endsWith('.openapi.yaml')) continue;
    const up = '../'.repeat(path.split('/').length - 2) || './';
    const folderName = path.split('/')[1] ?? '';
    const kind = path.endsWith('/services.yaml')
      ? 'services'
      : ({ apis: 'api', access: 'access', directory: 'directory' }[folderName] ??
        folderName.replace('.yaml', ''));
    assert.equal(text.split('\n')[0], `# yaml-language-server: $schema=${up}schema/${kind}.json`, path);
  }
});

test('mentions no host outside .example', async () => {
  for (const text of (await datedOrganisation(sampleGrants, referenceDay)).values())
    for (const [host] of text.matchAll(/(?<=@|:\/\/)[a-z0-9-]+(?:\.[a-z0-9-]+)+/g))
      if (!/schema\.org$/.test(host)) assert.match(host, /\.example$/);
});

test('stays byte for byte the same on its reference day', async () => {
  const texts = await datedOrganisation(sampleGrants, referenceDay);
  for (const [path, text] of texts)
    assert.equal(text, await readFile(join(sampleGrants, '..', path), 'utf8'), path);
});

test('moves every date with the day it is looked at, and nothing else', async () => {
  const before = await loaded(join(sampleGrants, '..'));
  for (const [today, days] of [
    ['2026-11-24', 1],
    ['2028-02-29', 463],
    ['2026-11-20', -3],
  ] as const) {
    const root = join(folder, `moved-${days}`);
    await writeOrganisation(root, { today: new Date(`${today}T17:45:00Z`) });
    const after = await loaded(root);
    const facts = ({ grants }: Organisation, shift: number) =>
      grants.map(({ id, principal, covers, reason, grantedAt, expiresAt, review }) => ({
        id,
        principal,
        covers,
        reason,
        granted: grantedAt + shift,
        expires: expiresAt === null ? null : expiresAt + shift,
        reviewed: review ? Date.parse(review.at) / 1000 + shift : null,
      }));
    assert.deepEqual(facts(after, 0), facts(before, days * day));
    const text = (one: Map<string, string>) =>
      [...one.values()].join('').replace(/\d{4}-\d{2}-\d{2}/g, 'DATE');
    assert.equal(
      text(await datedOrganisation(sampleGrants, today)),
      text(await datedOrganisation(sampleGrants, referenceDay)),
    );
  }
});

test('takes the addresses of a demo, and keeps every comment', async () => {
  const hash = 'ab'.repeat(32);
  const replacements = {
    issuer: 'http://127.0.0.1:9000',
    upstreams: { orders: 'http://127.0.0.1:9001', reports: 'http://127.0.0.1:9002' },
    apiKeys: { 'shipping-bridge': hash },
  };
  const root = join(folder, 'replaced');
  await writeOrganisation(root, { today: referenceDay, ...replacements });
  const { apis, services } = await loaded(root);
  assert.equal(apis.get('orders')?.upstream, 'http://127.0.0.1:9001');
  assert.equal(apis.get('reports')?.upstream, 'http://127.0.0.1:9002');
  assert.equal(apis.get('catalog')?.upstream, 'http://catalog.internal.northwind.example:8080');
  assert.deepEqual(services.get('shipping-bridge')?.credentials, [{ api_key_sha256: hash }]);
  assert.deepEqual(services.get('storefront')?.credentials[0], {
    jwt_subject: 'http://127.0.0.1:9000|storefront',
  });
  const comments = (texts: Map<string, string>) =>
    [...texts.values()].flatMap((text) => text.match(/#.*$/gm));
  assert.deepEqual(
    comments(await demoOrganisation(referenceDay, replacements)),
    comments(await datedOrganisation(sampleGrants, referenceDay)),
  );
});

test('refuses to replace what is not there', async () => {
  await assert.rejects(
    demoOrganisation(referenceDay, { upstreams: { nothing: 'http://127.0.0.1:1' } }),
    /no API nothing/,
  );
  await assert.rejects(
    demoOrganisation(referenceDay, { apiKeys: { storefront: 'ab'.repeat(32) } }),
    /no API key of storefront/,
  );
});

test('has a history in Git that ends in exactly these files', async () => {
  const texts = await demoOrganisation('2027-03-05', { issuer: 'http://127.0.0.1:9000' });
  const list = commits(texts, '2027-03-05');
  const repository = join(folder, 'history.git');
  await run('git', ['init', '-q', '--bare', '-b', 'main', repository]);
  // Whoever begins it may have a repository of their own at hand.
  process.env.GIT_OBJECT_DIRECTORY = join(folder, 'elsewhere');
  try {
    await importCommits(repository, list);
  } finally {
    delete process.env.GIT_OBJECT_DIRECTORY;
  }
  const tree = await gitTree(repository, 'main');
  assert.equal(tree.counter, list.length);
  const paths = await tree.list();
  const kept = new Map([...(await tree.read(paths))].map(([path, bytes]) => [path, bytes.toString()]));
  assert.deepEqual(kept, new Map([...texts].sort(([a], [b]) => (a < b ? -1 : 1))));

  const log = async (file: string, pattern: string) =>
    (
      await run('git', [
        '--git-dir',
        repository,
        'log',
        '--format=%as %s',
        `-S${pattern}`,
        'main',
        '--',
        file,
      ])
    ).stdout;
  assert.equal(
    await log('grants/access/inventory/platform.yaml', 'state: suspended'),
    '2027-02-21 access: suspend inventory-victor-import\n2027-01-19 access: suspend inventory-arjun-import\n',
  );
  assert.equal(
    await log('grants/access/customers/people-ops.yaml', 'decision: keep'),
    '2027-01-22 access: keep customers-carlos-discount\n',
  );
});

test('is valid all along that history', async () => {
  const repository = join(folder, 'history.git');
  const { stdout } = await run('git', ['--git-dir', repository, 'log', '--format=%H', 'main']);
  const revisions = stdout.trim().split('\n');
  for (const revision of revisions.filter((_, i) => i % 12 === 0)) {
    const { problems } = await load(await gitTree(repository, revision));
    assert.deepEqual(
      problems.filter(({ file }) => file !== 'grants/review.yaml'),
      [],
      revision,
    );
  }
});
