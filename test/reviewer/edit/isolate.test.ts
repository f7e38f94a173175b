import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Edit, edit, grantText } from '../../../reviewer/edit/edit.ts';
import { createIsolate } from '../../../reviewer/edit/isolate.ts';
import { suite } from '../../_suite.ts';

const test = suite('isolate');

const item = (id: number) =>
  fc
    .record({
      above: fc.constantFrom('', '# above\n', '\n# above\n# twice\n', '\n\n'),
      first: fc.constantFrom(
        `- id: grant-${id}`,
        `- id: "grant-${id}" # name`,
        `- owner: "group:desk"\n  id: grant-${id}`,
      ),
      reason: fc.constantFrom(
        'plain',
        '"in \\" quotes"',
        '|\n    - id: grant-0\n    text',
        '>\n    # no comment',
      ),
      below: fc.constantFrom('', '  # of it\n', '  # of it\n\n', '# of the next\n'),
    })
    .map(
      ({ above, first, reason, below }) =>
        `${above}${first}\n  principal: group:desk # who\n  role: reader\n  reason: ${reason}\n  granted: 2026-01-01\n${below}`,
    );
const file = fc
  .tuple(fc.constantFrom('', '# of the file\n', '---\n'), fc.integer({ min: 1, max: 6 }))
  .chain(([head, count]) =>
    fc.tuple(...Array.from({ length: count }, (_, id) => item(id))).map((items) => head + items.join('')),
  );
const result = (work: () => string | null): string | null => {
  try {
    return work();
  } catch (error) {
    return String(error);
  }
};

test('a grant and its edits read the same cut out of its file as in it', () => {
  fc.assert(
    fc.property(file, fc.nat(5), fc.boolean(), (lf, which, crlf) => {
      const text = crlf ? lf.replaceAll('\n', '\r\n') : lf;
      const grant = `grant-${which}`;
      const edits: Edit[] = [
        { kind: 'suspend', grant },
        { kind: 'narrow', grant, to: { operations: ['get'] } },
        { kind: 'set', grant, to: { owner: 'group:night', expires: '2027-01-01' } },
      ];
      const { text: part, parsed } = createIsolate(text)(grant);
      assert.equal(
        result(() => grantText(part, 'f', grant, parsed)),
        result(() => grantText(text, 'f', grant)),
      );
      for (const change of edits) {
        const after = (whole: string, known?: typeof parsed) => {
          const edited = edit(whole, 'f', change, { parsed: known });
          return edited === null ? null : grantText(edited, 'f', grant);
        };
        assert.equal(
          result(() => after(part, parsed)),
          result(() => after(text)),
        );
      }
    }),
    { seed: 4, numRuns: 150 },
  );
});

test('cuts out of many, and leaves alone what is not plainly written', () => {
  const cut = (text: string, grant: string) => createIsolate(text)(grant).text;
  const many = Array.from({ length: 9 }, (_, id) => `- id: grant-${id}\n  role: reader\n`).join('');
  assert.equal(cut(many, 'grant-4').split('- id').length - 1, 3);
  assert.equal(cut(many, 'grant-0').split('- id').length - 1, 2);
  for (const odd of [
    '[{ id: grant-1 }, { id: grant-2 }]',
    `${many}x: 1\n`,
    `${many}- id: grant-4\n`,
    many.replaceAll('- id', '-  id'),
  ])
    assert.equal(cut(odd, 'grant-4'), odd);
  assert.equal(cut(many, 'grant-99'), many);
});
