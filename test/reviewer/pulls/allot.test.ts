import * as assert from 'node:assert/strict';
import type { Finding } from '../../../reviewer/plan/finding.ts';
import { allot, answered, type OpenPull, rememberedMs } from '../../../reviewer/pulls/allot.ts';
import { askedFor, renderDashboard } from '../../../reviewer/pulls/dashboard.ts';
import { groupFindings } from '../../../reviewer/pulls/group.ts';
import { entriesOf } from '../../../reviewer/pulls/text/body.ts';
import { branchOf } from '../../../reviewer/pulls/text/branch.ts';
import { hidden, type Marker } from '../../../reviewer/pulls/text/marker.ts';
import { ignoredMs, ignoredSince } from '../../../reviewer/pulls/timing.ts';
import { suite } from '../../_suite.ts';

const test = suite('which findings share a pull request');

const family = { owner: 'group:desk', tier: 'tidying', risk: 'routine' } as const;
const id = (number: number) => String(number).padStart(3, '0');
const found = (from: number, to: number): Finding[] =>
  Array.from({ length: to - from }, (_, index) => ({
    fingerprint: id(from + index).padStart(32, '0'),
    grant: `grant-${id(from + index)}`,
    principal: 'user:ann@example.com',
    api: 'orders',
    action: 'delete',
    detector: 'expired',
    severity: 'low',
    owner: family.owner,
    sentence: 'it has ended',
    change: { file: 'grants/access/orders/desk.yaml', before: '', after: '' },
    evidence: { granted: '2026-01-01T00:00:00Z', ended: '2026-11-01T00:00:00Z' },
  }));
const opened = (turn: number, findings: readonly Finding[], closedToMore: boolean): OpenPull => ({
  pull: {
    ...{ number: turn, url: '', branch: branchOf({ ...family, turn }), head: 'f'.repeat(40), labels: [] },
    ...{ title: '', body: '', state: 'open', merged: false, createdMs: 0, closedMs: null },
    ...{ reopenedMs: null, isOurs: true },
    draft: false,
    author: 'grantgate[bot]',
  },
  marker: {
    ...{ version: 2, as_of: '', title: '', commit: null, ...family },
    entries: entriesOf(findings),
  },
  handsOff: false,
  closedToMore,
});
const dealt = (findings: readonly Finding[], opens: readonly OpenPull[]) =>
  allot(groupFindings({ findings }), opens, () => 'free').map((task) =>
    task.kind === 'close'
      ? `close ${task.branch}`
      : `${task.kind} ${task.branch.slice(17)} ${task.findings[0]?.grant}..${task.findings.at(-1)?.grant} (${task.waiting} wait)`,
  );

test('no more than a person can read; the rest comes once that is merged, or beside what takes no more', () => {
  assert.deepEqual(dealt(found(0, 250), []), ['open group-desk/tidying grant-000..grant-099 (150 wait)']);
  assert.deepEqual(dealt(found(0, 250), [opened(1, found(0, 100), false)]), [
    'hold group-desk/tidying grant-000..grant-099 (150 wait)',
  ]);
  assert.deepEqual(dealt(found(0, 250), [opened(1, found(0, 100), true)]), [
    'hold group-desk/tidying grant-000..grant-099 (0 wait)',
    'open group-desk/tidying-2 grant-100..grant-199 (50 wait)',
  ]);
});

test('what was split stays split; what is new joins the first that still takes more', () => {
  const opens = [opened(1, found(0, 2), true), opened(2, found(2, 4), false), opened(3, found(4, 5), false)];
  assert.deepEqual(dealt(found(0, 7), opens), [
    'hold group-desk/tidying grant-000..grant-001 (0 wait)',
    'hold group-desk/tidying-2 grant-002..grant-006 (0 wait)',
    'hold group-desk/tidying-3 grant-004..grant-004 (0 wait)',
  ]);
  assert.deepEqual(dealt(found(2, 4), opens), [
    'close grantgate/review/group-desk/tidying',
    'hold group-desk/tidying-2 grant-002..grant-003 (0 wait)',
    'close grantgate/review/group-desk/tidying-3',
  ]);
});

