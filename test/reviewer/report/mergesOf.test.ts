import * as assert from 'node:assert/strict';
import { openForge } from '../../../reviewer/forge/forge.ts';
import { mergeOf } from '../../../reviewer/forge/mergeOf.ts';
import { mergesOf } from '../../../reviewer/report/mergesOf.ts';
import { tellEnforced } from '../../../reviewer/watch/tellEnforced.ts';
import { suite } from '../../_suite.ts';
import { git, northwind, token, where } from '../../demo/_northwind.ts';

const test = suite('which pull request a commit is the merge of');

test('is what the forge merged, however it did, and not what the first line says', async () => {
  const world = await northwind();
  try {
    const merged = async (branch: string, method: 'merge' | 'squash' | 'rebase', title?: string) => {
      await world.push(branch, { [`${branch}.yaml`]: `${branch}\n` });
      const number = await world.open(branch);
      const commit = await world.forge.merge(number, { method, ...(title !== undefined && { title }) });
      return { number, commit };
    };
    const first = await merged('a', 'merge');
    const squashed = await merged('b', 'squash');
    const retitled = await merged('c', 'squash', 'Keep it for the audit');
    await world.push('d', { 'd.yaml': 'd\n' });
    await world.push('d', { 'd2.yaml': 'd\n' }, 'd');
    const rebased = await world.open('d');
    const last = await world.forge.merge(rebased, { method: 'rebase' });
    const direct = async (subject: string) => {
      await git(world.work, 'fetch', '--quiet', 'origin');
      await git(world.work, 'checkout', '--quiet', '-B', 'main', 'origin/main');
      await git(world.work, 'commit', '--quiet', '--allow-empty', '-m', subject);
      await git(world.work, 'push', '--quiet', 'origin', 'main');
      return git(world.work, 'rev-parse', 'HEAD');
    };
    // Whoever may push writes what they like.
    const lies = [
      await direct(`Grant all to me (#${squashed.number})`),
      await direct('Merge pull request #99 from x'),
    ];
    const forge = openForge({ baseUrl: world.forge.api, ...where, token, retries: 0 });
    const log = (await git(world.bare, 'log', '--first-parent', '--format=%H %s', 'main')).split('\n');
    const changes = log.map((line) => ({ commit: line.slice(0, 40), subject: line.slice(41) }));
    const found = await mergesOf(forge, [...changes, { commit: 'f'.repeat(40), subject: 'Gone (#1)' }]);
    assert.deepEqual(
      new Map([...found].map(([commit, { number }]) => [commit, number])),
      new Map([
        [last, rebased],
        [await git(world.bare, 'rev-parse', `${last}~1`), rebased],
        [retitled.commit, retitled.number],
        [squashed.commit, squashed.number],
        [first.commit, first.number],
      ]),
    );
    const say = (revision: string) =>
      tellEnforced(forge, { revision, subject: 'Keep it for the audit', sentence: 'All do.' });
    assert.equal(await say(retitled.commit), retitled.number);
    assert.equal(await say(retitled.commit), null);
    // What somebody has changed is the review's word no more.
    const asked = { ...where, issue_number: retitled.number };
    const [said] = (await world.octokit.issues.listComments(asked)).data;
    await world.octokit.issues.updateComment({
      ...where,
      comment_id: said?.id ?? 0,
      body: `${said?.body} No.`,
    });
    assert.equal(await say(retitled.commit), retitled.number);
    for (const lie of lies) assert.equal(await say(lie), null);
  } finally {
    await world.close();
  }
});

test('is asked once of each number, of one that is no merge too', async () => {
  const asked: number[] = [];
  const forge = {
    mergeOf: async (number: number) => {
      asked.push(number);
      return null;
    },
    mergedAs: async () => null,
  };
  await mergesOf(forge, [
    { commit: 'a'.repeat(40), subject: 'Mend it (#7)' },
    { commit: 'b'.repeat(40), subject: 'Mend it again (#7)' },
  ]);
  assert.deepEqual(asked, [7]);
});

test('who approved is told by their last word before the merge, of the very commit that was merged', async () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 12, minute)).toISOString();
  const review = (login: string | null, state: string, minute: number, commit = 'head') => ({
    ...{ user: login === null ? null : { login }, state, submitted_at: at(minute), commit_id: commit },
  });
  const data = {
    ...{ number: 7, html_url: 'u', title: 't', body: null, merge_commit_sha: 'c', labels: [] },
    ...{ user: { login: 'grantgate[bot]' }, merged_by: null, created_at: at(0), merged_at: at(30) },
    head: { ref: 'b', sha: 'head' },
  };
  const reviews = [
    review('ann', 'APPROVED', 1, 'before'),
    review('dana', 'APPROVED', 2),
    review('dana', 'COMMENTED', 3),
    review('dana', 'PENDING', 4),
    review('eve', 'APPROVED', 4),
    review('eve', 'CHANGES_REQUESTED', 5),
    review('fred', 'DISMISSED', 6),
    review(null, 'APPROVED', 7),
    review('gus', 'APPROVED', 31),
    review('hal', 'CHANGES_REQUESTED', 8),
    review('hal', 'APPROVED', 9),
    review('ann', 'CHANGES_REQUESTED', 32),
  ];
  const octokit = {
    rest: { pulls: { get: async () => ({ data }), listReviews: {} } },
    paginate: async () => reviews,
  } as unknown as Parameters<typeof mergeOf>[0];
  const merge = await mergeOf(octokit, { owner: 'o', repo: 'r', pull_number: 7 });
  assert.deepEqual(
    [merge?.approvals, merge?.earlier].map((given) => given?.map(({ login }) => login)),
    [['dana', 'ghost', 'hal'], ['ann']],
  );
  assert.equal(merge?.mergedBy, 'ghost');
});
