import * as assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from '../../../bundle/check.ts';
import { openSource } from '../../../bundle/import/openSource.ts';
import { type Given, readAnswers } from '../../../bundle/scaffold/readAnswers.ts';
import { scaffold } from '../../../bundle/scaffold/scaffold.ts';
import { writeNew } from '../../../bundle/scaffold/writeNew.ts';
import { askMissing } from '../../../commands/repository/askMissing.ts';
import { checkPlaces } from '../../../gateway/config/checkPlaces.ts';
import { readConfig } from '../../../gateway/config/config.ts';
import { commandLine, started } from '../../_commandLine.ts';
import { suite } from '../../_suite.ts';
import { workflowProblems } from '../../project/_workflows.ts';

const test = suite('init');
const home = mkdtempSync(join(tmpdir(), 'grantgate-init-'));
const product = fileURLToPath(new URL('../../..', import.meta.url));
test.after(() => rmSync(home, { recursive: true, force: true }));

const good: Given = {
  api: 'orders',
  upstream: 'http://127.0.0.1:7777',
  owner: 'group:shop',
  person: ['ann@example.com', 'bob@example.com'],
};
const now = Date.parse('2026-11-23T10:00:00Z');

async function made(given: Given, root: string, branch = 'main') {
  const read = readAnswers(given);
  if ('problems' in read) throw new Error(read.problems.join('; '));
  const source = given.openapi === undefined ? null : await openSource(given.openapi);
  return scaffold({ answers: read.answers, source, root, branch, nowMs: now }).files;
}
const problemsOf = (given: Given) => {
  const read = readAnswers(given);
  return 'problems' in read ? read.problems : [];
};
const grantgate = (...args: string[]) => commandLine(args, { cwd: home });
/** Without a terminal: it asks nobody. */
const alone = (...args: string[]) => started(args, { cwd: home });

test('begins a repository that is green, says what comes next, and refuses to begin it twice', async () => {
  const options = ['--api', 'orders', '--upstream', 'http://127.0.0.1:7777', '--owner', 'group:shop'];
  const call = ['init', 'fresh', ...options, '--person', 'ann@example.com', '--github', 'ann'];
  const first = await alone(...call);
  assert.deepEqual([first.code, first.stderr], [0, '']);
  assert.match(first.stdout, /grantgate check: green/);
  assert.match(
    first.stdout,
    /Next:\n {2}cd fresh && git init .*\n {2}grantgate doctor.*\n {2}grantgate serve.*\n$/,
  );
  const before = readFileSync(join(home, 'fresh/grants/apis/orders.yaml'), 'utf8');
  const served = await grantgate('serve', '--config', 'fresh/gateway.yaml', '--check');
  assert.deepEqual([served.code, served.stderr], [0, '']);
  const tested = await grantgate('test', 'fresh');
  assert.deepEqual(
    [tested.code, tested.stdout],
    [0, "the policies' tests pass; 2 example decisions come out as expected\n"],
  );
  const examples = join(home, 'fresh/tests/orders.yaml');
  const written = readFileSync(examples, 'utf8');
  writeFileSync(examples, written.replace('expect: deny\n  reason: principal-unknown', 'expect: allow'));
  const other = await grantgate('check', 'fresh');
  assert.equal(other.code, 1);
  assert.match(
    other.stdout,
    /^tests\/orders\.yaml:14:11: .* should get allow, got deny \(principal-unknown\)/,
  );
  writeFileSync(examples, written);
  const second = await grantgate(...call.map((word) => (word === 'orders' ? 'other' : word)));
  assert.equal(second.code, 2);
  assert.match(second.stderr, /nothing was written: grants, gateway\.yaml, .* are in the way/);
  assert.ok(!existsSync(join(home, 'fresh/grants/apis/other.yaml')));
  assert.equal(readFileSync(join(home, 'fresh/grants/apis/orders.yaml'), 'utf8'), before);
  const missing = await alone('init', 'nothing', '--api', 'Orders');
  assert.equal(missing.code, 2);
  for (const option of [
    '--api must be',
    '--upstream is missing',
    '--owner is missing',
    '--person is missing',
  ])
    assert.ok(missing.stderr.includes(option), option);
  assert.ok(!existsSync(join(home, 'nothing')));
  const beneath = await grantgate(...call.map((word) => (word === 'fresh' ? 'fresh/gateway.yaml/x' : word)));
  assert.equal(beneath.code, 2);
  assert.match(beneath.stderr, /cannot be a folder of yours \(ENOTDIR\)/);
});

