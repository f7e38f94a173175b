import * as assert from 'node:assert/strict';
import { periodReport } from '../../../reviewer/periodReport.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base, daysAgo, organisationsOf } from '../_review.ts';

const test = suite('what a report says was enforced');
const begin = organisationsOf(test);
const period = { from: asOfMs / 1000 - 20 * 86_400, to: asOfMs / 1000 };

test('what a pull made a side branch is told as it was enforced, by whom and when', async () => {
  const here = await begin([{ id: 'stays' }]);
  const enforced = here.git('branch', '--show-current').trim();
  const [file = ''] = Object.keys(access([{ id: 'stays' }]));
  here.git('checkout', '--quiet', '-b', 'own');
  await here.commit({ 'README.md': 'mine' }, daysAgo(15));
  here.git('checkout', '--quiet', enforced);
  const given = await here.commit(access([{ id: 'stays' }, { id: 'passing' }]), daysAgo(12));
  const directory = String(base['grants/directory/okta.yaml']);
  await here.commit(
    {
      'grants/directory/okta.yaml': directory
        .replace('synced: 2026-11-23T03:00:00Z', `synced: ${daysAgo(11)}`)
        .replace('id: 00u4, status: active', 'id: 00u4, status: deprovisioned'),
    },
    daysAgo(11),
  );
  const taken = await here.commit(
    { ...access([{ id: 'stays' }]), 'grants/directory/okta.yaml': directory },
    daysAgo(10),
  );
  here.git('checkout', '--quiet', 'own');
  // `git pull`, and then `git push`.
  here.git('merge', '--quiet', '--no-edit', enforced);
  const pushed = await here.commit(
    { [file]: access([{ id: 'stays' }, { id: 'other' }])[file] ?? null },
    daysAgo(5),
  );
  const decided = (seq: number, days: number, revision: string) =>
    JSON.stringify({
      ...{ timestamp: daysAgo(days), decision_id: `d-${seq}`, instance: 'gw-1', seq },
      bundles: { grantgate: { revision } },
      input: { subject: 'user:ann@example.com', api: 'orders', operation: 'get' },
      result: { allow: true, grants: ['stays'] },
    });
  const report = async () => {
    const options = { root: here.root, revision: 'HEAD', period, nowMs: asOfMs, gateways: [] };
    const { pack } = await periodReport({ ...options, decisions: [here.decisions], opa: here.opa });
    const rows = (name: string): Record<string, unknown>[] =>
      JSON.parse(pack.get(`${name}.json`) ?? '{}').rows;
    return {
      decisions: rows('decisions').map(({ grant, decision, after }) => [grant, decision, after]),
      enforced: rows('enforcement').map(({ commit, first_decided }) => [commit, first_decided]),
      leavers: rows('leavers').map(({ login }) => login),
    };
  };
  const whole = (days: number) => daysAgo(days).replace('.000', '');
  await here.log([]);
  const last = ['other', 'granted', pushed];
  assert.deepEqual(await report(), { decisions: [last], enforced: [], leavers: [] });
  await here.log([decided(1, 11.5, given), decided(2, 9, taken), decided(3, 4, pushed)]);
  assert.deepEqual(await report(), {
    decisions: [['passing', 'granted', given], ['passing', 'removed', taken], last],
    enforced: [
      [given, whole(11.5)],
      [taken, whole(9)],
      [pushed, whole(4)],
    ],
    leavers: ['dana@example.com'],
  });
  // By a clock that is behind nothing was enforced before it was there.
  await here.log([decided(1, 11.5, given), decided(2, 9, taken), decided(3, 6, pushed)]);
  assert.deepEqual((await report()).enforced.at(-1), [pushed, null]);
});
