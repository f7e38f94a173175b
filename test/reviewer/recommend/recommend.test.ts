import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Plan } from '../../../reviewer/review.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, dayMs, daysAgo, logLines, place, recordLine, rules, type Use } from '../_review.ts';

const test = suite('review --recommend');
const recommend = `  recommend: { days: 3, allows: 4, days_used: 2, rate_least: 3, one_off_days: 1, quiet_days: 2, end_days: 30 }
`;
const review = (more = '') => `${rules.replace('pull_requests', `${recommend}pull_requests`)}${more}`;
const ann = 'user:ann@example.com';
const dana = 'user:dana@example.com';
const kept = `review: { decision: keep, by: ${ann}, at: ${daysAgo(3)}, until: 2027-01-01, reason: r }`;

const here = await place({
  ...access([
    { id: 'all-mfa', api: 'payments', rest: 'role: reader # read only' },
    { id: 'some-mfa', api: 'payments', owner: dana },
    { id: 'kept-mfa', api: 'payments', owner: 'user:bob@example.com', rest: `role: reader\n${kept}` },
    { id: 'few-uses', api: 'payments', owner: 'user:cleo@example.com' },
    { id: 'in-office', rest: 'role: reader\nconditions: { mfa: true }' },
    { id: 'somewhere' },
    { id: 'busy' },
    { id: 'has-rate', rest: 'role: reader\nlimits: { rate: 100/min }' },
    { id: 'of-desk', principal: 'group:desk' },
    { id: 'once', rest: `role: reader\ngranted: ${daysAgo(6)}` },
    { id: 'dana-pay', principal: dana, api: 'payments' },
    { id: 'young', api: 'payments', rest: `role: reader\ngranted: ${daysAgo(3, 1000)}` },
  ]),
  'grants/networks.yaml': 'office: [192.0.2.0/25]\nvpn: [198.51.100.0/24]\n',
  'grants/review.yaml': review(),
});
test.after(() => here.remove());
const revision = here.git('rev-parse', 'HEAD').trim();

type Seen = Use & { subject?: string; mfa?: boolean; networks?: string[]; api?: string };
const daily = (use: Omit<Seen, 'at'>, days = 3): Seen[] =>
  Array.from({ length: days * 2 }, (_, i) => ({ ...use, at: asOfMs - (0.1 + i * 0.49) * dayMs }));
const line = (use: Use, instance: string, seq: number): string => {
  const { subject = ann, mfa = false, networks = [], api = 'orders', operation = 'get' } = use as Seen;
  const record = JSON.parse(recordLine(use, instance, seq));
  const input = {
    ...record.input,
    subject,
    mfa,
    networks,
    api,
    operation,
    method: 'GET',
    path: '/v1/things/{id}',
  };
  return JSON.stringify({ ...record, input, bundles: { grantgate: { revision } } });
};
const secure = { mfa: true, networks: ['vpn'] };
const uses: Seen[] = [
  ...daily({ grant: 'all-mfa', api: 'payments', ...secure }),
  ...daily({ grant: 'dana-pay', subject: dana, api: 'payments', ...secure }),
  ...daily({ grant: 'kept-mfa', api: 'payments', ...secure }),
  ...daily({ grant: 'young', api: 'payments', ...secure }),
  ...daily({ grant: 'some-mfa', api: 'payments', ...secure, networks: [] }).map((use, i) => ({
    ...use,
    mfa: i > 0,
  })),
  ...daily({ grant: 'few-uses', api: 'payments', mfa: true, networks: [] }, 1.5),
  ...daily({ grant: 'in-office', mfa: true, networks: ['office', 'vpn'] }),
  ...daily({ grant: 'in-office', mfa: true, networks: ['office'] }),
  ...daily({ grant: 'somewhere', networks: ['office'] }),
  { grant: 'somewhere', at: asOfMs - dayMs, networks: [] },
  ...daily({ grant: 'busy' }),
  ...Array.from({ length: 25 }, (_, i) => ({ grant: 'busy', at: asOfMs - dayMs + i * 1000 })),
  ...daily({ grant: 'has-rate' }),
  ...daily({ grant: 'of-desk', subject: dana }),
  ...[2.5, 2.7].map((days) => ({ grant: 'once', at: asOfMs - days * dayMs })),
  ...[4.1, 5.2].map((days) => ({ grant: 'busy', at: asOfMs - days * dayMs })),
];
const write = (used: readonly Seen[], options: Parameters<typeof logLines>[1] = {}) =>
  here.log(logLines(used, { days: 7, line, ...options }));
