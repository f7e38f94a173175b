import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseYaml } from '../../../bundle/yaml/parseYaml.ts';
import { type Edit, edit, grantText, removeExemptions } from '../../../reviewer/edit/edit.ts';
import { suite } from '../../_suite.ts';

const test = suite('edit');
const file = 'grants/access/orders/billing.yaml';

const text = `# yaml-language-server: $schema=../../schema/access.json
# The billing desk.
- id: orders-a
  role: reader   # reads only
  granted: 2026-03-01
  expires: 2027-02-28 # after the audit

# Only until the migration is over.
# Ask Ann.
- id: orders-b
  # not the admin role!
  role: "editor"
  reason: 'it''s needed'
  granted: 2026-03-01
  state: active # again since May
  # end of b

# A note that belongs to nobody.

- id: orders-c
  operations:
    - getOrder
    - createOrder # by phone
  granted: 2026-03-01
`;

const deleted = (grant: string): Edit => ({ kind: 'delete', grant });
const suspended = (grant: string): Edit => ({ kind: 'suspend', grant });
const narrowed = (grant: string, to: Extract<Edit, { kind: 'narrow' }>['to']): Edit => ({
  kind: 'narrow',
  grant,
  to,
});

test('deletes a grant with the comments that belong to it, and nothing else', () => {
  assert.equal(edit(text, file, deleted('orders-b')), text.replace(/# Only until[\s\S]*# end of b\n\n/, ''));
});

test('a comment below an empty first line is of the grant below it, and goes with it', () => {
  const of = '\n# Ask Ann.\n- id: orders-a\n  granted: 2026-03-01\n- id: orders-b\n';
  assert.equal(edit(of, file, deleted('orders-a')), '\n- id: orders-b\n');
});

test('keeps the comment of the file when its first grant goes', () => {
  assert.equal(edit(text, file, deleted('orders-a')), text.replace(/- id: orders-a[\s\S]*?audit\n/, ''));
});

test('deletes the last grant with the blank line before it', () => {
  assert.equal(edit(text, file, deleted('orders-c')), text.replace(/\n- id: orders-c[\s\S]*/, ''));
});

test('answers null when the only grant goes, for the file goes with it', () => {
  assert.equal(edit('- id: orders-a\n  granted: 2026-03-01\n', file, deleted('orders-a')), null);
  assert.equal(edit('[{ id: orders-a }]', file, deleted('orders-a')), null);
});

test('suspends by replacing the state, or by a line after the dates', () => {
  assert.equal(edit(text, file, suspended('orders-b')), text.replace('state: active', 'state: suspended'));
  assert.equal(
    edit(text, file, suspended('orders-a')),
    text.replace('after the audit\n', 'after the audit\n  state: suspended\n'),
  );
  assert.equal(edit(text, file, suspended('orders-c')), `${text}  state: suspended\n`);
});

test('suspends in the last line of a file that does not end it', () => {
  assert.equal(edit(text.trimEnd(), file, suspended('orders-c')), `${text}  state: suspended`);
});

test('suspends below a comment that ends a file without a line break', () => {
  const short = `${text.trimEnd()} # since spring`;
  assert.equal(edit(short, file, suspended('orders-c')), `${short}\n  state: suspended`);
});

test('narrows a role to a role, keeping the comment after it', () => {
  assert.equal(
    edit(text, file, narrowed('orders-a', { role: 'viewer' })),
    text.replace('role: reader ', 'role: viewer '),
  );
});

test('narrows roles to operations and operations to roles', () => {
  assert.equal(
    edit(text, file, narrowed('orders-b', { operations: ['getOrder', 'listOrders'] })),
    text.replace('role: "editor"', 'operations: [getOrder, listOrders]'),
  );
  assert.equal(
    edit(text, file, narrowed('orders-c', { role: 'reader' })),
    text.replace(/operations:\n {4}- getOrder\n {4}- createOrder/, 'role: reader'),
  );
});

test('quotes a name that YAML would read as something else', () => {
  assert.match(edit(text, file, narrowed('orders-a', { role: 'null' })) ?? '', /role: "null" {3}# reads/);
  assert.match(
    edit(text, file, narrowed('orders-a', { operations: ['true'] })) ?? '',
    /operations: \["true"\]/,
  );
});

test('keeps CR LF line ends', () => {
  const windows = text.replaceAll('\n', '\r\n');
  for (const change of [deleted('orders-b'), suspended('orders-a'), suspended('orders-c')])
    assert.equal(edit(windows, file, change), edit(text, file, change)?.replaceAll('\n', '\r\n'));
});

test('edits flow style in place', () => {
  const flow =
    '[ { id: orders-a, role: x, granted: 2026-03-01 }, # one\n  { id: orders-b, granted: 2026-03-01 },\n  { id: orders-c, granted: 2026-03-01 } ] # end\n';
  assert.equal(
    edit(flow, file, suspended('orders-a')),
    flow.replace('03-01 }, # one', '03-01, state: suspended }, # one'),
  );
  assert.equal(
    edit(flow, file, deleted('orders-a')),
    '[ # one\n  { id: orders-b, granted: 2026-03-01 },\n  { id: orders-c, granted: 2026-03-01 } ] # end\n',
  );
  assert.equal(
    edit(flow, file, deleted('orders-b')),
    flow.replace('  { id: orders-b, granted: 2026-03-01 },\n', ''),
  );
  assert.deepEqual(
    parseYaml(edit(flow, file, deleted('orders-c')) ?? '', file).value,
    (parseYaml(flow, file).value as unknown[]).slice(0, 2),
  );
});

test('of the last item in brackets its comma goes and one space, not what else was put before it', () => {
  const two = (space: string) => `[{ id: orders-a },${space}{ id: orders-b }]\n`;
  assert.equal(edit(two(' '), file, deleted('orders-b')), '[{ id: orders-a }]\n');
  assert.equal(edit(two('  '), file, deleted('orders-b')), '[{ id: orders-a }  ]\n');
});

test('edits flow mappings in a block list', () => {
  const mixed =
    '- { id: orders-a, role: x, granted: 2026-03-01 } # a\n- { id: orders-b, granted: 2026-03-01 }\n';
  assert.equal(edit(mixed, file, deleted('orders-a')), '- { id: orders-b, granted: 2026-03-01 }\n');
  assert.equal(edit(mixed, file, narrowed('orders-a', { role: 'y' })), mixed.replace('role: x', 'role: y'));
});

test('refuses a grant that is not there', () => {
  assert.throws(() => edit(text, file, deleted('orders-z')), { code: 'edit-failed' });
  assert.throws(() => edit('grants: []', file, deleted('orders-z')), { code: 'edit-failed' });
});

test('shows the text of a grant as it stands in its file', () => {
  assert.match(grantText(text, file, 'orders-b'), /^# Only until[\s\S]*# end of b\n$/);
  assert.match(grantText(text, file, 'orders-a'), /^- id: orders-a\n/);
});

const review = {
  decision: 'keep',
  by: 'user:ann@example.com',
  at: '2026-11-23T12:00:00Z',
  until: '2027-03-01',
  reason: 'The audit: "still, needed" } # until then',
} as const;

test('writes who kept a grant, and a new end, owner and state; every other byte stays', () => {
  const set = (grant: string, to: Extract<Edit, { kind: 'set' }>['to']) =>
    edit(text, file, { kind: 'set', grant, to });
  const line =
    'review: { decision: keep, by: user:ann@example.com, at: 2026-11-23T12:00:00Z, until: 2027-03-01, reason: "The audit: \\"still, needed\\" } # until then" }';
  assert.equal(
    set('orders-b', { review }),
    text.replace('# again since May\n', `# again since May\n  ${line}\n`),
  );
  assert.equal(
    set('orders-a', { expires: '2027-06-30', owner: 'group:desk' }),
    text
      .replace('2027-02-28 #', '2027-06-30 #')
      .replace('- id: orders-a\n', '- id: orders-a\n  owner: group:desk\n'),
  );
  assert.equal(set('orders-b', { state: 'suspended' }), text.replace('state: active', 'state: suspended'));
  const block = `${text}  review:\n    decision: keep\n    by: user:bob\n    reason: old\n`;
  assert.equal(edit(block, file, { kind: 'set', grant: 'orders-c', to: { review } }), `${text}  ${line}\n`);
  const again = { ...review, reason: 'no' };
  assert.equal(
    edit(`${text}  ${line} # ours\n`, file, { kind: 'set', grant: 'orders-c', to: { review: again } }),
    `${text}  ${line.replace(/reason.*/, 'reason: no }')} # ours\n`,
  );
});

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
