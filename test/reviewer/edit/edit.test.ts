import * as assert from 'node:assert/strict';
import { parseYaml } from '../../../bundle/yaml/parseYaml.ts';
import { type Edit, edit, grantText } from '../../../reviewer/edit/edit.ts';
import { suite } from '../../_suite.ts';
import { deleted, file, narrowed, review, suspended, text } from './_grants.ts';

const test = suite('edit');

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
