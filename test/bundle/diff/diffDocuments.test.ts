import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { diffData } from '../../../bundle/diff/diffData.ts';
import { canonicalJson, compareCodePoints } from '../../../bundle/format/canonicalJson.ts';
import { diffText } from '../../../reviewer/diff/diffText.ts';
import { suite } from '../../_suite.ts';
import { lineForm } from '../../gateway/_document.ts';

const test = suite('what changed in data documents');

type Documents = Record<string, Record<string, unknown>>;
const written = (documents: Documents) => lineForm({ apis: {}, documents, grants: {}, principals: {} });
const diff = (before: Documents, after: Documents) => diffData(written(before), written(after), { at: null });
const told = (before: Documents, after: Documents) =>
  diffText({ base: 'a', head: 'b', policiesChanged: false, ...diff(before, after) })
    .split('\n')
    .slice(1, -1);

const note = '  data documents changed: by them the same grants may allow something else than compared here';

const documents: fc.Arbitrary<Documents> = fc.dictionary(
  fc.constantFrom('grants', 'tenants'),
  fc.dictionary(
    fc.constantFrom('a', 'a"', 'b', 'grants', '\u2028', '\u{1f600}', '\uffee'),
    fc.constantFrom(1, { x: 2 }, 'c'),
  ),
);

test('is every entry that one side has otherwise than the other, in order', () => {
  fc.assert(
    fc.property(documents, documents, (before, after) => {
      const expected = [...new Set([...Object.keys(before), ...Object.keys(after)])]
        .sort()
        .flatMap((document) => {
          const [was = {}, is = {}] = [before[document], after[document]];
          const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort(compareCodePoints);
          const entries = keys
            .filter((key) => canonicalJson([was[key] ?? null]) !== canonicalJson([is[key] ?? null]))
            .map((key) => ({
              key,
              ...(Object.hasOwn(was, key) && { before: was[key] }),
              ...(Object.hasOwn(is, key) && { after: is[key] }),
            }));
          const change =
            before[document] === undefined ? 'added' : after[document] === undefined ? 'removed' : 'changed';
          const added = entries.filter((one) => !('before' in one)).length;
          const removed = entries.filter((one) => !('after' in one)).length;
          const changed = entries.length - added - removed;
          return change === 'changed' && entries.length === 0
            ? []
            : [{ document, change, added, removed, changed, entries }];
        });
      assert.deepEqual(diff(before, after).documents, expected);
    }),
    { seed: 15, numRuns: 300 },
  );
});

test('is told by the entry, of many by their number, and nothing of what is the same', () => {
  const tenants = { acme: { frozen: false }, globex: { frozen: true } };
  assert.deepEqual(told({ tenants }, { tenants }), []);
  assert.deepEqual(told({ tenants }, { tenants: { acme: { frozen: true }, initech: 'x'.repeat(200) } }), [
    'Also:',
    note,
    '  data/tenants.yaml: acme was {"frozen":false}, is {"frozen":true}',
    '  data/tenants.yaml: globex is gone, was {"frozen":true}',
    `  data/tenants.yaml: initech is new: "${'x'.repeat(118)}…`,
  ]);
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index]));
  const lines = told({ tenants }, { tenants: { acme: tenants.acme, ...many } });
  assert.equal(lines.length, 8);
  assert.equal(lines.at(-1), '  data/tenants.yaml: 301 entries in all: 300 new, 1 gone');
  assert.equal(diff({ tenants }, { tenants: many }).documents[0]?.entries.length, 50);
  assert.deepEqual(told({}, { tenants }), ['Also:', note, '  data/tenants.yaml is new, with 2 entries']);
  assert.deepEqual(told({ tenants }, {}), ['Also:', note, '  data/tenants.yaml is gone']);
});
