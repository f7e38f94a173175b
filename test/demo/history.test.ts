import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workingTree } from '../../bundle/git/tree.ts';
import { load } from '../../bundle/grants/load.ts';
import type { Grant, Organisation } from '../../bundle/grants/organisation.ts';
import { commits } from '../../demo/commits.ts';
import { type HistoryOptions, writeHistory } from '../../demo/history.ts';
import { datedOrganisation, referenceDay, sampleGrants, writeOrganisation } from '../../demo/organisation.ts';
import { pastRequests } from '../../demo/pastRequests.ts';
import { narrowed, planted, quiet } from '../../demo/usagePlan.ts';
import { suite } from '../_suite.ts';
import { found, knownDetectors, type Recorded, readRecords, usesByGrant } from './_evidence.ts';

const test = suite('demo: the recorded history');
const dayMs = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'grantgate-history-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function organisationOn(today: string): Promise<Organisation> {
  const root = join(folder, 'organisations', today);
  await writeOrganisation(root, { today });
  const { organisation } = await load(await workingTree(root));
  assert.ok(organisation);
  return organisation;
}

const sample = await organisationOn(referenceDay);
const noon = Date.parse(`${referenceDay}T12:00:00Z`);
const revision = '0123456789abcdef0123456789abcdef01234567';
const write = (name: string, options: Partial<HistoryOptions> = {}) => {
  const target = join(folder, name);
  const history = writeHistory({ folder: target, organisation: sample, now: noon, revision, ...options });
  return { ...history, target };
};

/** Everything the detectors would report. */
async function reported(
  today: string,
  organisation: Organisation,
  records: readonly Recorded[],
  span: { from: number; to: number },
  honouring = true,
): Promise<Map<string, string[]>> {
  const made = commits(await datedOrganisation(sampleGrants, today), today);
  const evidence = {
    organisation,
    uses: usesByGrant(records),
    asOf: span.to / 1000,
    from: span.from / 1000,
    suspendedSince: (id: string) =>
      (made.find(({ message }) => message.endsWith(`suspend ${id}`))?.at ?? Number.NaN) / 1000,
    honouring,
  };
  const all = organisation.grants.map((grant: Grant) => [grant.id, found(grant, evidence)] as const);
  return new Map(all.filter(([, detectors]) => detectors.length > 0).map(([id, list]) => [id, [...list]]));
}
const sorted = (entries: Iterable<[string, readonly string[]]>) =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));

const whole = write('whole');
const beats = new Map<string, Set<string>>();
const records = readRecords(whole.target, ({ instance, timestamp }) => {
  const minutes = beats.get(instance) ?? new Set();
  beats.set(instance, minutes.add(timestamp));
});

test('is as long and as large as a demo needs', () => {
  assert.equal(whole.from, Date.parse(referenceDay) - 120 * dayMs);
  assert.equal(records.length, whole.records);
  assert.ok(records.length > 60_000 && records.length < 100_000, String(records.length));
  assert.ok(whole.denied > 500 && whole.denied < whole.allowed / 20, String(whole.denied));
});

test('holds records as the gateway writes them', () => {
  const ids = new Set(records.map(({ decision_id }) => decision_id));
  assert.equal(ids.size, records.length);
  for (const record of records) {
    assert.equal(record.path, 'grantgate/authz/decision');
    assert.equal(record.bundles.grantgate.revision, revision);
    assert.equal(record.input.time, Math.floor(Date.parse(record.timestamp) / 1000));
    assert.equal(record.result.allow, record.result.grants.length > 0);
    assert.equal(record.result.allow, record.result.reason === 'granted');
    assert.equal(record.status, record.result.allow ? (record.status === 429 ? 429 : undefined) : 403);
    const operation = sample.apis.get(record.input.api)?.operations.get(record.input.operation);
    assert.equal(`${record.input.method} ${record.input.path}`, operation);
    assert.ok(Date.parse(record.timestamp) <= noon);
  }
});

test('knows each kind of decision', () => {
  const reasons = new Set(records.map(({ result }) => result.reason));
  for (const reason of [
    'granted',
    'no-grant',
    'operation-not-covered',
    'condition-not-met',
    'expired',
    'suspended',
    'principal-inactive',
    'principal-unknown',
  ])
    assert.ok(reasons.has(reason), reason);
  assert.ok(records.some(({ status }) => status === 429));
});

test('counts every instance without a gap, and in the order of time', () => {
  for (const instance of readdirSync(whole.target)) {
    const own = records.filter((record) => record.instance === instance);
    own.forEach((record, i) => {
      assert.equal(record.seq, i + 1);
    });
    const times = own.map(({ timestamp }) => timestamp);
    assert.deepEqual(times, [...times].sort());
    // The first line of a file, too, is written when the day begins.
    for (const file of readdirSync(join(whole.target, instance))) {
      const [first = ''] = readFileSync(join(whole.target, instance, file), 'utf8').split('\n', 1);
      assert.equal(JSON.parse(first).timestamp, `${file.slice(0, 10)}T00:00:00.000Z`);
    }
  }
});

test('proves every minute of every instance alive', () => {
  const minutes = (whole.to - whole.from) / 60_000 + 1;
  assert.deepEqual(
    [...beats.values()].map(({ size }) => size),
    [minutes, minutes],
  );
});

test('keeps office hours where people work, and none where services do', () => {
  const at = (kind: string, hours: (hour: number, weekday: number) => boolean) =>
    records.filter(({ timestamp, input, result }) => {
      const date = new Date(timestamp);
      return result.allow && input.subject.startsWith(kind) && hours(date.getUTCHours(), date.getUTCDay());
    }).length;
  assert.equal(
    at('user:', (hour) => hour < 5 || hour > 19),
    0,
  );
  assert.ok(at('user:', (_, weekday) => weekday % 6 === 0) < at('user:', (_, weekday) => weekday === 3) / 10);
  assert.ok(at('service:', (hour) => hour < 5) > 1_000);
  assert.ok(at('service:', (_, weekday) => weekday === 0) > 2_000);
});

