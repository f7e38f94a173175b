import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import { organisationOf } from '../../../reviewer/organisationOf.ts';
import { withTexts } from '../../../reviewer/proposal/effectOf.ts';
import { readIssueForm } from '../../../reviewer/requests/readIssueForm.ts';
import { type GrantRequest, requestGrant } from '../../../reviewer/requests/requestGrant.ts';
import { requestProposal } from '../../../reviewer/requests/requestProposal.ts';
import { untilOf } from '../../../reviewer/requests/untilOf.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base, type Place, place, rules } from '../_review.ts';

const test = suite('requests');
const now = asOfMs / 1000;
let here: Place;

const wanted: GrantRequest = {
  principal: 'user:dana@example.com',
  api: 'orders',
  needs: { role: 'reader' },
  until: '2026-11-30',
  reason: 'Refund of order 811',
  emergency: false,
};
const known = async () => {
  const tree = await workingTree(here.root);
  return { tree, organisation: await organisationOf(tree) };
};
const ask = async (more: Partial<GrantRequest> = {}) =>
  requestGrant(await known(), { ...wanted, ...more }, now);
const refused = (more: Partial<GrantRequest>, message: RegExp) =>
  assert.rejects(ask(more), (error: { code?: string; message: string }) => {
    assert.equal(error.code, 'request-refused');
    assert.match(error.message, message);
    return true;
  });

test.before(async () => {
  here = await place({
    ...access([{ id: 'busy' }]),
    'grants/apis/payments.yaml': `${base['grants/apis/payments.yaml']}exceptions: { list: { public: true } }\n`,
    'grants/review.yaml': `${rules}requests: { longest_days: 10 }\nemergency: { principals: ["group:night"], tiers: [medium], hours: 4 }\n`,
  });
});
test.after(() => here.remove());

test('a request is a grant with an end, in a file of its own, and tells who gains what and who may approve', async () => {
  const { entry, file, changes, approvers, texts } = await ask({ ticket: 'OPS-1' });
  assert.equal(entry.id, 'orders-dana-reader-20261123t120000');
  assert.equal(file, `grants/access/orders/${entry.id}.yaml`);
  assert.deepEqual(
    changes.map(({ kind, who, operations }) => [kind, who, operations]),
    [['gains', ['user:dana@example.com'], ['get', 'list']]],
  );
  // The desk answers for the API: ann, and through the night shift dana, who asks. bob is suspended.
  assert.equal(approvers.owner, 'group:desk');
  assert.ok(approvers.people.includes('user:ann@example.com'));
  assert.ok(!approvers.people.includes('user:dana@example.com'));
  const { problems, organisation } = await load(withTexts(await workingTree(here.root), texts));
  assert.deepEqual(problems, []);
  assert.equal(organisation?.grants.find(({ id }) => id === entry.id)?.ticket, 'OPS-1');
});

test('of operations the least is granted: a role only where it holds just those', async () => {
  const some = await ask({ needs: { operations: ['create'] } });
  assert.deepEqual(some.entry.operations, ['create']);
  assert.deepEqual(some.role, { name: 'editor', also: ['get', 'list'] });
  const exact = await ask({ needs: { operations: ['list', 'get', 'list'] } });
  assert.equal(exact.entry.role, 'reader');
  assert.equal(exact.role, null);
  assert.equal((await ask({ needs: { operations: ['remove'] } })).role?.name, 'admin');
});

test('what anybody may call is asked for in vain, and that is said', () =>
  refused(
    { api: 'payments', needs: { operations: ['list'] } },
    /^anybody may call list of payments without a grant/,
  ));