test('what is held back stays in sight, however much it is', () => {
  const pulls = (count: number, grants: number) =>
    Array.from({ length: count }, (_, index) => ({
      ...({ number: null, url: null, action: 'held', reason: 'a limit '.repeat(9) } as const),
      branch: branchOf({ ...family, owner: `group:team-${index}`, turn: 1 }),
      grants: Array.from({ length: grants }, (_, at) => `grant-of-a-team-${index}-${at}`),
    }));
  const rendered = (count: number, grants: number) => {
    const text = renderDashboard(pulls(count, grants), null);
    assert.ok([...text].length <= 65_536, `${count} of ${grants}`);
    return { text, boxes: askedFor(text.replaceAll('- [ ]', '- [x]')).size };
  };
  assert.match(rendered(3, 25).text, /`grant-of-a-team-2-19` and 5 more/);
  assert.match(rendered(150, 25).text, /`grant-of-a-team-149-2` and 22 more/);
  const counted = rendered(300, 100);
  assert.match(counted.text, /: 100 grants – /);
  assert.equal(counted.boxes, 300);
  const many = rendered(5000, 100);
  assert.match(many.text, /### Held back \(5,000 pull requests\)/);
  assert.match(many.text, new RegExp(`\n- and ${5000 - many.boxes} more`));
  assert.ok(many.boxes >= 100);
});

test('the dashboard says of what is open from when on which rule holds, and of what waits for ever nothing', () => {
  const open = { number: 3, url: 'u', branch: 'b', grants: ['a'], action: 'reminded' } as const;
  const due = { ...open, no_response: { at: '2026-12-23T12:00:00Z', rule: 'suspend' } } as const;
  assert.match(renderDashboard([due], null), /- #3: `a` – without an answer by 2026-12-23: `suspend`$/);
  assert.match(renderDashboard([open], null), /- #3: `a`$/);
});

const closedOne = (pull: Partial<OpenPull['pull']>, marker: Partial<Marker> = {}) => {
  const one = opened(1, found(0, 1), false);
  const body = hidden({ ...(one.marker ?? assert.fail()), ...marker });
  return { ...one.pull, ...({ body, state: 'closed', closedMs: 1000 } as const), ...pull };
};

test('an answer is a closing by somebody, of thirty days, in a description that nobody else has written', () => {
  const count = (...closed: Parameters<typeof closedOne>) => {
    const pull = closedOne(...closed);
    return (nowMs: number) => answered([pull], nowMs).size;
  };
  const [last, over] = [rememberedMs + 999, rememberedMs + 1000];
  assert.deepEqual([count({})(last), count({})(over)], [1, 0]);
  assert.equal(count({ state: 'open' })(last), 0);
  assert.equal(count({ isOurs: false })(last), 0);
  // What the review closed itself is none, unless somebody has merged it all the same.
  assert.equal(count({}, { closed: 'it is gone' })(last), 0);
  assert.equal(count({ merged: true }, { closed: 'it is gone' })(last), 1);
});

test('where nobody answers for 90 days nothing more is asked, whatever the review itself has closed', () => {
  const waiting = { ...closedOne({ state: 'open', closedMs: null }), createdMs: 1000 };
  const isPaused = (nowMs: number, ...others: OpenPull['pull'][]) =>
    ignoredSince([waiting, ...others], nowMs) !== null;
  const [last, over] = [ignoredMs + 999, ignoredMs + 1000];
  assert.deepEqual([isPaused(last), isPaused(over)], [false, true]);
  assert.equal(isPaused(over, closedOne({ closedMs: 1001 })), false);
  assert.equal(isPaused(over, closedOne({ closedMs: 1000 })), true);
  assert.equal(isPaused(over, closedOne({ closedMs: 1001 }, { closed: 'it is gone' })), true);
  assert.equal(isPaused(over, closedOne({ closedMs: 1001, merged: true }, { closed: 'it is gone' })), false);
  // Urgent ones wait for nobody's habits.
  const urgent = branchOf({ ...family, tier: 'urgent', turn: 1 });
  assert.equal(ignoredSince([{ ...waiting, branch: urgent }], over), null);
});
