import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check } from '../../../bundle/check.ts';
import { type DetectorName, ownDetector } from '../../../bundle/grants/names.ts';
import { builtInPolicies } from '../../../bundle/policy/policies.ts';
import { isBlind } from '../../../reviewer/pulls/text/gone.ts';
import type { Plan } from '../../../reviewer/review.ts';
import { suite } from '../../_suite.ts';
import { access, daysAgo, type Files, found, logLines, place, rules, uses } from '../_review.ts';

const test = suite('detectors of a repository’s own');
const page = readFileSync(join(import.meta.dirname, '../../../docs/detectors.md'), 'utf8');
const blocks = (kind: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${kind}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text);
const [example = '', exampleTest = ''] = blocks('rego');
const [thresholds = ''] = blocks('yaml');
const own = thresholds.replace(/^(?:#.*\n)*thresholds:\n/, '');
const file = (name: string) => `policies/review/${name}.rego`;
const reviewed = (exemptions = '') => `${rules.replace('pull_requests', `${own}pull_requests`)}${exemptions}`;

/** dana is the only one of group:night. */
const dana = 'user:dana@example.com';
const here = await place({
  ...access([
    { id: 'idle-dana', principal: dana, rest: `role: reader\ngranted: ${daysAgo(2.5)}` },
    { id: 'young-dana', principal: dana, rest: `role: reader\ngranted: ${daysAgo(1.5)}` },
    { id: 'busy-dana', principal: dana },
    { id: 'ends-dana', principal: dana, rest: 'role: reader\nexpires: 2027-06-01' },
    {
      id: 'kept-dana',
      principal: dana,
      rest: `role: reader\nreview: { decision: keep, by: user:ann@example.com, at: ${daysAgo(3)}, until: 2027-01-01, reason: r }`,
    },
    { id: 'rare-dana', principal: dana, rest: 'role: reader\ncadence: annual' },
    { id: 'busy-ann' },
  ]),
  'grants/review.yaml': reviewed(),
  [file('contractor_access')]: example,
  [file('contractor_access_test')]: exampleTest,
});
test.after(() => here.remove());
const used = ['busy-dana', 'ends-dana', 'busy-ann'].flatMap((id) => uses(id, ['get', 'list'], 2));
await here.log(logLines(used));

const mine = ({ findings }: Plan, name = 'contractor-access') =>
  findings.filter(({ detector }) => detector === name).map(({ grant, action }) => `${grant} ${action}`);

/** A detector that pauses everything, but for what is changed in it. */
const plain = (
  name: string,
  changes: { finding?: string; more?: string; name?: string } = {},
) => `package grantgate.detectors.${changes.name ?? name}

finding := ${changes.finding ?? '{"action": "suspend", "severity": "low", "sentence": "So."}'} if ${changes.more ?? 'input.grant.id == "busy-ann"'}
`;

test('the documented one is checked with its test, and finds what it says beside the product’s', async () => {
  const { problems } = await check(here.root);
  assert.deepEqual(problems, []);
  const result = await here.review();
  assert.equal(result.error, null);
  assert.deepEqual(mine(result.plan), ['busy-dana recertify']);
  assert.ok(found(result).includes('idle-dana: never-used revoke [contractor-access]'), found(result).join());
  const finding = result.plan.findings.find(({ grant }) => grant === 'busy-dana');
  assert.equal(
    finding?.sentence,
    'user:dana@example.com of group:night holds access to orders without an end.',
  );
  assert.deepEqual([finding?.severity, finding?.evidence.allows], ['medium', 4]);
  assert.match(finding?.change.after ?? '', /review: \{ decision: keep/);
  assert.deepEqual(
    result.plan.findings.filter(({ grant }) => grant === 'young-dana'),
    [],
  );
  const { explained } = await here.review({ explain: finding?.fingerprint ?? '' });
  assert.equal(explained?.policy?.text, example);
  const facts = explained?.facts as { thresholds: { own: object }; usage: { allows: number } };
  assert.deepEqual(facts.thresholds.own, { idle_days: 2, group: 'group:night' });
  assert.equal(facts.usage.allows, 4);
});

test('where the records have gaps it is not evaluable, and an exemption names it', async () => {
  await here.log(logLines(used, { skip: (minute) => minute % 10 === 0 }));
  const gaps = (await here.review()).plan;
  assert.deepEqual(mine(gaps), []);
  assert.deepEqual(
    gaps.not_evaluable.find(({ grant }) => grant === 'busy-dana'),
    { grant: 'busy-dana', detectors: ['contractor-access'], coverage: 0.9 },
  );
  await here.log(logLines(used));
  const exemption =
    'exemptions: [{ grant: busy-dana, detector: contractor-access, reason: r, until: 2027-01-31 }]\n';
  await here.write({ 'grants/review.yaml': reviewed(exemption) });
  const { plan } = await here.review();
  assert.deepEqual([mine(plan), plan.exempt.map(({ detector }) => detector)], [[], ['contractor-access']]);
});

test('broken ones are named with file and line, alone; the others and the product’s are asked', async () => {
  const dormant = await readFile(join(builtInPolicies, 'review/dormant.rego'), 'utf8');
  const broken: Record<string, [rego: string, message: RegExp]> = {
    dormant: [`${dormant}\ndormant_days := 1\n`, /:1:1: a detector of this name comes with the product/],
    no_rego: ['package grantgate.detectors.no_rego\n\nfinding := {', /:3:\d+: unexpected eof token/],
    not_mine: [
      plain('not_mine', { name: 'contractor_access' }),
      /package must be grantgate.detectors.not_mine/,
    ],
    ours: ['package grantgate.review\n\ndormant_days := 1\n', /package must be grantgate.detectors.ours/],
    silent: ['package grantgate.detectors.silent\n\nother := 1\n', /must have a rule named "finding"/],
    net: [plain('net', { more: 'http.send({"url": "http://127.0.0.1"})' }), /:3:\d+: .*http\.send/],
    clock: [plain('clock', { more: 'time.now_ns() > 0' }), /:3:\d+: .*time\.now_ns/],
    other: [
      plain('other', { more: 'data.grantgate.detectors.contractor_access.finding' }),
      /:3:\d+: finding: .*no data/,
    ],
    typo: [plain('typo', { more: 'input.grant.onwer == "x"' }), /:3:\d+: .*undefined ref/],
    unwatched: [plain('unwatched', { more: 'not input.usage.last_used_at' }), /must say in "window_days"/],
    hidden: [
      plain('hidden', { more: 'not object.get(input, "usage", false)' }),
      /by a field that stands there/,
    ],
    torn: [
      `${plain('torn')}\nfinding := {} if input.grant.id == "busy-ann"\n`,
      /^policies\/review\/torn\.rego gives no usable answer for the grant busy-ann: .*torn\.rego:\d+/,
    ],
    wide: [
      plain('wide', {
        finding: '{"action": "narrow", "severity": "low", "sentence": "So.", "operations": ["remove"]}',
      }),
      /wide\.rego gives no usable answer for the grant busy-ann: .*"remove", which the grant does not give/,
    ],
    whole: [
      plain('whole', {
        finding: '{"action": "narrow", "severity": "low", "sentence": "So.", "operations": ["get", "list"]}',
      }),
      /whole\.rego gives no usable answer for the grant busy-ann: it narrows to all that the grant gives/,
    ],
    loud: [
      plain('loud', { finding: '{"action": "delete", "severity": "low", "sentence": "So."}' }),
      /loud\.rego gives no usable answer for the grant [a-z-]+: "action": expected 'revoke' .* 'narrow'$/,
    ],
    'Wrong-name': [plain('wrong'), /a detector is a file policies\/review\/NAME\.rego/],
  };
  const files: Record<string, string | null> = { 'grants/review.yaml': reviewed() };
  for (const [name, [text]] of Object.entries(broken)) files[file(name)] = text;
  await here.write({ ...files, [file('sound')]: plain('sound') });
  const result = await here.review();
  assert.deepEqual(mine(result.plan), ['busy-dana recertify']);
  assert.deepEqual(mine(result.plan, 'sound'), ['busy-ann suspend']);
  assert.ok(found(result).some((line) => line.startsWith('idle-dana: never-used')));
  assert.equal(result.error?.code, 'policy-undefined');
  const told = (result.plan.faults ?? []).map(({ message }) => message);
  assert.equal(told.length, Object.keys(broken).length, told.join('\n'));
  for (const [name, [, message]] of Object.entries(broken))
    assert.ok(
      told.some((one) => one.startsWith(file(name)) && message.test(one)),
      `${name}: ${told.filter((one) => one.startsWith(file(name))).join()}`,
    );
  const wiped: Files = Object.fromEntries(
    [...Object.keys(broken), 'sound'].map((name) => [file(name), null]),
  );
  await here.write({ ...wiped, [file('net')]: broken.net?.[0] ?? '' });
  const { problems } = await check(here.root);
  assert.match(problems.map(({ file: at, line }) => `${at}:${line}`).join(), /policies\/review\/net\.rego:3/);
  await here.write({ [file('net')]: null });
});

test('what one proposed stays open where it cannot be asked, and only that', () => {
  const entry = {
    grant: 'busy-ann',
    detector: ownDetector.parse('mine'),
    fingerprint: '0'.repeat(32),
    api: 'orders',
    action: 'suspend',
  } as const;
  const blind = (faults: Plan['faults']) => isBlind([entry], { not_evaluable: [], faults: faults ?? [] });
  const message = 'm';
  assert.equal(blind([{ detector: entry.detector, message }]), true);
  assert.equal(blind([{ detector: entry.detector, grant: 'busy-ann', message }]), true);
  assert.equal(blind([{ grant: 'busy-ann', message }]), true);
  assert.equal(blind([{ detector: entry.detector, grant: 'busy-dana', message }]), false);
  assert.equal(blind([{ detector: 'dormant', message }]), false);
  assert.equal(blind([]), false);
  const unsure = (grant: string, detector: DetectorName) =>
    isBlind([entry], { not_evaluable: [{ grant, detectors: [detector], coverage: 0.5 }] });
  assert.deepEqual(
    [unsure('busy-ann', entry.detector), unsure('busy-ann', 'dormant'), unsure('busy-dana', entry.detector)],
    [true, false, false],
  );
});

test('copies of the product’s own are passed over; names of detectors that are not there are refused', async () => {
  const dormant = await readFile(join(builtInPolicies, 'review/dormant.rego'), 'utf8');
  const wrong = `${reviewed('exemptions: [{ grant: busy-ann, detector: dorment, reason: r, until: 2027-01-31 }]\n')}`;
  await here.write({
    [file('dormant')]: dormant,
    'grants/review.yaml': wrong.replace('own:', 'own:\n    dormant: { days: 1 }'),
  });
  const { problems } = await check(here.root);
  assert.deepEqual(
    problems.map(({ code, message }) => [code, message.slice(0, 34)]),
    [
      ['unknown-detector', 'there is no detector "dormant", ex'],
      ['unknown-detector', 'there is no detector "dorment", ex'],
    ],
  );
});
