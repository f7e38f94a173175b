import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gitTree } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import { detector, recommendation } from '../../bundle/grants/names.ts';
import { findOpa } from '../../bundle/policy/opa.ts';
import { commits } from '../../demo/commits.ts';
import { writeHistory } from '../../demo/history.ts';
import { importCommits } from '../../demo/importCommits.ts';
import { datedOrganisation, sampleGrants } from '../../demo/organisation.ts';
import { narrowed, planted } from '../../demo/usagePlan.ts';
import { review } from '../../reviewer/review.ts';
import { suite } from '../_suite.ts';

const test = suite('the sample organisation');

test('with the default thresholds, exactly what is planted in it is found', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'grantgate-sample-review-'));
  try {
    const day = '2027-03-09';
    const now = Date.parse(`${day}T12:00:00Z`);
    const repository = join(folder, 'access.git');
    const decisions = join(folder, 'decisions');
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository]);
    await importCommits(repository, commits(await datedOrganisation(sampleGrants, day), day));
    const { organisation } = await load(await gitTree(repository, 'main'));
    assert.ok(organisation);
    // One gateway is enough for what is planted, and half the heartbeats.
    writeHistory({ folder: decisions, organisation, now, revision: 'x', instances: ['gw-1'] });

    const opa = await findOpa();
    const { plan, error } = await review({ root: repository, decisions: [decisions], asOfMs: now, opa });
    assert.equal(error, null);
    assert.deepEqual(
      Object.fromEntries(plan.findings.map(({ grant, detector, also = [] }) => [grant, [detector, ...also]])),
      Object.fromEntries(Object.entries(planted).sort(([a], [b]) => (a < b ? -1 : 1))),
    );
    assert.deepEqual(
      Object.fromEntries(plan.findings.flatMap(({ grant, to }) => (to === undefined ? [] : [[grant, to]]))),
      narrowed,
    );
    assert.ok(plan.evidence.coverage > 0.99);

    // Whoever is asked is told what it is about, and how much of it is used.
    const of = (all: typeof plan, id: string) => all.findings.find(({ grant }) => grant === id);
    assert.match(
      of(plan, 'payments-amara-approve')?.sentence ?? '',
      /pay-and-approve too \(createPayment by payments-ap-clerk\)\.$/,
    );
    assert.match(of(plan, 'catalog-erin-read')?.sentence ?? '', / by catalog-platform-read, which /);
    assert.match(of(plan, 'people-mara-directory')?.sentence ?? '', /\(manager \S+, not \S+\), when/);
    assert.ok((of(plan, 'people-grace-directory')?.evidence.allows ?? 0) > 100);

    assert.equal(
      new Set(Object.values(planted).flat()).size,
      detector.exclude(recommendation.options).options.length,
      'one of each detector',
    );

    // A copy without its history cannot tell what was otherwise before: it says so, and takes nothing away for disuse.
    const shallow = join(folder, 'shallow');
    execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${repository}`, shallow]);
    const blind = (await review({ root: shallow, decisions: [decisions], asOfMs: now, opa })).plan;
    const needsHistory = [
      'never-used',
      'dormant',
      'over-privileged',
      'redundant',
      'orphan-missing',
      'mover',
      'growth',
    ];
    assert.deepEqual(
      blind.findings.map(({ grant }) => grant),
      plan.findings.filter(({ detector: by }) => !needsHistory.includes(by)).map(({ grant }) => grant),
    );
    assert.equal(of(blind, 'people-grace-directory')?.evidence.allows, undefined);
    assert.ok(blind.not_evaluable.some(({ grant }) => grant === 'inventory-arjun-import'));
    assert.ok(blind.not_evaluable.some(({ grant }) => grant === 'orders-sofia-migration'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
