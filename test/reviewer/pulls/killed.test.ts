import * as assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from '../../_suite.ts';
import { asOfMs } from '../_review.ts';
import { closeWorlds, isWrite, token, type World, world } from '../_world.ts';

const test = suite('a review that is killed');
test.after(closeWorlds);
const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));

let running: ChildProcess | null = null;
/** How many writes of a kind are let pass before the process that makes them is killed. */
const left = { calls: Number.POSITIVE_INFINITY, refs: Number.POSITIVE_INFINITY };
const hit = (kind: keyof typeof left) => {
  left[kind] -= 1;
  if (left[kind] < 0) running?.kill('SIGKILL');
};

/** Runs `grantgate review --apply` as a process of its own; whether it was killed. */
async function run({ here, forge }: World, kill: Partial<typeof left>): Promise<boolean> {
  Object.assign(left, kill);
  const scratch = join(here.folder, 'scratch');
  await mkdir(scratch, { recursive: true });
  running = spawn(
    process.execPath,
    [
      ...[cli, 'review', '--root', here.root, '--decisions', here.decisions, '--no-trends', '--apply'],
      ...['--as-of', new Date(asOfMs).toISOString(), '--forge', forge.api, '--repository', 'acme/access'],
    ],
    { env: { ...process.env, GITHUB_TOKEN: token, TMPDIR: scratch }, stdio: 'ignore' },
  );
  const [, signal] = await once(running, 'exit');
  running = null;
  Object.assign(left, { calls: Number.POSITIVE_INFINITY, refs: Number.POSITIVE_INFINITY });
  return signal === 'SIGKILL';
}

/** Everything that the forge holds: what people see, and every branch. */
async function heldBy({ repository, forge, bare }: World) {
  const { issues, comments, statuses } = JSON.parse(await readFile(join(repository, 'forge.json'), 'utf8'));
  const plain = (text: string) => text.replaceAll(forge.url, 'FORGE').replace(/#\d+/g, '#');
  type Issue = {
    title: string;
    body: string;
    state: string;
    labels: string[];
    pull: { head: object } | null;
  };
  return {
    issues: (issues as Issue[])
      .map(({ title, body, state, labels, pull }) => ({
        ...{ title, body: plain(body), state, labels: labels.toSorted(), head: pull?.head },
      }))
      .sort((a, b) => (a.title < b.title ? -1 : 1)),
    comments: (comments as { body: string }[]).map(({ body }) => plain(body)).sort(),
    statuses: [
      ...new Set(
        (statuses as { sha: string; context: string; state: string }[]).map(
          ({ sha, context, state }) => `${sha} ${context} ${state}`,
        ),
      ),
    ].sort(),
    branches: bare('for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads'),
  };
}

test('with -9, amid pushes and calls, leaves what the next run makes whole, and nothing twice', async () => {
  const undisturbed = await world();
  const through = (one: World) => one.apply({ forge: { cloneUrl: one.forge.cloneUrl } });
  await through(undisturbed);
  const wanted = await heldBy(undisturbed);
  assert.equal(wanted.issues.length, 3);

  const disturbed = await world(undefined, {}, (call) => {
    if (isWrite(call)) hit('calls');
  });
  const refs = watch(join(disturbed.repository, 'refs'), { recursive: true }, (_, name) => {
    if (name?.includes('grantgate')) hit('refs');
  });
  try {
    // As the first branch comes, as the first pull request is opened, and in the midst of the next one.
    for (const kill of [{ refs: 0 }, { calls: 0 }, { calls: 3 }])
      assert.ok(await run(disturbed, kill), JSON.stringify(kill));
  } finally {
    refs.close();
  }
  await through(disturbed);
  assert.deepEqual(await heldBy(disturbed), wanted);
  disturbed.writes();
  await through(disturbed);
  assert.deepEqual(disturbed.writes().calls, [], 'it comes to rest');
});