/** What is to be seen in records and files alone, whatever the repository's history tells besides. */
const ofUse = Object.fromEntries(
  Object.entries(planted)
    .filter(([, [first]]) => first !== undefined && knownDetectors.has(first))
    .map(([id, detectors]) => [id, detectors.filter((one) => knownDetectors.has(one))]),
);

test('shows exactly what was planted', async () => {
  assert.deepEqual(
    sorted(await reported(referenceDay, sample, records, whole)),
    sorted(Object.entries(ofUse)),
  );
});

test('would show more, were reviews and exemptions not honoured', async () => {
  const all = await reported(referenceDay, sample, records, whole, false);
  const silenced = {
    'customers-carlos-discount': ['dormant'],
    'reports-tom-stocktake': ['dormant'],
    'tracking-sofia-carrier-switch': ['over-privileged'],
  };
  assert.deepEqual(sorted(all), sorted(Object.entries({ ...ofUse, ...silenced })));
  for (const id of Object.keys(quiet)) assert.ok(!(id in planted), id);
});

test('was used so that wide grants can be narrowed as expected', () => {
  const uses = usesByGrant(records);
  for (const [id, to] of Object.entries(narrowed)) {
    if (planted[id]?.[0] !== 'over-privileged') continue;
    const grant = sample.grants.find((one) => one.id === id);
    assert.ok(grant);
    const used = [...(uses.get(id)?.keys() ?? [])].sort();
    const fitting = [...(sample.apis.get(grant.api)?.roles ?? [])].filter(
      ([, covers]) =>
        used.every((operation) => covers.includes(operation)) &&
        covers.every((operation) => grant.covers.includes(operation)) &&
        covers.length < grant.covers.length,
    );
    const [smallest] = fitting.sort(([, a], [, b]) => a.length - b.length);
    assert.deepEqual(smallest ? { role: smallest[0] } : { operations: used }, to, id);
  }
});

test('removes little enough of every API for the brake to stay off', () => {
  const kept = new Set<string | undefined>([
    ...['over-privileged', 'expiring', 'ownerless', 'high-access', 'mover', 'growth', 'separation-of-duties'],
  ]);
  const removing = Object.entries(planted).filter(([, [first]]) => !kept.has(first));
  for (const api of sample.apis.keys()) {
    const all = sample.grants.filter((grant) => grant.api === api);
    const gone = all.filter(({ id }) => removing.some(([one]) => one === id));
    assert.ok(gone.length / all.length <= 0.25, api);
  }
});

for (const instant of ['2027-01-02T00:04:30Z', '2028-02-29T23:56:00Z'])
  test(`shows the same on another day: ${instant}`, async () => {
    const today = instant.slice(0, 10);
    const [now, midnight] = [Date.parse(instant), Date.parse(today)];
    const organisation = await organisationOn(today);
    const requestsOf = pastRequests(organisation, { seed: 'northwind', today: midnight });
    const past = (days: number) =>
      Array.from({ length: days + 1 }, (_, back) => requestsOf(midnight - (days - back) * dayMs))
        .flat()
        .filter(({ at }) => at <= now)
        .map(({ at, input, result, limited }) => ({
          ...{ timestamp: new Date(at).toISOString(), input, result },
          ...(limited ? { status: 429 } : result.allow ? {} : { status: 403 }),
        }));
    const shown = await reported(today, organisation, past(120), { from: midnight - 120 * dayMs, to: now });
    assert.deepEqual(sorted(shown), sorted(Object.entries(ofUse)));
    // Each day is written by itself, so the last ones stand for all.
    const { target } = write(today, { organisation, now, days: 2 });
    const texts = (records: readonly Recorded[]) =>
      records
        .map(({ timestamp, input, result, status }) => JSON.stringify([timestamp, input, result, status]))
        .sort();
    const written = texts(readRecords(target));
    assert.ok(written.length > 100, String(written.length));
    assert.deepEqual(written, texts(past(2)));
  });

test('comes out the same, byte for byte, from the same seed and day', () => {
  const digest = (name: string, options: Partial<HistoryOptions>) => {
    const { target } = write(name, { days: 2, usage: join(folder, `${name}-usage`), ...options });
    const hash = createHash('sha256');
    for (const root of [target, join(folder, `${name}-usage`)])
      for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort())
        if (file.endsWith('.ndjson')) hash.update(file).update(readFileSync(join(root, file)));
    return hash.digest('hex');
  };
  const first = digest('first', {});
  assert.equal(digest('second', {}), first);
  assert.notEqual(digest('other-seed', { seed: 'another' }), first);
  assert.notEqual(digest('other-day', { now: noon + dayMs }), first);
});

test('says the revision in force at the time, and keeps usage by day', () => {
  const turn = noon - 2 * dayMs;
  const { target } = write('revisions', {
    days: 4,
    usage: join(folder, 'revisions-usage'),
    revision: (at) => (at < turn ? 'old' : 'new'),
  });
  for (const { timestamp, bundles } of readRecords(target))
    assert.equal(bundles.grantgate.revision, Date.parse(timestamp) < turn ? 'old' : 'new');
  const [line = ''] = readFileSync(
    join(folder, 'revisions-usage', 'gw-1', '2026-11-20.ndjson'),
    'utf8',
  ).split('\n');
  assert.equal(JSON.parse(line).coverage.minutes, 1440);
});
