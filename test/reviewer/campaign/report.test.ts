import * as assert from 'node:assert/strict';
import type { Grant, Organisation } from '../../../bundle/grants/organisation.ts';
import { reportOf } from '../../../reviewer/campaign/report.ts';
import type { PartResult } from '../../../reviewer/campaign/settlePart.ts';
import { campaignDecisions } from '../../../reviewer/report/campaign/campaignDecisions.ts';
import type { CampaignInput } from '../../../reviewer/report/campaign/campaignInput.ts';
import { delegations } from '../../../reviewer/report/campaign/campaignTables.ts';
import { suite } from '../../_suite.ts';
import { frozenOf } from './_frozen.ts';

const test = suite('report of a campaign');
const owner = 'group:desk';
const names = ['handed', 'attested', 'elsewhere', 'moved'] as const;
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
    ['handed reassigned', 'attested kept', 'elsewhere changed', 'moved changed'],
  );
  assert.deepEqual([part?.answered, report.totals.reassigned, report.totals.changed], [2, 1, 2]);
});

test('an auditor sees who handed it to whom, when, and in which commit', () => {
  const part = {
    ...{ ...report.parts[0], entries, merge, unanswered: null, notices: [], opened: 0, ended: null },
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
