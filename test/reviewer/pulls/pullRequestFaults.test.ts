import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { parseBody } from '../../../reviewer/pulls/text/marker.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, daysAgo, type GrantText, withGroups } from '../_review.ts';
import { actions, closeWorlds, idle, standard, token, world } from '../_world.ts';

const test = suite('pull requests when things fail');
test.after.each(closeWorlds);

const faults: readonly [number | 'hang' | 'reset', string][] = [
  [401, 'forge-unauthorized'],
  [403, 'forge-forbidden'],
  [404, 'forge-not-found'],
  [422, 'forge-refused'],
  [429, 'forge-limited'],
  [500, 'forge-failed'],
  [503, 'forge-failed'],
  ['hang', 'forge-timeout'],
  ['reset', 'forge-unreachable'],
];

/** A creation that hangs is given up at once; whatever else there is has its time. */
const deadline = (ms: number, method: string, url: string) =>
  AbortSignal.timeout(method === 'POST' && url.endsWith('/pulls') ? 100 : ms);

test('whatever a creation fails with: the plan is there, the call is named, no branch is deleted, the next run goes on', async () => {
  const { apply, later, forge, writes } = await world([standard[0] as GrantText]);
  for (const [status, code] of faults) {
    const disarm = forge.fail({ method: 'POST', path: /\/pulls$/, status, times: 9 });
    const { plan, pulls, error } = await later(asOfMs, {
      ...{ waitMs: 0, ...(status === 'hang' && { time: { deadline } }) },
    });
    disarm();
    assert.equal(error?.code, code, String(status));
    assert.match(error?.message ?? '', /^POST \/repos\/acme\/access\/pulls /);
    assert.equal(plan.findings.length, 1);
    // A refused token or a limit ends the run; the rest is one owner's.
    const ends = status === 401 || status === 429;
    assert.deepEqual(
      pulls.map(({ action, reason }) => [action, reason]),
      ends ? [] : [['failed', error?.message]],
      String(status),
    );
    assert.match(writes().branches, /^grantgate\/review\/group-desk\/removal [0-9a-f]{40}$/, String(status));
  }
  assert.deepEqual(actions(await apply()), ['opened group-desk/removal idle']);
});

test('owners are refused, everybody else is dealt with', async () => {
  const { later, forge } = await world(
    [...standard, ...['a', 'b'].map((name) => ({ id: `idle-${name}`, owner: `group:${name}`, rest: idle }))],
    withGroups('a', 'b'),
  );
  forge.fail({ method: 'POST', path: /\/pulls$/, status: 422 });
  forge.fail({ method: 'POST', path: /\/pulls$/, status: 'reset', skip: 1 });
  forge.fail({ method: 'POST', path: /\/pulls$/, status: 500 });
  const first = await later();
  assert.deepEqual(
    first.pulls.map(({ action }) => action),
    ['failed', 'opened', 'failed', 'failed', 'opened'],
  );
  assert.equal(first.error?.code, 'forge-refused');
  assert.deepEqual(
    (await later()).pulls.map(({ action }) => action),
    ['opened', 'unchanged', 'opened', 'opened', 'unchanged'],
  );
});

test('a branch that only a refused push keeps from an owner is that owner’s trouble alone', async () => {
  const { apply, here } = await world();
  const hook = join(here.folder, 'forge.git', 'hooks', 'update');
  await mkdir(dirname(hook));
  await writeFile(hook, '#!/bin/sh\ncase "$1" in */urgent-high) echo "not this one" >&2; exit 1;; esac\n');
  await chmod(hook, 0o755);
  const { pulls, error } = await apply();
  assert.deepEqual(
    pulls.map(({ action }) => action),
    ['failed', 'opened', 'opened'],
  );
  assert.equal(error?.code, 'forge-git');
});