test('is green without a warning, whatever lawful names people and groups have', async () => {
  const names = {
    owner: 'group:"Shop" #1: {a}, ünï',
    person: ["o'hara\\@x", 'yes', 'null', '- a: b', '{{x}}'],
  };
  const root = join(home, 'a folder #1%20 with ü');
  mkdirSync(root);
  writeNew(root, await made({ ...good, ...names }, root));
  const { problems, warnings, summary } = await check(root);
  assert.deepEqual([problems, warnings], [[], []]);
  assert.deepEqual([summary.people, summary.groups, summary.grants], [5, 1, 1]);
  const config = readConfig(join(root, 'gateway.yaml'));
  checkPlaces(config, {}, false);
  assert.equal(fileURLToPath(config.bundle.source.slice(4).replace(/#main$/, '')), root);
});

test('takes operations from an OpenAPI document, and lets the owners read only', async () => {
  const root = join(home, 'imported');
  const document = join(home, 'pets.json');
  const paths = { '/pets': { get: { operationId: 'listPets' }, post: { operationId: 'addPet' } } };
  const servers = [{ url: 'https://pets.example.com' }];
  writeFileSync(
    document,
    JSON.stringify({ openapi: '3.1.0', info: { title: 'Pets', version: '1' }, servers, paths }),
  );
  mkdirSync(root);
  const { upstream: _, ...rest } = good;
  writeNew(root, await made({ ...rest, api: 'pets', openapi: document }, root));
  assert.deepEqual((await check(root)).problems, []);
  const text = readFileSync(join(root, 'grants/apis/pets.yaml'), 'utf8');
  assert.match(text, /addPet: POST \/pets/);
  assert.match(text, /reader:\n {4}- listPets\n$/);
});

test('refuses names that would lead elsewhere, each by its option', () => {
  assert.deepEqual(problemsOf(good), []);
  const wrong: [Given, RegExp][] = [
    [{ api: '../../etc' }, /^--api must be a lower-case name.*"\.\.\/\.\.\/etc"$/],
    [{ api: '__proto__' }, /^--api/],
    [{ api: 'a\nb: c' }, /^--api/],
    [{ upstream: 'file:///etc/passwd' }, /^--upstream/],
    [{ upstream: 'http://user:pass@x' }, /^--upstream/],
    [{ upstream: 'http://x/?y' }, /^--upstream/],
    [{ owner: 'user:ann' }, /^--owner must be a group/],
    [{ owner: 'group:a\u202eb' }, /^--owner/],
    [{ owner: 'group:' }, /^--owner/],
    [{ person: ['ann\n- login: eve'] }, /^--person/],
    [{ person: [' ann'] }, /^--person/],
    [{ person: ['Ann', 'ann'] }, /^--person names one twice/],
    [{ person: [] }, /^--person is missing/],
    [{ github: ['ann'] }, /^--github must name as many/],
    [{ github: ['ann', 'bob @everyone'] }, /^--github must be a name/],
    [{ action: 'evil/action@main' }, /^--action must be/],
  ];
  for (const [change, what] of wrong) {
    const problems = problemsOf({ ...good, ...change });
    assert.ok(
      problems.some((one) => what.test(one)),
      `${what} in ${JSON.stringify(problems)}`,
    );
  }
});

test('leaves what is there, follows no link, and writes all or nothing', async () => {
  const root = join(home, 'there');
  const outside = join(home, 'outside');
  const files = await made(good, root);
  for (const folder of [root, outside]) mkdirSync(folder);
  writeFileSync(join(root, 'README.md'), 'mine');
  writeFileSync(join(root, '.gitignore'), 'mine');
  writeFileSync(join(root, 'CODEOWNERS'), '* @me');
  symlinkSync(outside, join(root, '.github'));
  assert.deepEqual(writeNew(root, files), { inTheWay: ['.github'] });
  assert.ok(!existsSync(join(root, 'grants')) && !existsSync(join(outside, 'CODEOWNERS')));
  rmSync(join(root, '.github'));
  symlinkSync(join(outside, 'made.yaml'), join(root, 'gateway.yaml'));
  assert.deepEqual(writeNew(root, files), { inTheWay: ['gateway.yaml'] });
  rmSync(join(root, 'gateway.yaml'));
  mkdirSync(join(root, '.github/workflows'), { recursive: true });
  writeFileSync(join(root, '.github/workflows/check.yml'), 'mine');
  assert.deepEqual(writeNew(root, files), { inTheWay: ['.github/workflows/check.yml'] });
  rmSync(join(root, '.github/workflows/check.yml'));
  const outcome = writeNew(root, files);
  assert.ok('left' in outcome);
  assert.deepEqual(outcome.left, ['.github/CODEOWNERS', '.gitignore']);
  assert.equal(readFileSync(join(root, '.gitignore'), 'utf8'), 'mine');
  assert.deepEqual((await check(root)).problems, []);
});

test('copies workflows that are sound once the action is named, for the branch that is enforced', async () => {
  const commit = 'a'.repeat(40);
  const files = await made({ ...good, action: `example/grantgate@${commit}` }, '/x', 'trunk');
  const workflows = [...files].filter(([path]) => path.startsWith('.github/workflows/'));
  assert.deepEqual(
    workflows.map(([path]) => path.slice('.github/workflows/'.length)),
    ['answer.yml', 'check.yml', 'post.yml', 'queue.yml', 'request.yml', 'review.yml'],
  );
  for (const [path, text] of workflows) {
    assert.deepEqual(workflowProblems(text, []), [], path);
    // What speaks to the forge is told the branch; it would speak of main.
    if (/^ +token:/m.test(text)) assert.match(text, /^ +base: "trunk"$/m, path);
    assert.doesNotMatch(text, /OWNER\/grantgate|COMMIT\b|BRANCH|refs\/heads\/main|origin\/main/, path);
  }
  const unnamed = (await made(good, '/x')).get('.github/workflows/check.yml') ?? '';
  assert.match(unnamed, /uses: OWNER\/grantgate@COMMIT/);
  for (const path of ['.github/pull_request_template.md', '.github/ISSUE_TEMPLATE/access-request.yml'])
    assert.equal(files.get(path), readFileSync(join(product, path), 'utf8'), path);
});

test('asks for what is missing only, and again for what is wrong', async () => {
  const asked: string[] = [];
  const told: string[] = [];
  const lines: (string | null)[] = ['Orders', 'orders', 'group:shop', ' ann@example.com, bob@example.com,'];
  const ask = async (question: string) => {
    asked.push(question);
    return lines.shift() ?? null;
  };
  const given = await askMissing({ upstream: good.upstream }, ask, (line) => told.push(line));
  assert.deepEqual(given, good);
  assert.equal(asked.length, 4);
  assert.match(told.join(), /^--api must be/);
  assert.deepEqual(await askMissing(good, ask, () => assert.fail('told')), good);
  const ended = await askMissing(
    {},
    async () => null,
    () => undefined,
  );
  assert.equal(problemsOf(ended).length, 4);
});
