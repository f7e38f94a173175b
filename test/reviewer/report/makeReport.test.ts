import * as assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readVerifyKey } from '../../../bundle/archive/keys.ts';
import { readSigningKey } from '../../../bundle/archive/readSigningKey.ts';
import { findOpa } from '../../../bundle/policy/opa.ts';
import { periodReport } from '../../../reviewer/periodReport.ts';
import { judgedIn, judgedLine, replayPart } from '../../../reviewer/pulls/text/sections.ts';
import type { RecordFacts } from '../../../reviewer/records/recordFacts.ts';
import { controls } from '../../../reviewer/report/controls.ts';
import { approvals, decisions } from '../../../reviewer/report/decisionTables.ts';
import { verifyPack, writePack } from '../../../reviewer/report/pack.ts';
import { doubted, recordRows } from '../../../reviewer/report/recordRows.ts';
import type { ReportInput } from '../../../reviewer/report/reportInput.ts';
import { withPage } from '../../_browser.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base, dayMs, daysAgo, type Place, place } from '../_review.ts';

const test = suite('report');
const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
type Axe = { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
const desk = 'grants/access/orders/group-desk.yaml';
const hostile = `'=cmd|"/C calc"!A0 <script>document.title='run'</script>`;
const before = [
  { id: 'kept', rest: 'role: editor' },
  { id: 'removed' },
  { id: 'smaller', rest: 'role: admin' },
  {
    id: 'orders-dana-emergency-1',
    principal: 'user:dana@example.com',
    rest: 'role: admin\nexpires: 2026-11-30',
  },
];
const duties = `separation_of_duties:
  - { name: see-and-make, left: { api: orders, operations: [get] }, right: { api: orders, operations: [create] } }
  - { name: make-and-take, left: { api: orders, operations: [create] }, right: { api: orders, operations: [remove] } }
`;
const period = { from: asOfMs / 1000 - 10 * 86_400, to: asOfMs / 1000 };
type Made = Awaited<ReturnType<typeof periodReport>>;
let here: Place;
let work: string;
let commits: string[];
let reported: Made;
const rows = (name: string) =>
  (JSON.parse(reported.pack.get(`${name}.json`) ?? '{}') as { rows: Record<string, unknown>[] }).rows;
const folder = (name: string) => join(work, name);
const whole = (days: number) => daysAgo(days).replace('.000', '');

test.before(async () => {
  work = await mkdtemp(join(tmpdir(), 'report-'));
  const read = (at: string) =>
    String(base['grants/directory/okta.yaml']).replace('synced: 2026-11-23T03:00:00Z', `synced: ${at}`);
  here = await place({
    ...access(before.slice(0, 3)),
    'grants/directory/okta.yaml': read(daysAgo(9)),
    'grants/review.yaml': `${base['grants/review.yaml']}${duties}`,
  });
  const review = `review: { decision: keep, by: user:ann@example.com, at: ${daysAgo(5)}, reason: ${JSON.stringify(hostile)} }`;
  const steps = [
    { [desk]: access(before)[desk] ?? null },
    {
      [desk]:
        access([
          { id: 'kept', rest: `role: editor\n${review}` },
          { id: 'smaller', rest: 'role: reader' },
          ...before.slice(3),
        ])[desk] ?? null,
    },
    {
      'grants/directory/okta.yaml': read(daysAgo(2, -3_600_000)).replace(
        'id: 00u4, status: active',
        'id: 00u4, status: deprovisioned',
      ),
    },
  ];
  commits = [];
  for (const [index, files] of steps.entries())
    commits.push(await here.commit(files, daysAgo([8, 4, 2][index] ?? 1)));
  const decision = (instance: string, at: number, revision: string | undefined, grants: string[]) =>
    JSON.stringify({
      ...{ timestamp: daysAgo(at), decision_id: `${instance}-${at}`, instance, seq: 1 },
      bundles: { grantgate: { revision } },
      input: { subject: 'user:ann@example.com', api: 'orders', operation: 'get' },
      result: { allow: true, grants },
    });
  await here.log([
    decision('gw-1', 7, commits[0], ['kept']),
    decision('gw-1', 3.9, commits[1], ['kept']),
    decision('gw-2', 1, commits[2], ['smaller']),
    // What comes after the period is none of it.
    decision('gw-1', -1, commits[2], ['kept']),
  ]);
  const opa = await findOpa();
  const options = {
    ...{ root: here.root, revision: 'HEAD', period, nowMs: asOfMs + 2 * dayMs },
    ...{ decisions: [here.decisions], opa },
  };
  const gateways = [
    { url: 'http://gw-1', revision: commits[2] ?? '', grants: 3, digest: 'x', error: null },
    { url: 'http://gw-2', revision: null, grants: null, digest: null, error: 'unreachable' },
  ];
  reported = await periodReport({ ...options, gateways });
  const again = await periodReport({ ...options, gateways });
  assert.deepEqual([...again.pack], [...reported.pack]);
});
test.after(async () => {
  await here.remove();
  await rm(work, { recursive: true, force: true });
});

test('a pair of duties has its open findings counted', () => {
  const found = rows('findings').filter(({ detector }) => detector === 'separation-of-duties');
  assert.ok(found.length > 0);
  const of = (pair: string) => found.filter(({ sentence }) => String(sentence).includes(pair)).length;
  assert.deepEqual(
    rows('separation-of-duties').map(({ pair, findings }) => [pair, findings]),
    ['see-and-make', 'make-and-take'].map((pair) => [pair, of(pair)]),
  );
});

test('every decision of the period has a row: who, what, why, and between which commits', () => {
  assert.deepEqual(
    rows('decisions').map(({ grant, decision, by, relation, before: was, after }) => [
      grant,
      decision,
      String(by).startsWith('user:') ? by : 'author',
      relation,
      commits.indexOf(String(was)),
      commits.indexOf(String(after)),
    ]),
    [
      ['orders-dana-emergency-1', 'granted', 'author', 'unknown', -1, 0],
      ['kept', 'kept', 'user:ann@example.com', 'self', 0, 1],
      ['removed', 'removed', 'author', 'unknown', 0, 1],
      ['smaller', 'narrowed', 'author', 'unknown', 0, 1],
    ],
  );
  assert.equal(rows('decisions')[1]?.why, hostile);
});

test('a gateway has enforced what it has decided by, that commit or a later one', () => {
  const [granted, kept] = rows('decisions');
  // gw-2 is seen with a later commit only, which holds the earlier ones.
  assert.deepEqual([granted?.gateways, granted?.enforced_by, granted?.enforced_last], [2, 2, whole(1)]);
  assert.deepEqual([kept?.enforced_by, kept?.seconds_to_enforcement], [2, 3 * 86_400]);
  const [leaver] = rows('leavers');
  assert.deepEqual(
    [leaver?.login, leaver?.now, leaver?.hours_to_merge, leaver?.enforced_by, leaver?.grants_left],
    ['dana@example.com', 'deprovisioned', 1, 1, 1],
  );
});

test('each gateway has a row of its own for each commit that decided something', () => {
  assert.deepEqual(
    rows('enforcement').map(({ commit, gateway, seconds }) => [
      commits.indexOf(String(commit)),
      gateway,
      seconds,
    ]),
    [
      [0, 'gw-1', 86_400],
      [0, 'gw-2', 7 * 86_400],
      [1, 'gw-1', 8640],
      [1, 'gw-2', 3 * 86_400],
    ],
  );
});

test('a decision that a review proposed has when it was found, by what evidence, and what the replay said', () => {
  const judged = { asOf: whole(6), revision: 'ab'.repeat(20), records: 1234, instances: 2, from: whole(96) };
  const body = `above\r\n\r\n${judgedLine({ ...judged, coverage: '99.98 %' })} The same again.\n\n${replayPart('**0 of 12** allowed requests would now be denied.\n\nmore')}`;
  assert.deepEqual(judgedIn(body), {
    ...judged,
    ...{ coverage: '99.98 %', replay: '0 of 12 allowed requests would now be denied.' },
  });
  for (const none of ['', 'Judged as of today', body.replace('99.98 %', 'all')])
    assert.equal(judgedIn(none), null);
  const change = {
    ...{ grant: 'g', principal: 'user:ann@example.com', api: 'orders', owner: 'group:desk', what: 'removed' },
    ...{ by: 'bot', why: 'x', at: asOfMs / 1000 - 5 * 86_400, commit: 'c', before: 'b', emergency: false },
    subject: 'Revoke g (#7)',
  } as const;
  const merge = {
    ...{
      number: 7,
      url: '',
      title: '',
      body,
      commit: 'c',
      branch: '',
      labels: [],
      author: 'bot',
      openedMs: 0,
    },
    ...{ mergedMs: 0, mergedBy: 'ann', approvals: [], earlier: [] },
  };
  const enforcement = {
    instances: ['gw-1'],
    of: (_: string, at: number) => [{ instance: 'gw-1', at: at + 5 }],
  };
  const organisation = { people: new Map(), memberships: new Map() };
  const principalOf = (login: string) => (login === 'ann' ? 'user:ann@example.com' : null);
  const input = {
    changes: [change],
    merges: new Map([['c', merge]]),
    bases: new Map([[7, judgedIn(body)]]),
    enforcement,
    organisation,
    principalOf,
  };
  const [row] = decisions(input as unknown as ReportInput).rows;
  assert.deepEqual(
    [row?.found_at, row?.evidence_from, row?.evidence_coverage, row?.replay, row?.hours_from_finding],
    [whole(6), whole(96), '99.98 %', '0 of 12 allowed requests would now be denied.', 24],
  );
  // Whoever merges attests, whoever the commit is by: here whose access it is.
  assert.deepEqual([row?.relation, row?.merged_by, row?.merged_by_relation], ['unknown', 'ann', 'self']);
  const others = { ...input, merges: new Map([['c', { ...merge, mergedBy: 'nobody' }]]) };
  assert.equal(decisions(others as unknown as ReportInput).rows[0]?.merged_by_relation, 'unknown');
  const offline = { ...input, merges: null };
  assert.equal(decisions(offline as unknown as ReportInput).rows[0]?.merged_by_relation, null);
});

test('how long an approval took and how many grants it covered shows a stamp for what it is', () => {
  const merge = (number: number, approvals: { login: string; atMs: number }[]) => ({
    ...{ number, url: '', title: `#${number}`, body: '', commit: 'c', branch: '', labels: [] },
    ...{ author: 'bot', openedMs: 0, mergedMs: 7_200_000, mergedBy: 'ann', approvals, earlier: [] },
  });
  const changed = (grant: string, number: number) => ({ grant, commit: `c${number}` });
  const input = {
    // Two changes of one grant are one grant that was looked at.
    changes: ['a', 'b', 'c', 'a'].map((grant) => changed(grant, 7)).concat(changed('d', 8), changed('e', 9)),
    merges: new Map([
      ['c8', merge(8, [{ login: 'bot', atMs: 3_600_000 }])],
      [
        'c7',
        merge(7, [
          { login: 'eve', atMs: 90_000_000 },
          { login: 'ann', atMs: 36_000 },
        ]),
      ],
      ['c9', merge(9, [])],
    ]),
  };
  assert.deepEqual(
    approvals(input as unknown as ReportInput).rows.map((row) => [
      ...[row.pull_request, row.approvers, row.hours_to_approval, row.grants, row.approved_by_another],
    ]),
    [
      [7, 'eve ann', 0.01, 3, true],
      [8, 'bot', 1, 1, false],
      [9, '', null, 1, false],
    ],
  );
});

test('each control leads to tables that are there, with rows in files beside the page', () => {
  const page = reported.pack.get('index.html') ?? '';
  assert.deepEqual(
    controls.map(({ framework, control }) => `${framework.split(/[ /]/)[0]} ${control}`),
    ['SOC CC6.1', 'SOC CC6.2', 'SOC CC6.3', 'ISO A.5.18', 'PCI 7.2.4', 'PCI 7.2.5.1', 'GDPR Art. 32'],
  );
  for (const { control, tables } of controls) {
    assert.ok(tables.length > 0 && page.includes(`<td>${control}</td>`), control);
    for (const name of tables) {
      assert.ok(reported.pack.has(`${name}.csv`) && reported.pack.has(`${name}.json`), `${control}: ${name}`);
      assert.ok(page.includes(`<a href="#${name}">`), `${control}: ${name}`);
    }
  }
  for (const [, id] of page.matchAll(/href="#([^"]*)"/g)) assert.ok(page.includes(`id="${id}"`), id);
  for (const [, file = ''] of page.matchAll(/href="([^"#:]+)"/g)) assert.ok(reported.pack.has(file), file);
});

test('what does not agree, cannot be judged or was merged unasked is shown as that', () => {
  assert.deepEqual(
    rows('population').map(({ source, grants, agrees, note }) => [source, grants, agrees, note]),
    [
      ['commit', 3, true, ''],
      ['gateway', 3, false, ''],
      ['gateway', null, null, 'unreachable'],
    ],
  );
  assert.ok(rows('not-evaluable').length > 0);
  assert.deepEqual(
    rows('emergencies').map(({ grant, attested }) => [grant, attested]),
    [['orders-dana-emergency-1', null]],
  );
  const used = new Map(rows('grants').map(({ grant, uses }) => [grant, uses]));
  assert.deepEqual([used.get('kept'), used.get('smaller'), used.get('orders-dana-emergency-1')], [2, 1, 0]);
});

test('records that are not as they were written are told, and whatever rests on them is in doubt', () => {
  // Each gateway's numbers begin with 1, so four lines with that number were not written like this.
  const [row, ...others] = rows('records');
  assert.deepEqual(others, []);
  assert.deepEqual([row?.gateway, row?.records, row?.chain], ['gw-1', 4, 'broken']);
  assert.match(String(row?.wrong), /^given out again: number 1, before line 2 of 2026-11-23\.ndjson; /);
  const page = reported.pack.get('index.html') ?? '';
  assert.match(page, /in doubt: records of gw-1 are missing or not as they were written/);
  const sound = { ...row, instance: 'gw-1', chained: true, wrong: [] } as unknown as RecordFacts;
  const chainsOf = (...records: RecordFacts[]) => recordRows({ records }).rows.map(({ chain }) => chain);
  const older = { ...sound, chained: false };
  assert.deepEqual(chainsOf(sound, older), ['holds', 'holds in part: older files have none']);
  assert.deepEqual(doubted([sound, { ...sound, instance: 'gw-2', wrong: ['x'] }, older]), ['gw-2']);
});

test('no spreadsheet runs a cell, and the page runs and fetches nothing', async () => {
  assert.ok((reported.pack.get('decisions.csv') ?? '').includes(`"'=cmd|""/C calc""!A0 <script>`));
  await writePack(folder('page'), reported.pack, reported.about, null);
  const asked: string[] = [];
  await withPage(
    pathToFileURL(join(folder('page'), 'index.html')).href,
    async (page) => {
      page.on('request', (request) => asked.push(request.url()));
      await page.reload();
      assert.match(await page.title(), /^Access report 2026-11-13 to 2026-11-23$/);
      assert.match((await page.locator('#decisions').textContent()) ?? '', /<script>document/);
      assert.equal(
        await page.locator('svg[role=img][aria-label]').count(),
        await page.locator('svg').count(),
      );
      for (const details of await page.locator('details').all())
        await details.evaluate((one) => one.setAttribute('open', ''));
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${colorScheme} ${id} ${nodes[0]?.html}`),
          [],
        );
      }
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    },
    { javaScript: true, width: 360 },
  );
  assert.deepEqual(
    asked.filter((url) => !url.startsWith('file:')),
    [],
  );
});

test('a pack is verified file by file, and by its signature', async () => {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { privateKey, publicKey } = pair();
  const spki = { type: 'spki', format: 'pem' } as const;
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = readVerifyKey(publicKey.export(spki).toString());
  const other = readVerifyKey(pair().publicKey.export(spki).toString());
  const at = folder('signed');
  await writePack(at, reported.pack, reported.about, readSigningKey(pem));
  assert.deepEqual(await verifyPack(at, key), {
    ...reported.about,
    files: reported.pack.size,
    signed: true,
  });
  assert.equal((await verifyPack(at, null)).signed, false);
  const refused = (of: Promise<unknown>, message: RegExp) =>
    assert.rejects(of, (error: { code?: string; message: string }) => {
      assert.equal(error.code, 'report-invalid');
      assert.match(error.message, message);
      return true;
    });
  await refused(verifyPack(at, other), /no signature of this manifest with this key/);
  await refused(writePack(at, reported.pack, reported.about, null), /is not empty/);
  await refused(verifyPack(here.root, null), /has no manifest.json/);

  const spoil = async (name: string, change: (text: string) => string | null, message: RegExp) => {
    const path = join(at, name);
    const text = await readFile(path, 'utf8').catch(() => null);
    const now = change(text ?? '');
    if (now === null) await rm(path);
    else await writeFile(path, now);
    await refused(verifyPack(at, key), message);
    if (text === null) await rm(path);
    else await writeFile(path, text);
  };
  await spoil('grants.csv', (text) => text.replace('kept', 'kepd'), /grants.csv was changed/);
  await spoil('grants.csv', () => null, /grants.csv is missing/);
  await spoil('more.csv', () => 'x', /more.csv is not in the manifest/);
  await spoil('manifest.json', (text) => text.replace('"version": 1', '"version":  1'), /no signature/);
  await spoil('manifest.json', (text) => text.replace('"index.html', '"../index.html'), /not the manifest/);
  await spoil('manifest.jws', () => null, /is not signed/);
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  await spoil('manifest.jws', (text) => text.replace(/^[^.]+/, none), /no signature/);
  await verifyPack(at, key);
  assert.equal((await readdir(at)).length, reported.pack.size + 2);
});

test('a branch that had nothing before the end of the period has no report', async () => {
  await assert.rejects(
    periodReport({
      ...{ root: here.root, revision: 'HEAD', decisions: [here.decisions], gateways: [] },
      period: { from: 0, to: (asOfMs - 400 * dayMs) / 1000 },
      nowMs: asOfMs,
    }),
    { code: 'report-invalid' },
  );
});
