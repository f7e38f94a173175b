import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseYaml } from '../../../bundle/yaml/parseYaml.ts';
import { edit } from '../../../reviewer/edit/edit.ts';
import { putBack } from '../../../reviewer/edit/putBack.ts';
import { suite } from '../../_suite.ts';

const test = suite('put back');
const file = 'grants/access/orders/billing.yaml';

const earlier = `# yaml-language-server: $schema=../../schema/access.json
# The billing desk.
- id: orders-a
  role: reader   # reads only
  granted: 2026-03-01

# Only until the migration is over.
- id: orders-b
  # not the admin role!
  role: "editor"
  granted: 2026-03-01
  # end of b

- id: orders-c
  operations:
    - getOrder
    - createOrder # by phone
  granted: 2026-03-01
`;
const without = (...ids: string[]) =>
  ids.reduce<string | null>(
    (text, grant) => (text === null ? null : edit(text, file, { kind: 'delete', grant })),
    earlier,
  );

test('what was deleted and is put back reads as it did, to the byte', () => {
  for (const id of ['orders-a', 'orders-b', 'orders-c'])
    assert.equal(putBack(without(id), file, earlier, id), earlier);
});

test('a list without blank lines is put back without them', () => {
  const dense = ['a', 'b', 'c'].map((name) => `- id: orders-${name}\n  role: reader\n`).join('');
  for (const grant of ['orders-a', 'orders-b', 'orders-c'])
    assert.equal(putBack(edit(dense, file, { kind: 'delete', grant }), file, dense, grant), dense);
});

test('a file that is gone comes back with what stood above its first grant, and the one grant', () => {
  const gone = without('orders-a', 'orders-b', 'orders-c');
  assert.equal(gone, null);
  assert.equal(
    putBack(gone, file, earlier, 'orders-b'),
    `${earlier.slice(0, earlier.indexOf('- id: orders-a'))}${earlier.slice(earlier.indexOf('# Only until'), earlier.indexOf('\n- id: orders-c'))}`,
  );
});

test('an empty file keeps its comments', () => {
  const item = '- id: orders-b\n  role: "editor"\n';
  assert.equal(putBack('# Ours.', file, item, 'orders-b'), `# Ours.\n${item}`);
  assert.equal(putBack('[]\n', file, item, 'orders-b'), item);
  assert.equal(putBack('', file, item, 'orders-b'), item);
});

test('a grant that is there says again what it said, where it stands now', () => {
  const narrowed = edit(earlier, file, { kind: 'narrow', grant: 'orders-b', to: { role: 'reader' } }) ?? '';
  assert.equal(putBack(narrowed, file, earlier, 'orders-b'), earlier);
  const suspended = edit(narrowed, file, { kind: 'suspend', grant: 'orders-b' }) ?? '';
  const moved = `# Ours.\n\n${suspended.slice(suspended.indexOf('# Only until'))}`;
  const back = putBack(moved, file, earlier, 'orders-b');
  assert.ok(
    back.startsWith(
      '# Ours.\n\n# Only until the migration is over.\n- id: orders-b\n  # not the admin role!\n  role: "editor"',
    ),
  );
  assert.ok(!back.includes('suspended'));
});

test('other depths and line ends are those of the text of today', () => {
  const now = '- id: orders-x\r\n  role: reader\r\n\r\n- id: orders-a\r\n  role: reader\r\n';
  assert.equal(
    putBack(now, file, earlier, 'orders-b'),
    `${now}\r\n# Only until the migration is over.\r\n- id: orders-b\r\n  # not the admin role!\r\n  role: "editor"\r\n  granted: 2026-03-01\r\n  # end of b\r\n`,
  );
  const deep = '  - id: orders-a\n    role: reader\n';
  const back = putBack(deep, file, earlier, 'orders-c');
  assert.ok(back.startsWith(`${deep}\n  - id: orders-c\n    operations:\n      - getOrder\n`));
  assert.equal(
    putBack('- id: orders-a\n  role: reader', file, earlier, 'orders-b').split('\n')[1],
    '  role: reader',
  );
});

test('of a list in brackets the item is put back among lines, and not the other way round', () => {
  const flow = '[{ id: orders-q, role: reader }, { id: orders-r, role: reader }]\n';
  assert.equal(
    putBack('- id: orders-a\n  role: reader\n', file, flow, 'orders-r'),
    '- id: orders-a\n  role: reader\n\n- { id: orders-r, role: reader }\n'.replace(
      '- id: orders-a\n  role: reader\n\n- { id: orders-r, role: reader }\n',
      '- { id: orders-r, role: reader }\n\n- id: orders-a\n  role: reader\n',
    ),
  );
  assert.throws(() => putBack(flow, file, earlier, 'orders-b'), { code: 'edit-failed' });
});

test('refuses what would not read back as it was meant, and a grant that was never there', () => {
  assert.throws(() => putBack(earlier, file, earlier, 'orders-z'), { code: 'edit-failed' });
  assert.throws(() => putBack('a: 1\n', file, earlier, 'orders-b'), { code: 'edit-failed' });
  assert.throws(() => putBack('- id: [\n', file, earlier, 'orders-b'), { code: 'edit-failed' });
  // A text over several lines that is less deep than it stood would be another text.
  const block = '- id: orders-b\n  reason: |2\n      as\n    before\n';
  const back = () => putBack('    - id: orders-a\n', file, block, 'orders-b');
  try {
    const value = parseYaml(back(), file).value as { reason?: string }[];
    assert.ok(value.some(({ reason }) => reason === '  as\nbefore\n' || reason === '    as\n  before\n'));
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'edit-failed');
  }
});

test('by property: whatever is deleted, all others stay, and the grant says what it said', () => {
  const entry = fc.record({
    comment: fc.constantFrom('', '# why\n', '# one\n# two\n'),
    end: fc.constantFrom('', '  # end\n'),
    role: fc.constantFrom('reader', '"editor"', "'it''s'"),
  });
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 6 }),
      fc.nat(),
      fc.nat(),
      fc.boolean(),
      fc.constantFrom('\n', '\r\n'),
      (entries, one, other, blank, ends) => {
        const text = entries
          .map(({ comment, role, end }, i) => `${comment}- id: grant-${i}\n  role: ${role}\n${end}`)
          .join(blank ? '\n' : '')
          .replaceAll('\n', ends);
        const [id, gone] = [`grant-${one % entries.length}`, `grant-${other % entries.length}`];
        const less = edit(text, file, { kind: 'delete', grant: id });
        const now =
          less === null || gone === id || entries.length < 3
            ? less
            : edit(less, file, { kind: 'delete', grant: gone });
        const back = parseYaml(putBack(now, file, text, id), file).value as { id: string }[];
        const was = parseYaml(text, file).value as { id: string }[];
        const kept = gone === id || entries.length < 3 ? was : was.filter((item) => item.id !== gone);
        const byId = (items: { id: string }[]) => new Map(items.map((item) => [item.id, item]));
        assert.deepEqual(
          byId(back),
          byId(kept.length === 1 || now === null ? was.filter((item) => item.id === id) : kept),
        );
      },
    ),
    { numRuns: 300 },
  );
});
