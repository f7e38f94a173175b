import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { beforeDelta, deltaOf } from '../../../gateway/revision/lineDelta.ts';
import { indexLines, type LineIndex, openIndex } from '../../../gateway/revision/lineIndex.ts';
import { suite } from '../../_suite.ts';
import { apiEntry, type Document, lineForm } from '../_document.ts';

const test = suite('lineDelta');

const apis = ['accounts', 'orders', 'payments'];
const names = ['a', 'ab', 'a!', 'b', 'group:a', 'user:ann', 'user:ann@example.com', 'é'];
const text = (line: Uint8Array | null) => (line === null ? null : Buffer.from(line).toString());
const all = (index: LineIndex) => [
  ...apis.flatMap((api) => names.map((name) => text(index.grants(api, name)))),
  ...names.map((name) => text(index.principal(name))),
  ...names.map((name) => text(index.entry('tenants', name))),
  ...[index.documents.digest, ...index.documents.wholes],
];

const document = fc.record({
  documents: fc.dictionary(
    fc.constantFrom('tenants', 'regions'),
    fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 0, max: 2 })),
  ),
  grants: fc.dictionary(
    fc.constantFrom(...apis),
    fc.dictionary(fc.constantFrom(...names), fc.constantFrom<unknown[]>([{ id: 'one' }], [{ id: 'other' }])),
  ),
  principals: fc.dictionary(
    fc.constantFrom(...names),
    fc.constantFrom<Document['principals'][string]>(
      { active: true, groups: [] },
      { active: false, groups: ['group:a'] },
    ),
  ),
});
const written = (parts: Pick<Document, 'documents' | 'grants' | 'principals'>) =>
  indexLines(lineForm({ apis: Object.fromEntries(apis.map((api) => [api, apiEntry(api)])), ...parts }));

test('with what was otherwise, any index is found again in any other one', () => {
  fc.assert(
    fc.property(document, document, (one, other) => {
      const [before, after] = [written(one), written(other)];
      const delta = deltaOf(before, after);
      assert.ok(delta !== null);
      const was = openIndex(before);
      const again = beforeDelta(openIndex(after), delta, was);
      assert.deepEqual(all(again), all(was));
    }),
    { seed: 5, numRuns: 200 },
  );
});

test('it is as small as the change', () => {
  const parts = (ann: string) => ({
    grants: { orders: { b: [{ id: 'b' }], 'user:ann': [{ id: ann }] } },
    principals: {},
  });
  const delta = deltaOf(written(parts('one')), written(parts('two')));
  assert.equal(Buffer.from(delta?.bytes ?? new SharedArrayBuffer(0)).toString(), '"user:ann":[{"id":"one"}]');
  assert.equal(deltaOf(written(parts('one')), written(parts('one')))?.lines, '[]');
});

test('a change of more lines than asked for is none', () => {
  const before = written({ grants: { orders: { a: [{ id: '1' }], b: [{ id: '2' }] } }, principals: {} });
  const after = written({ grants: {}, principals: {} });
  assert.equal(deltaOf(before, after, 1), null);
  assert.notEqual(deltaOf(before, after, 2), null);
});