const told = ({ findings }: Plan, names = recommended) =>
  findings
    .filter(({ detector }) => names.includes(detector))
    .map(({ grant, detector, set }) => `${grant} ${detector} ${JSON.stringify(set)}`);
const recommended = ['known-networks', 'one-off', 'rate-limit', 'second-factor', 'smaller-group'];
const others = (detector: string) => recommended.filter((name) => name !== detector);

test('recommends what fits all that was seen, each with its change and the count of requests replayed', async () => {
  await write(uses);
  const { plan, error } = await here.review({ recommend: true });
  assert.equal(error, null);
  assert.deepEqual(told(plan, others('rate-limit')), [
    'all-mfa known-networks {"conditions":{"networks":["vpn"]}}',
    'all-mfa second-factor {"conditions":{"mfa":true}}',
    'dana-pay known-networks {"conditions":{"networks":["vpn"]}}',
    'dana-pay second-factor {"conditions":{"mfa":true}}',
    'in-office known-networks {"conditions":{"networks":["office"]}}',
    'of-desk smaller-group {"principal":"group:night"}',
    'once one-off {"expires":"2026-12-23"}',
  ]);
  assert.deepEqual(
    told(plan, ['rate-limit']).filter((one) => /^(?:busy|has-rate|kept-mfa|young|few-uses|once) /.test(one)),
    ['busy rate-limit {"limits":{"rate":"50/min"}}'],
  );
  assert.equal(plan.withdrawn, undefined);
  const of = (grant: string, detector: string) =>
    plan.findings.find((one) => one.grant === grant && one.detector === detector);
  const mfa = of('all-mfa', 'second-factor');
  assert.equal(
    mfa?.sentence,
    'Every one of the 6 requests by which ann@example.com used payments (get and list) had a second factor; asking for one would have refused 0 of 6 requests on record.',
  );
  assert.deepEqual([mfa?.severity, mfa?.action], ['medium', 'tighten']);
  assert.deepEqual(mfa?.evidence && 'replayed' in mfa.evidence && mfa.evidence.replayed, {
    requests: 6,
    refused: 0,
  });
  assert.match(mfa?.change.after ?? '', / {2}conditions: \{ mfa: true \}\n {2}role: reader # read only\n/);
  assert.match(
    of('in-office', 'known-networks')?.change.after ?? '',
    /conditions: \{ mfa: true, networks: \[office\] \}/,
  );
  assert.deepEqual(told((await here.review()).plan), []);
});

test('is not evaluable where the records have gaps, and says nothing where they are torn in half', async () => {
  await write(uses, { skip: (minute) => minute % 10 === 0 });
  const { plan } = await here.review({ recommend: true });
  assert.deepEqual(told(plan), []);
  const blind = plan.not_evaluable.find(({ grant }) => grant === 'all-mfa');
  assert.deepEqual(
    [blind?.detectors, blind?.coverage],
    [['known-networks', 'rate-limit', 'second-factor'], 0.9],
  );
});

test('a request that would have been refused, by whichever grant, withdraws the control', async () => {
  // A denied request of the record is none that may be lost; one that only today’s grant allows is.
  const denied = {
    grant: [],
    at: asOfMs - dayMs,
    allow: false,
    subject: dana,
    api: 'payments',
    networks: ['vpn'],
  };
  await write([...uses, denied]);
  const { plan } = await here.review({ recommend: true });
  assert.deepEqual(told(plan, ['second-factor']), ['all-mfa second-factor {"conditions":{"mfa":true}}']);
  assert.match(
    plan.withdrawn?.find(({ grant, detector }) => grant === 'dana-pay' && detector === 'second-factor')
      ?.why ?? '',
    /^1 recorded request of user:dana@example\.com for get would be refused$/,
  );
});

test('exemptions silence it; the command line prints it', async () => {
  await write(uses);
  const exemption =
    'exemptions: [{ grant: all-mfa, detector: second-factor, reason: r, until: 2027-01-31 }]\n';
  await here.write({ 'grants/review.yaml': review(exemption) });
  const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));
  const at = new Date(asOfMs).toISOString();
  const plan: Plan = JSON.parse(
    execFileSync(
      process.execPath,
      [
        cli,
        'review',
        '--root',
        here.root,
        '--decisions',
        here.decisions,
        '--as-of',
        at,
        '--recommend',
        '--json',
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
    ),
  );
  assert.deepEqual(
    told(plan, ['second-factor']).map((one) => one.split(' ')[0]),
    ['dana-pay'],
  );
  assert.deepEqual(
    plan.exempt.map(({ grant, detector }) => [grant, detector]),
    [['all-mfa', 'second-factor']],
  );
  assert.equal(told(plan, ['smaller-group']).length, 1);
});
