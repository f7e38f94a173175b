import * as assert from 'node:assert/strict';
import type { Evidence } from '../../../reviewer/evidence/gather.ts';
import type { Forge, ForgePull, Reviewers } from '../../../reviewer/forge/forge.ts';
import type { Finding } from '../../../reviewer/plan/finding.ts';
import type { Mirror } from '../../../reviewer/pulls/mirror.ts';
import { peopleOf } from '../../../reviewer/pulls/people.ts';
import { suite } from '../../_suite.ts';

const test = suite('people');

test('of a large group and many code owners a few are asked, of two APIs no more than of one', async () => {
  const logins = Array.from({ length: 12 }, (_, i) => `p${i}`);
  const asked: Reviewers[] = [];
  const people = peopleOf({
    forge: {
      cloneUrl: 'https://forge.example.com/acme/access.git',
      requestReviewers: async (_number: number, reviewers: Reviewers) => void asked.push(reviewers),
      addLabels: async () => undefined,
    } as unknown as Forge,
    mirror: {
      folder: '',
      first: async () => `* ${logins.map((_, i) => `@acme/team-${i}`).join(' ')}`,
    } as unknown as Mirror,
    evidence: {
      asOf: 0,
      organisation: {
        apis: new Map([
          ['orders', { owner: 'group:desk' }],
          ['payments', { owner: 'group:night' }],
        ]),
        people: new Map(logins.map((login) => [login, { status: 'active', github: login }])),
        memberships: new Map(
          logins.map((login, i) => [`user:${login}`, [i < 6 ? 'group:desk' : 'group:night']]),
        ),
      },
    } as unknown as Evidence,
  });
  const pull = { number: 7 } as ForgePull;
  const findings = ['orders', 'payments'].map(
    (api) => ({ api, principal: 'user:p0', change: { file: 'grants/access/a.yaml' } }) as unknown as Finding,
  );
  await people.ask(pull, { family: { owner: 'group:desk', tier: 'removal', risk: 'routine' }, findings });
  const teams = ['team-0', 'team-1', 'team-2', 'team-3', 'team-4'];
  // Never the one whose access is in question.
  assert.deepEqual(asked.splice(0), [{ people: ['p1', 'p2', 'p3', 'p4', 'p5'], teams }]);
  await people.ask(pull, { family: { owner: 'group:night', tier: 'removal', risk: 'routine' }, findings });
  assert.deepEqual(asked.splice(0)[0]?.people, ['p10', 'p11', 'p6', 'p7', 'p8']);
  assert.deepEqual(await people.escalation(findings), {
    owners: ['group:desk', 'group:night'],
    names: ['p1', 'p2', 'p3', 'p4', 'p5'],
  });
});