test('a list that lags leads to no second pull request, no lost one, and no "no" of ours', async () => {
  const { later, forge, bare, writes } = await world([standard[0] as GrantText]);
  const stale = () => forge.fail({ method: 'GET', path: /\/pulls$/, status: 'stale', times: 4 });
  const disarm = stale();
  await later();
  const { branches } = writes();
  // The next run sees the state before: a branch, and no pull request.
  const behind = await later(asOfMs + 60_000);
  disarm();
  assert.deepEqual(
    behind.pulls.map(({ action, reason }) => [action, reason]),
    [['held', 'the forge has a pull request that it does not list yet']],
  );
  assert.equal(
    bare('for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads/grantgate'),
    branches,
  );
  const seen = await later(asOfMs + 120_000);
  assert.deepEqual(
    seen.pulls.map(({ action, number }) => [action, number]),
    [['unchanged', 1]],
  );
});

test('a limit that names its end is waited for, and one that asks for too much ends the run', async () => {
  const { later, forge } = await world([standard[0] as GrantText]);
  forge.fail({ method: 'POST', path: /\/pulls$/, status: 429, headers: { 'retry-after': '1' } });
  forge.fail({
    method: 'POST',
    path: /\/statuses\//,
    status: 403,
    headers: { 'retry-after': '1' },
    message: 'You have exceeded a secondary rate limit',
  });
  const waited: number[] = [];
  const sleep = async (ms: number) => waited.push(ms);
  assert.deepEqual(actions(await later(asOfMs, { time: { sleep } })), ['opened group-desk/removal idle']);
  assert.deepEqual(waited, [1000, 1000]);
  // Each asks for little, and all together for more than a job has.
  const headers100 = { 'retry-after': '100' };
  for (const path of [/\/pulls$/, /\/issues$/])
    forge.fail({ method: 'GET', path, status: 429, times: 2, headers: headers100 });
  const late = await later(asOfMs, { waitMs: 120_000, time: { sleep } });
  assert.match(
    late.error?.message ?? '',
    /\/issues answered 429: .*; it asks to wait for 2 minutes \(too many/,
  );
  assert.deepEqual(waited.slice(2), [100_000, 100_000, 100_000]);
  assert.equal((await later()).error, null);
  forge.fail({ method: 'GET', path: /\/pulls$/, status: 429, headers: { 'retry-after': '3600' } });
  assert.match(
    (await later()).error?.message ?? '',
    /wait for 60 minutes \(too many requests; a later run goes on\)$/,
  );
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999999999' };
  forge.fail({ method: 'GET', path: /\/pulls$/, status: 403, headers });
  assert.equal((await later()).error?.code, 'forge-limited');
});

test('an answer that is lost after the work was done leads to no second pull request', async () => {
  const { later, forge } = await world([standard[0] as GrantText, standard[3] as GrantText]);
  for (const status of [500, 'reset'] as const)
    forge.fail({ method: 'POST', path: /\/pulls$/, status, when: 'after' });
  const result = await later();
  assert.equal(result.error, null);
  assert.deepEqual(
    result.pulls.map(({ action, number }) => [action, number]),
    [
      ['opened', 1],
      ['opened', 2],
    ],
  );
  assert.deepEqual(
    (await later()).pulls.map(({ action }) => action),
    ['unchanged', 'unchanged'],
  );
});

test('whatever an update fails at, the text never claims less than the branch does, and the next run mends it', async () => {
  const ofB = { owner: 'group:b', rest: idle };
  const { apply, forge, push } = await world(
    [standard[0] as GrantText, { id: 'idle-b', ...ofB }],
    withGroups('b'),
  );
  const read = async (number: number) =>
    (await (await fetch(`${forge.api}/repos/acme/access/pulls/${number}`)).json()) as {
      body: string;
      head: { sha: string };
    };
  await apply();
  await push(
    access([
      standard[0] as GrantText,
      { id: 'idle-too', rest: idle },
      { id: 'idle-b', ...ofB },
      { id: 'idle-b-too', ...ofB },
    ]),
    'main',
    30,
  );
  // The one before the push, the other after it.
  for (const [index, number] of [1, 2].entries())
    forge.fail({ method: 'PATCH', path: new RegExp(`/pulls/${number}$`), status: 403, skip: index });
  const { error, pulls } = await apply();
  assert.match(error?.message ?? '', /^PATCH \/repos\/acme\/access\/pulls\/1 answered 403/);
  assert.deepEqual(
    pulls.map(({ action, reason }) => [action, /pulls\/\d answered 403/.exec(reason ?? '')?.[0]]),
    [
      ['failed', 'pulls/1 answered 403'],
      ['failed', 'pulls/2 answered 403'],
    ],
  );
  const [before, behind] = [await read(1), await read(2)];
  assert.equal(parseBody(before.body)?.commit, before.head.sha);
  assert.equal(parseBody(behind.body)?.commit, null);
  assert.match(behind.body, /being brought up to date/);
  assert.deepEqual(actions(await apply()), [
    'updated group-b/removal idle-b,idle-b-too',
    'updated group-desk/removal idle,idle-too',
  ]);
  for (const number of [1, 2]) {
    const after = await read(number);
    assert.equal(parseBody(after.body)?.commit, after.head.sha);
    assert.doesNotMatch(after.body, /being brought up to date/);
  }
});

test('a forge that does not list, or is not there at all, still leaves a plan', async () => {
  const { apply, forge, writes } = await world();
  forge.fail({ method: 'GET', path: /\/pulls$/, status: 502 });
  const unlisted = await apply();
  assert.match(unlisted.error?.message ?? '', /^GET \/repos\/acme\/access\/pulls answered 502/);
  assert.equal(unlisted.plan.findings.length, 3);
  assert.deepEqual(writes(), { calls: [], branches: '' });
  const gone = await apply({ forge: { cloneUrl: 'http://127.0.0.1:9/acme/access.git' } });
  assert.equal(gone.error?.code, 'forge-git');
  assert.match(gone.error?.message ?? '', /^git fetch http:\/\/127\.0\.0\.1:9\//);
  assert.equal(gone.plan.findings.length, 3);
  const renamed = createServer(({ url }, response) =>
    url?.startsWith('/archived')
      ? response.writeHead(403, { 'content-type': 'text/plain' }).end('The repository was archived.')
      : response.writeHead(301, { location: '/new.git' }).end(),
  );
  await new Promise<void>((done) => renamed.listen(0, '127.0.0.1', done));
  const at = `http://127.0.0.1:${(renamed.address() as AddressInfo).port}`;
  const moved = await apply({ forge: { cloneUrl: `${at}/acme/access.git` } });
  const archived = await apply({ forge: { cloneUrl: `${at}/archived/access.git` } });
  renamed.close();
  assert.match(moved.error?.message ?? '', /access\.git is sent elsewhere, which is not followed: give the /);
  assert.match(archived.error?.message ?? '', /access\.git is refused: The repository was archived\.$/);
});

test('a failed call is repeated before it is given up', async () => {
  const { apply, forge } = await world([standard[0] as GrantText]);
  forge.fail({ method: 'POST', path: /\/pulls$/, status: 502, times: 2 });
  const result = await apply({ forge: { retries: 3, retryAfterMs: 1 } });
  assert.deepEqual(actions(result), ['opened group-desk/removal idle']);
});

test('the token is in no argument, address or message', async () => {
  const { apply, forge, here } = await world([standard[0] as GrantText]);
  const { cloneUrl } = forge;
  const bin = join(here.folder, 'bin');
  const log = join(here.folder, 'argv.log');
  await mkdir(bin);
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  await writeFile(join(bin, 'git'), `#!/bin/sh\necho "$*" >> ${log}\nexec ${real} "$@"\n`);
  await chmod(join(bin, 'git'), 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${bin}:${path}`;
  const lines: string[] = [];
  try {
    const ok = await apply({ forge: { cloneUrl }, progress: (line) => lines.push(line) });
    assert.equal(ok.error, null);
    const refused = await apply({ forge: { cloneUrl, token: 'wrong-token-0987654321' } });
    assert.equal(refused.error?.code, 'forge-unauthorized');
    lines.push(String(refused.error?.stack), JSON.stringify(refused));
  } finally {
    process.env.PATH = path;
  }
  const argv = await readFile(log, 'utf8');
  assert.match(argv, /push/);
  for (const secret of [token, 'wrong-token-0987654321'])
    for (const text of [secret, Buffer.from(`x-access-token:${secret}`).toString('base64')]) {
      assert.ok(!argv.includes(text));
      assert.ok(!lines.join('\n').includes(text));
    }
});

test('stops when it is told to, and leaves nothing behind that the next run cannot go on from', async () => {
  const { apply, forge, here } = await world();
  const scratch = join(here.folder, 'tmp');
  await mkdir(scratch);
  const folder = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  assert.equal(
    (await apply({ signal: AbortSignal.abort() }).catch((error) => ({ error }))).error?.code,
    'aborted',
  );
  const mend = forge.fail({ method: 'POST', path: /\/pulls$/, status: 'hang' });
  const stop = new AbortController();
  const { error, plan } = await apply({
    signal: stop.signal,
    forge: {
      timeoutMs: 3_600_000,
      time: {
        // The call that hangs is under way, and would be for an hour.
        deadline(ms, method, url) {
          if (method === 'POST' && url.endsWith('/pulls')) setImmediate(() => stop.abort());
          return AbortSignal.timeout(ms);
        },
      },
    },
  });
  process.env.TMPDIR = folder ?? '';
  if (folder === undefined) delete process.env.TMPDIR;
  assert.deepEqual(await readdir(scratch), []);
  assert.equal(error?.code, 'aborted');
  assert.equal(plan.findings.length, 3);
  mend();
  assert.deepEqual(
    (await apply()).pulls.map(({ action }) => action),
    ['opened', 'opened', 'opened'],
  );
});

test('folders that a killed run has left are taken away, those of a running one are not', async () => {
  const { apply, here } = await world([standard[0] as GrantText]);
  const scratch = join(here.folder, 'left');
  const gone = execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }).trim();
  const names = [
    `grantgate-review-${gone}-aaaaaa`,
    `grantgate-usage-${gone}-aaaaaa`,
    `grantgate-review-${process.pid}-bbbbbb`,
    'grantgate-other',
  ];
  for (const name of names) {
    await mkdir(join(scratch, name), { recursive: true });
    await utimes(join(scratch, name), 1, 1);
  }
  await mkdir(join(scratch, `grantgate-review-${gone}-fresh`));
  const folder = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  try {
    await apply();
  } finally {
    process.env.TMPDIR = folder ?? '';
    if (folder === undefined) delete process.env.TMPDIR;
  }
  assert.deepEqual(
    (await readdir(scratch)).sort(),
    [...names.slice(2), `grantgate-review-${gone}-fresh`].sort(),
  );
});

test('a file that cannot be edited holds back its own pull request only', async () => {
  const { apply } = await world([standard[0] as GrantText, standard[3] as GrantText], {
    ...withGroups('strange'),
    'grants/access/orders/strange.yaml': `- id: strange
  principal: user:bob@example.com
  api: orders
  role: reader
  reason: r
  owner: group:strange
  ? granted
  : ${daysAgo(9)}
`,
  });
  const result = await apply();
  assert.equal(result.error?.code, 'edit-failed');
  assert.deepEqual(actions(result), [
    'failed group-strange/urgent-high strange',
    'opened group-desk/removal idle',
    'opened user-dana@example.com/narrowing wide',
  ]);
  assert.match(
    result.pulls[0]?.reason ?? '',
    /^grants\/access\/orders\/strange\.yaml: the grant strange is written in a way/,
  );
});
