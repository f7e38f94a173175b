import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { countRemoved } from '../../../gateway/revision/countRemoved.ts';
import { indexLines } from '../../../gateway/revision/lineIndex.ts';
import { suite } from '../../_suite.ts';
import { apiEntry, lineForm } from '../_document.ts';

const test = suite('countRemoved');

type Grants = Record<string, Record<string, string[]>>;

const linesOf = (grants: Grants, groups: string[] = []) =>
  indexLines(
    lineForm({
      apis: { billing: apiEntry('billing'), orders: apiEntry('orders'), é: apiEntry('x') },
      grants: Object.fromEntries(
        Object.entries(grants).map(([api, held]) => [
          api,
          Object.fromEntries(
            Object.entries(held)
              .filter(([, ids]) => ids.length > 0)
              .map(([name, ids]) => [name, ids.map((id) => ({ id, operations: ['get'] }))]),
          ),
        ]),
      ),
      principals: { 'user:ann': { active: true, groups } },
    }),
  );

const removed = (before: Grants, after: Grants) => countRemoved(linesOf(before), linesOf(after));

test('counts what a principal has lost, not what others were given or what only changed', () => {
  const before = { orders: { 'group:a': ['g1', 'g2'], 'user:ann': ['u1'], 'user:bob': ['u2'] } };
  assert.equal(removed(before, before), 0);
  assert.equal(removed(before, { orders: { ...before.orders, 'user:new': ['n1'] } }), 0);
  assert.equal(removed(before, { orders: { 'group:a': ['g2'], 'user:ann': ['u1'], 'user:bob': ['u2'] } }), 1);
  assert.equal(removed(before, { orders: { 'group:a': ['g1', 'g2'], 'user:bob': ['u2'] } }), 1);
  assert.equal(removed(before, { orders: { 'user:zoe': ['g1', 'g2', 'u1', 'u2'] } }), 4);
  assert.equal(removed(before, { billing: before.orders }), 4);
  assert.equal(removed(before, {}), 4);
  assert.equal(removed({}, before), 0);
});

test('who is in other groups than before has lost no grant by that', () => {
  const grants = { orders: { 'group:a': ['g1'] } };
  assert.equal(countRemoved(linesOf(grants, ['group:a']), linesOf(grants)), 0);
  assert.equal(countRemoved(linesOf(grants), linesOf({}, ['group:b'])), 1);
});

test('agrees with a plain count over whole documents, whatever changes', () => {
  const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 });
  const names = fc.constantFrom('group:a', 'group:aa', 'user:a', 'user:b', 'user:é', 'user:a-b', 'user:a.b');
  const held = fc.dictionary(names, ids, { noNullPrototype: true });
  const grants = fc.dictionary(fc.constantFrom('billing', 'orders'), held, { noNullPrototype: true });
  const all = (of: Grants) =>
    Object.entries(of).flatMap(([api, lines]) =>
      Object.entries(lines).flatMap(([name, list]) => list.map((id) => `${api} ${name} ${id}`)),
    );
  fc.assert(
    fc.property(grants, grants, (before, after) => {
      const left = new Set(all(after));
      assert.equal(removed(before, after), all(before).filter((one) => !left.has(one)).length);
    }),
    { numRuns: 200 },
  );
});
