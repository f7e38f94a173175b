import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseYaml } from '../../../bundle/yaml/parseYaml.ts';
import { type Edit, edit, removeExemptions } from '../../../reviewer/edit/edit.ts';
import { suite } from '../../_suite.ts';
import { deleted, file, narrowed, review, suspended, text } from './_grants.ts';

const test = suite('splices of any kind');

test('whatever a reason holds, it reads back, or the file is left as it is', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
      fc.boolean(),
      (reason, inBrackets) => {
        const before = inBrackets ? '- { id: orders-a, granted: 2026-03-01 }\n- { id: orders-b }\n' : text;
        let after: string | null;
        try {
          after = edit(before, file, {
            kind: 'set',
            grant: 'orders-a',
            to: { review: { ...review, reason } },
          });
        } catch (error) {
          return assert.match(String(error), /cannot be edited/);
        }
        const [item] = parseYaml(after ?? '', file).value as { review: { reason: string } }[];
        assert.equal(item?.review.reason, reason);
      },
    ),
    { numRuns: 300, seed: 11 },
  );
});

test('a splice that goes wrong is caught, whatever it spoils', () => {
  const wrong: readonly ((text: string) => string)[] = [
    (good) => good.replace('id: orders-c', 'id: orders-d'),
    (good) => good.replace('editor', 'admin'),
    (good) => good.slice(0, -20),
    (good) => `${good}- id: another\n`,
    (good) => `${good}\t: [`,
    // Says the same, in words that no file of grants may hold.
    (good) => good.replace('id: ', 'id: &a '),
    () => text,
  ];
  for (const spoil of wrong)
    for (const change of [
      suspended('orders-a'),
      deleted('orders-a'),
      narrowed('orders-a', { role: 'viewer' }),
    ])
      assert.throws(() => edit(text, file, change, { by: () => spoil(edit(text, file, change) ?? '') }), {
        code: 'edit-failed',
      });
  assert.doesNotThrow(() =>
    edit(text, file, suspended('orders-a'), { by: () => edit(text, file, suspended('orders-a')) ?? '' }),
  );
  const rules =
    'exemptions:\n  - { grant: a, detector: dormant, reason: r, until: 2027-01-31 }\n  - { grant: b, detector: dormant, reason: r, until: 2027-01-31 }\n  - { grant: c, detector: dormant, reason: r, until: 2027-01-31 }\n';
  const keeps = removeExemptions(rules, 'grants/review.yaml', new Set(['a']));
  assert.equal(keeps, rules.replace(/ {2}- \{ grant: a.*\n/, ''));
  for (const spoiled of [
    rules.replace(/ {2}- \{ grant: b.*\n/, ''),
    `${keeps}brake: 1\n`,
    `${keeps}: [`,
    keeps.replace('grant: ', 'grant: &a '),
  ])
    assert.throws(() => removeExemptions(rules, 'grants/review.yaml', new Set(['a']), () => spoiled), {
      code: 'edit-failed',
    });
});

test('takes the exemptions of deleted grants along', () => {
  const review = `thresholds: { coverage: 0.9 }
exemptions:
  # one
  - { grant: orders-a, detector: dormant, reason: r, until: 2027-01-31 }
  # two
  - { grant: orders-b, detector: dormant, reason: r, until: 2027-01-31 }
pull_requests: { open: 3 }
`;
  const one = removeExemptions(review, 'grants/review.yaml', new Set(['orders-a', 'orders-x']));
  assert.equal(one, review.replace(/ {2}# one\n.*\n/, ''));
  const both = removeExemptions(review, 'grants/review.yaml', new Set(['orders-a', 'orders-b']));
  assert.match(both, /exemptions: \[\]\npull_requests/);
  assert.equal(removeExemptions(review, 'grants/review.yaml', new Set(['orders-x'])), review);
});

// Grants written in many ways: order of keys, quotes, comments, blank lines, line ends.
const entry = fc.record({
  comment: fc.constantFrom('', '# why\n', '# why\n# and since when\n'),
  quote: fc.constantFrom('', "'", '"'),
  keys: fc.shuffledSubarray(['reason', 'granted', 'expires', 'state', 'operations', 'ticket'], {
    minLength: 3,
  }),
  trailing: fc.constantFrom('', ' # note', '   #'),
  dash: fc.constantFrom('- ', '-   ', '-\n  '),
  after: fc.constantFrom('', '\n', '\n\n', '  # of this one\n', '\n# of nobody\n\n'),
});
const files = fc.record({
  header: fc.constantFrom('', '# of the file\n', '# of the file\n\n', '---\n', '\uFEFF'),
  entries: fc.array(entry, { minLength: 1, maxLength: 5 }),
  end: fc.constantFrom('\n', '\r\n'),
  cut: fc.boolean(),
});
const values: Record<string, (quote: string, indent: string) => string> = {
  reason: (quote) => `reason: ${quote}because of it${quote}`,
  granted: (quote) => `granted: ${quote}2026-03-01${quote}`,
  expires: (quote) => `expires: ${quote}2027-03-01${quote}`,
  state: (quote) => `state: ${quote}active${quote}`,
  ticket: (_, indent) => `ticket: |-\n${indent}  TICK-1\n${indent}  # no comment`,
  operations: (quote, indent) =>
    `operations:\n${indent}  - ${quote}getOrder${quote}\n${indent}  - listOrders`,
};

function render({ header, entries, end, cut }: Parameters<Parameters<typeof files.map>[0]>[0]): string {
  const body = entries.map(({ comment, quote, keys, trailing, dash, after }, index) => {
    const indent = ' '.repeat(dash.length - dash.lastIndexOf('\n') - 1);
    const all = keys.includes('granted') ? keys : [...keys, 'granted'];
    const lines = [`id: grant-${index}`, ...all.map((key) => values[key]?.(quote, indent) ?? '')].map(
      (line, position) =>
        `${position === 0 ? dash : indent}${line}${line.startsWith('ticket') ? '' : trailing}\n`,
    );
    return comment + lines.join('') + (after.startsWith('  #') && indent.length < 2 ? '' : after);
  });
  const whole = (header + body.join('')).replaceAll('\n', end);
  return cut ? whole.trimEnd() : whole;
}

/** How much two texts share at their beginning and, beyond that, at their end. */
function shared(before: string, after: string) {
  let head = 0;
  while (head < Math.min(before.length, after.length) && before[head] === after[head]) head += 1;
  let tail = 0;
  while (
    tail < Math.min(before.length, after.length) - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1;
  return { gone: before.slice(head, before.length - tail), come: after.slice(head, after.length - tail) };
}

test('whatever the style, a splice leaves exactly the expected grants and touches one place', () => {
  fc.assert(
    fc.property(files, fc.nat(), fc.constantFrom('delete', 'suspend', 'narrow'), (made, which, kind) => {
      const before = render(made);
      const index = which % made.entries.length;
      const grant = `grant-${index}`;
      const change: Edit =
        kind === 'narrow'
          ? narrowed(grant, { role: 'reader' })
          : { kind: kind as 'delete' | 'suspend', grant };
      const hasScope = made.entries[index]?.keys.includes('operations') === true;
      if (kind === 'narrow' && !hasScope) return;
      const after = edit(before, file, change);
      const others = made.entries.length - 1;
      if (kind === 'delete' && others === 0) return assert.equal(after, null);
      assert.ok(after !== null);
      const { gone, come } = shared(before, after);
      if (kind === 'delete') {
        assert.equal(come, '');
        // Nothing of another grant, and no comment of nobody or of the file.
        const ids = new Set(gone.match(/grant-\d/g) ?? []);
        ids.delete(grant);
        assert.deepEqual([...ids], []);
        assert.doesNotMatch(gone, /of nobody|of the file|\uFEFF|---/);
        const list = parseYaml(after, file).value as { id: string }[];
        assert.equal(list.length, others);
      } else {
        assert.ok(come.split(/\r?\n/).length <= 2, come);
        if (kind === 'suspend') assert.doesNotMatch(gone, /[\r\n]/);
      }
      assert.equal(/\r\n/.test(after) && /(?<!\r)\n/.test(after), false);
    }),
    { numRuns: 500, seed: 7 },
  );
});
