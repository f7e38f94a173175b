import * as assert from 'node:assert/strict';
import type { Grant, Organisation } from '../../../bundle/grants/organisation.ts';
import { digestOf } from '../../../reviewer/campaign/freeze.ts';
import type { FrozenEntry } from '../../../reviewer/campaign/frozen.ts';
import type { Answers } from '../../../reviewer/campaign/marker.ts';
import { reportOf } from '../../../reviewer/campaign/report.ts';
import { rowsOf } from '../../../reviewer/campaign/rows.ts';
import type { PartResult } from '../../../reviewer/campaign/settlePart.ts';
import { campaignDecisions } from '../../../reviewer/report/campaign/campaignDecisions.ts';
import type { CampaignInput } from '../../../reviewer/report/campaign/campaignInput.ts';
import { delegations } from '../../../reviewer/report/campaign/campaignTables.ts';
import { suite } from '../../_suite.ts';
import { frozenOf } from './_frozen.ts';

const test = suite('report of a campaign');
const owner = 'group:desk';
const names = ['handed', 'attested', 'elsewhere', 'moved', 'over'] as const;
const entries = names.map((grant) => ({
  ...{ grant, principal: 'user:ann@example.com', api: 'orders', tier: 'low', owner, gives: 'reader' },
  ...{ covers: 1, digest: 'as it was', action: 'recertify' },
}));
const frozen = frozenOf(entries as unknown as Parameters<typeof frozenOf>[0]);
const grantOf = (id: string, heir: string, review?: object) =>
  ({
    ...{
      id,
      owner: heir,
      principal: 'user:ann@example.com',
      api: 'orders',
      reason: 'r',
      expiresAt: null,
      state: 'active',
      covers: ['get'],
    },
    ...(review && { review }),
  }) as unknown as Grant;
const grants = new Map(
  [
    grantOf('handed', 'group:Night'),
    grantOf('attested', 'group:night', { at: '2026-11-24T00:00:00Z' }),
    grantOf('elsewhere', 'group:other'),
    grantOf('moved', 'group:night'),
    { ...grantOf('over', owner), expiresAt: Date.parse('2026-11-24T04:00:00Z') / 1000 },
  ].map((grant) => [grant.id, grant]),
);
const decision = {
  kind: 'reassign' as const,
  ...{ by: 'user:dana@example.com', at: '2026-11-24T10:00:00Z', owner: 'group:night' },
};
const merge = {
  commit: 'after',
  mergedBy: 'dana',
  mergedMs: Date.parse('2026-11-24T12:00:00Z'),
  approvals: [],
};
const result = {
  owner,
  branch: 'b',
  grants: 4,
  number: 7,
  url: 'u',
  state: 'merged',
  action: 'unchanged',
} as PartResult;
const organisation = {
  ...{
    people: new Map(),
    memberships: new Map(),
    apis: new Map(),
    review: { campaigns: { second_approver: [] } },
  },
} as unknown as Organisation;
const word = { by: 'dana', at: '2026-11-24T12:00:00Z', approved: [], answers: [{ of: '0-2', decision }] };
const report = reportOf(frozen, {
  results: [result],
  attested: new Map([[owner, word]]),
  base: { organisation, grants },
  asOf: Date.parse('2026-11-25T00:00:00Z') / 1000,
});

test('a grant handed to another owner is that, until they attest it; one that went elsewhere has only changed', () => {
  const [part] = report.parts;
  assert.deepEqual(
    part?.grants.map(({ grant, outcome }) => `${grant} ${outcome}`),
    ['handed reassigned', 'attested kept', 'elsewhere changed', 'moved changed', 'over ended'],
  );
  assert.deepEqual([part?.answered, report.totals.reassigned, report.totals.changed], [3, 1, 2]);
});

test('nobody is asked to attest a grant that is over by itself, as emergency access soon is', () => {
  const grant = grants.get('over') ?? assert.fail();
  const at = (instant: string, more: Partial<FrozenEntry> = {}, answers: Answers = new Map()) => {
    const entry = { ...entries[4], digest: digestOf(grant), ...more } as FrozenEntry;
    const review = { thresholds: { high_access: { days: 90, days_others: 180 } } };
    const asOf = Date.parse(instant) / 1000;
    const given = { frozen, organisation: { review }, grants, asOf } as unknown as Parameters<
      typeof rowsOf
    >[3];
    const [row] = rowsOf({ owner, entries: [entry] }, answers, undefined, given);
    return `${row?.proposal} ${row?.edits.length}`;
  };
  assert.equal(at('2026-11-24T03:59:59Z'), 'keep 1');
  assert.equal(at('2026-11-24T04:00:00Z'), 'ended 0');
  // What the review had found to be over is still proposed to go, and what somebody lets live on lives on.
  assert.equal(at('2026-11-24T04:00:00Z', { detector: 'expired', action: 'delete' }), 'delete 1');
  const extended = { ...decision, kind: 'extend' as const, until: '2027-03-31', reason: 'still needed' };
  assert.equal(at('2026-11-24T04:00:00Z', {}, new Map([[0, { decision: extended }]])), 'extend 1');
});

test('an auditor sees who handed it to whom, when, and in which commit', () => {
  const part = {
    ...{
      ...report.parts[0],
      entries,
      merge,
      unanswered: null,
      notices: [],
      isChanged: false,
      opened: 0,
      ended: null,
    },
    answers: new Map([['handed', { decision }]]),
  };
  const change = { grant: 'handed', commit: 'after', before: 'was', at: merge.mergedMs / 1000, by: 'bot' };
  const input = {
    ...{ frozen, report, parts: [part], organisation, changes: [change], principalOf: () => null },
    enforcement: { instances: [], of: () => [] },
  } as unknown as CampaignInput;
  const [row] = campaignDecisions(input).rows;
  assert.deepEqual(
    [row?.outcome, row?.by, row?.at, row?.commit_before, row?.commit_after],
    ['reassigned', 'user:dana@example.com', '2026-11-24T12:00:00Z', 'was', 'after'],
  );
  assert.deepEqual(
    delegations(input).rows.map(({ grant, what, to, by, pull_request }) => [
      grant,
      what,
      to,
      by,
      pull_request,
    ]),
    [['handed', 'handed over', 'group:night', 'user:dana@example.com', 7]],
  );
});
