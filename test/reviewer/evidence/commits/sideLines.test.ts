import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LoggedCommit } from '../../../../reviewer/evidence/commits/commitLog.ts';
import { sideLines } from '../../../../reviewer/evidence/commits/sideLines.ts';
import { suite } from '../../../_suite.ts';

const test = suite('branches that were merged');

const commit = (id: string, at: number, ...parents: string[]): LoggedCommit => ({
  ...{ commit: id, at, parents, subject: '', changes: [] },
});
const sides = (line: string, ...commits: LoggedCommit[]) =>
  [...sideLines(commits, new Set(line), 100)].map(([id, { at, merge }]) => `${id} ${at} ${merge}`);

test('a commit took effect when it says, after what it builds on and no later than it was merged', () => {
  const root = commit('a', 1);
  assert.deepEqual(sides('ac', root, commit('b', 3, 'a'), commit('c', 5, 'a', 'b')), ['b 3 c']);
  assert.deepEqual(sides('ac', root, commit('b', 9, 'a'), commit('c', 5, 'a', 'b')), ['b 5 c']);
  assert.deepEqual(sides('ac', commit('a', 4), commit('b', 3, 'a'), commit('c', 5, 'a', 'b')), ['b 4 c']);
  const two = [commit('b', 4, 'a'), commit('d', 2, 'b'), commit('c', 5, 'a', 'd')];
  assert.deepEqual(sides('ac', root, ...two), ['b 4 c', 'd 4 c']);
});

test('what a branch had merged itself is as late as that', () => {
  const inner = [commit('p', 2, 'a'), commit('m', 6, 'b', 'p')];
  const all = [commit('a', 1), commit('b', 3, 'a'), ...inner, commit('z', 9, 'a', 'm')];
  assert.deepEqual(sides('az', ...all).sort(), ['b 3 z', 'm 6 z', 'p 6 z']);
});

test('a merge is no earlier than what it merged, though the line had that sooner', () => {
  const had = [commit('a', 1), commit('b', 5, 'a'), commit('c', 6, 'a', 'b')];
  assert.deepEqual(sides('acz', ...had, commit('m', 2, 'a', 'b'), commit('z', 9, 'c', 'm')), [
    'b 5 c',
    'm 5 z',
  ]);
});

test('each is told once, by the first that merged it, no earlier than what it builds on', () => {
  const drawn = fc.array(fc.record({ at: fc.nat(120), up: fc.nat(5), other: fc.option(fc.nat(9)) }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(drawn, (all) => {
      const commits = all.map(({ at, up, other }, index): LoggedCommit => {
        const parents = [index - 1 - up, ...(other === null ? [] : [index - 1 - other])];
        const ids = [...new Set(index === 0 ? [] : parents.map((one) => String(Math.max(0, one))))];
        return commit(String(index), at, ...ids);
      });
      const byId = new Map(commits.map((one) => [one.commit, one]));
      const above = (id: string): Set<string> =>
        new Set([id, ...(byId.get(id)?.parents ?? []).flatMap((parent) => [...above(parent)])]);
      const tip = commits.at(-1)?.commit ?? '';
      const line: string[] = [];
      for (let id: string | undefined = tip; id !== undefined; id = byId.get(id)?.parents[0])
        line.unshift(id);
      const reached = commits.filter((one) => above(tip).has(one.commit));
      const found = sideLines(reached, new Set(line), 100);
      assert.deepEqual(
        [...found.keys()].sort(),
        reached
          .map((one) => one.commit)
          .filter((id) => !line.includes(id))
          .sort(),
      );
      for (const [id, { at, merge, mergedAt }] of found) {
        assert.equal(
          merge,
          line.find((one) => above(one).has(id)),
        );
        assert.ok(at <= mergedAt && mergedAt <= 100);
        assert.ok(at >= Math.min(byId.get(id)?.at ?? 0, mergedAt), 'when it says');
        for (const parent of byId.get(id)?.parents ?? [])
          assert.ok(at >= Math.min(found.get(parent)?.at ?? 0, mergedAt), 'after what it builds on');
      }
    }),
    { numRuns: 200 },
  );
});