test('refuses what is not there, with what was probably meant', async () => {
  await refused({ api: 'order' }, /no API "order" \(did you mean "orders"\?\)/);
  await refused({ needs: { role: 'raeder' } }, /no role "raeder" \(did you mean "reader"\?\)/);
  await refused({ needs: { operations: ['lsit'] } }, /no operation "lsit"/);
  await refused({ needs: { operations: [] } }, /no operation is asked for/);
  await refused(
    { principal: 'user:dona@example.com' },
    /no directory knows user:dona@example.com \(did you mean/,
  );
  for (const principal of ['dana@example.com', 'user:', ':x', 'role:x', '__proto__:x'])
    await refused({ principal }, /must be user:LOGIN|no directory knows/);
  await refused({ reason: '' }, /makes no grant/);
  await refused({ owner: 'nobody' }, /makes no grant/);
});

test('refuses what somebody has already, and somebody who is not active', async () => {
  await refused(
    { principal: 'user:ann@example.com' },
    /^user:ann@example\.com has that access already, by \S+/,
  );
  await refused(
    { principal: 'user:cleo@example.com' },
    /account of user:cleo@example\.com is deprovisioned in/,
  );
});

test('an end is ahead, and no further than review.yaml lets it be', async () => {
  await refused({ until: '2026-11-22' }, /has passed/);
  await refused({ until: '2026-11-23T12:00:00Z' }, /has passed/);
  await refused({ until: '2026-12-04' }, /more than 10 days ahead/);
  await ask({ until: '2026-12-03' });
});

test('in an emergency only people that review.yaml names, to tiers that it names, for hours', async () => {
  const until = '2026-11-23T16:00:00Z';
  const { entry } = await ask({ emergency: true, until });
  assert.match(entry.id, /^orders-dana-emergency-/);
  await refused({ emergency: true, until: '2026-11-23T16:00:01Z' }, /lasts 4 hours at most/);
  await refused({ emergency: true, until: '2026-11-23' }, /lasts 4 hours at most/);
  await refused({ emergency: true, until, api: 'payments' }, /tier high/);
  for (const principal of ['user:ann@example.com', 'group:night', 'service:invoicer'])
    await refused(
      { emergency: true, until, principal, needs: { operations: ['remove'] } },
      /may not take access in an emergency/,
    );
});

test('how long is a time, a date or an instant', () => {
  assert.equal(untilOf('7d', now), '2026-11-30');
  assert.equal(untilOf('24h', now), '2026-11-24');
  assert.equal(untilOf('90min', now), '2026-11-23T13:30:00Z');
  assert.equal(untilOf('2026-12-01', now), '2026-12-01');
  assert.equal(untilOf('2026-12-01T09:00:00+01:00', now), '2026-12-01T09:00:00+01:00');
  for (const wrong of ['', 'soon', '7', '0d', '30s', '-7d', '2026-13-01', '1e9d'])
    assert.throws(() => untilOf(wrong, now), { code: 'request-refused' });
});

test('the form is read as GitHub writes it, and nothing in it is more than text', () => {
  const form = (more: Record<string, string> = {}) =>
    Object.entries({
      ...{ API: 'orders', Role: '_No response_', Operations: 'get, list\ncreate', 'How long': '7d' },
      ...{ Reason: 'Two\nlines', Ticket: '_No response_', ...more },
    })
      .map(([label, answer]) => `### ${label}\r\n\r\n${answer}\r\n`)
      .join('\r\n');
  assert.deepEqual(readIssueForm(form()), {
    ...{ api: 'orders', role: null, operations: ['get', 'list', 'create'], for: '7d' },
    ...{ reason: 'Two lines', ticket: null },
  });
  assert.equal(readIssueForm(form({ Role: 'reader', Operations: '' })).role, 'reader');
  // Other headings belong to the answer that they stand in.
  assert.match(
    readIssueForm(form({ Reason: 'a\n### Principal\nuser:root' })).reason,
    /### Principal user:root/,
  );
  const wrong: [Record<string, string>, RegExp][] = [
    [{ API: '' }, /"API" is not answered/],
    [{ Role: 'reader' }, /either "Role" or "Operations"/],
    [{ Operations: '' }, /either "Role" or "Operations"/],
    [{ Reason: 'a\n### API\n\npayments' }, /"API" is answered twice/],
    [{ Reason: 'x'.repeat(20_001) }, /longer than/],
  ];
  for (const [more, message] of wrong)
    assert.throws(
      () => readIssueForm(form(more)),
      (error: { code?: string; message: string }) =>
        error.code === 'request-refused' && message.test(error.message),
    );
  assert.throws(() => readIssueForm(''), { code: 'request-refused' });
});

test('what is asked of a repository that is not valid is told each of its problems', async () => {
  const tree = withTexts(
    await workingTree(here.root),
    new Map([['grants/networks.yaml', 'office: no\nlab: 7\n']]),
  );
  await assert.rejects(organisationOf(tree, 'the base branch has'), {
    code: 'grants-invalid',
    message:
      /^the base branch has 2 problems:\n {2}grants\/networks\.yaml:1:9: .*\n {2}grants\/networks\.yaml:2:6: /,
  });
});

test('by property: whatever the texts, what is written says what was asked, or it is refused', async () => {
  const base = await known();
  await fc.assert(
    fc.asyncProperty(
      fc.string({ maxLength: 60, unit: 'binary' }),
      fc.option(fc.string({ maxLength: 30 }), { nil: undefined }),
      async (reason, ticket) => {
        const request = { ...wanted, reason, ...(ticket !== undefined && { ticket }) };
        const made = await requestGrant(base, request, now).catch((error: { code?: string }) => {
          assert.equal(error.code, 'request-refused');
          return null;
        });
        if (made === null) return;
        assert.equal(made.entry.reason, reason.trim());
        const { body, title } = requestProposal(made, { asOf: now, emergency: false, earlier: [] });
        assert.ok(!/\n/.test(title) && body.includes('**Who approves**'));
      },
    ),
    { numRuns: 25 },
  );
});
