import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { sparkText } from '../../../reviewer/trends/sparkText.ts';
import type { Summary, Trend } from '../../../reviewer/trends/trend.ts';
import { appendTrend, readTrends, withRun } from '../../../reviewer/trends/trendsFile.ts';
import { trendsMetrics } from '../../../reviewer/trends/trendsMetrics.ts';
import { trendsPage } from '../../../reviewer/trends/trendsPage.ts';
import { trendsText } from '../../../reviewer/trends/trendsText.ts';
import { withPage } from '../../_browser.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, daysAgo, logLines, place, uses } from '../_review.ts';

const test = suite('trends');
const folder = await mkdtemp(join(tmpdir(), 'grantgate-trends-'));
test.after(() => rm(folder, { recursive: true, force: true }));

const print = (text: string) => text.padEnd(16, '0');
const run = (day: number, changes: Partial<Summary> = {}): Summary => {
  const date = new Date(Date.UTC(2026, 9, day)).toISOString().slice(0, 10);
  return {
    ...{ date, as_of: `${date}T09:00:00Z`, revision: 'a'.repeat(40), grants: 100 + day, people: 40 },
    ...{ coverage: 0.99, unused: 0.2, findings: { dormant: 2 }, reverted: 0 },
    ...{ fingerprints: [print('a'), print('b')] },
    ...changes,
  };
};
const all = (runs: readonly Summary[]) => runs.reduce<Trend[]>((lines, one) => withRun(lines, one), []);

test('a second run of a day and commit changes nothing; another one of them is another line', async () => {
  const file = join(folder, 'deep/er/trends.ndjson');
  await appendTrend(file, run(1));
  await appendTrend(file, run(2, { revision: null }));
  const before = await readFile(file, 'utf8');
  await appendTrend(file, run(2, { revision: null }));
  assert.equal(await readFile(file, 'utf8'), before);
  await appendTrend(file, run(2));
  assert.deepEqual(
    (await readTrends(file)).map(({ date, revision }) => [date, revision === null]),
    [
      ['2026-10-01', false],
      ['2026-10-02', true],
      ['2026-10-02', false],
    ],
  );
  assert.deepEqual(await readdir(join(folder, 'deep/er')), ['trends.ndjson']);
});

test('findings grow older from run to run, forget what is gone, and only the newest line keeps their days', () => {
  const lines = all([
    run(1, { fingerprints: [print('a')] }),
    run(5, { fingerprints: [print('a'), print('b'), print('c')] }),
    run(11, { fingerprints: [print('a'), print('b')] }),
    run(12, { fingerprints: [print('c')] }),
  ]);
  assert.deepEqual(
    lines.map(({ age }) => [age.oldest, age.median]),
    [
      [0, 0],
      [4, 0],
      [10, 6],
      [0, 0],
    ],
  );
  assert.deepEqual(
    lines.map(({ open }) => open),
    [undefined, undefined, undefined, { [print('c')]: '2026-10-12' }],
  );
  // One of a day long gone is put in its place, and takes nothing from the newest.
  const late = withRun(lines, run(3, { fingerprints: [print('c')] }));
  assert.deepEqual(
    late.map(({ date }) => date.slice(8)),
    ['01', '03', '05', '11', '12'],
  );
  assert.deepEqual(late.at(-1), lines.at(-1));
});

test('runs at the same time are all in the file', async () => {
  const file = join(folder, 'many.ndjson');
  await Promise.all(Array.from({ length: 8 }, (_, i) => appendTrend(file, run(i + 1))));
  assert.equal((await readTrends(file)).length, 8);
});

test('a line that no review wrote is named, and the file left as it is', async () => {
  const file = join(folder, 'broken.ndjson');
  await appendTrend(file, run(1));
  const whole = await readFile(file, 'utf8');
  for (const wrong of ['{"date":"2026-10-02"', '[]', whole.replace('"grants":101', '"grants":-1').trim()]) {
    await writeFile(file, `${whole}${wrong}\n`);
    await assert.rejects(appendTrend(file, run(2)), {
      code: 'trends-malformed',
      message: /broken\.ndjson:2: /,
    });
    assert.equal(await readFile(file, 'utf8'), `${whole}${wrong}\n`);
  }
});

test('sparklines and the table fit a terminal, and leave a blank for what is not known', () => {
  assert.equal(sparkText([0, 7, null, 3.5], 80), '▁█ ▅');
  assert.equal(sparkText([5, 5], 80), '▄▄');
  assert.equal(
    sparkText(
      Array.from({ length: 100 }, (_, i) => i),
      8,
    ),
    '▁▂▃▄▅▆▇█',
  );
  assert.equal(sparkText([], 8), '');
  const lines = all(Array.from({ length: 50 }, (_, i) => run(i + 1, { unused: i === 49 ? null : i / 100 })));
  for (const width of [20, 60, 80, 200])
    for (const line of trendsText(lines, width)) assert.ok([...line].length <= Math.max(width, 25), line);
  const text = [...trendsText(lines, 80)].join('\n');
  assert.match(text, /^grants +150 {2}▁[▁-█]+█$/m);
  assert.match(text, /^unused +- /m);
  assert.match(text, /and 30 runs before/);
  assert.deepEqual([...trendsText([], 80)], ['No review has been noted yet.']);
});

test('Prometheus is told of the newest run, and of what is found no more', async () => {
  const lines = all([run(1, { findings: { mover: 1, dormant: 1 } }), run(2, { unused: null, reverted: 3 })]);
  const text = await trendsMetrics(lines);
  for (const line of [
    'grantgate_review_grants 102',
    'grantgate_review_findings{detector="dormant"} 2',
    'grantgate_review_findings{detector="mover"} 0',
    'grantgate_review_finding_age_days{of="oldest"} 1',
    'grantgate_review_reverted_grants 3',
    `grantgate_review_timestamp_seconds ${Date.UTC(2026, 9, 2, 9) / 1000}`,
  ])
    assert.ok(text.split('\n').includes(line), `${line} in\n${text}`);
  assert.doesNotMatch(text, /unused_ratio/);
  assert.match(await trendsMetrics(all([run(1)])), /^grantgate_review_unused_ratio 0\.2$/m);
  assert.doesNotMatch(text, /unattested/, 'no forge was asked');
  const asked = await trendsMetrics(all([run(1, { unattested: 2 }), run(2, { unattested: 0 })]));
  assert.match(asked, /^grantgate_review_unattested_emergencies 0$/m);
  assert.equal(await trendsMetrics([]), '');
});

test('the page has a chart for each, asks for nothing, runs nothing and breaks at no name', async () => {
  const runs = Array.from({ length: 30 }, (_, i) =>
    run(i + 1, {
      ...{ grants: 180 + ((i * 7) % 23), people: 60 + (i % 5), unused: i === 12 ? null : 0.3 - i / 150 },
      ...{
        findings: {
          dormant: 9 - (i % 5),
          'over-privileged': 4 + (i % 3),
          mover: i % 2,
          '</td><script>alert(1)</script>': 1,
        },
      },
      ...{ reverted: i % 4 === 0 ? 1 : 0, coverage: i === 12 ? 0.7 : 0.99 },
    }),
  );
  const text = trendsPage(all(runs));
  assert.doesNotMatch(text, /<(?:img|link|iframe|a|base|script)\b|https?:/);
  const file = join(folder, 'trends.html');
  await writeFile(file, text);
  const said: string[] = [];
  await withPage(
    pathToFileURL(file).href,
    async (page) => {
      page.on('console', (message) => said.push(message.text()));
      page.on('request', (request) => said.push(request.url()));
      await page.reload();
      assert.equal(await page.locator('svg').count(), 6);
      const { wide, drawn } = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
        drawn: getComputedStyle(document.querySelector('path.line0') as Element).stroke,
      }));
      assert.deepEqual([wide, drawn], [false, 'rgb(59, 125, 221)']);
      if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
    },
    { javaScript: true },
  );
  assert.deepEqual(said, [pathToFileURL(file).href]);
  assert.match(trendsPage([]), /No review has been noted yet/);
  // What the newest run could not tell is neither none nor what an earlier one told.
  for (const earlier of [0.25, null])
    assert.match(
      trendsPage(all([run(1, { unused: earlier }), run(2, { unused: null })])),
      /unused <b>not known<\/b>/,
    );
  assert.match(trendsPage(all([run(1)])), /<p>1 run, of 2026-/);
});

test('from the command line: a review notes its run and tells Prometheus, trends shows it; explaining notes nothing', async () => {
  const here = await place({
    ...access([{ id: 'idle', rest: `role: reader\ngranted: ${daysAgo(2)}` }, { id: 'busy' }]),
  });
  try {
    await here.commit(access([{ id: 'busy', rest: 'role: reader\nstate: suspended' }]), daysAgo(6));
    await here.commit(
      access([{ id: 'idle', rest: `role: reader\ngranted: ${daysAgo(2)}` }, { id: 'busy' }]),
      daysAgo(5),
    );
    await here.log(logLines(uses('busy', ['get'], 2)));
    const cli = fileURLToPath(new URL('../../../cli.ts', import.meta.url));
    const grantgate = (...args: string[]) =>
      execFileSync(process.execPath, [cli, ...args], {
        cwd: here.folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    const asked = [
      'review',
      '--root',
      here.root,
      '--decisions',
      here.decisions,
      '--as-of',
      new Date(asOfMs).toISOString(),
    ];
    const plan = JSON.parse(grantgate(...asked, '--json', '--metrics', 'review.prom'));
    const file = join(here.folder, '.grantgate/trends.ndjson');
    const [line] = await readTrends(file);
    assert.deepEqual(
      { ...line, open: undefined },
      {
        ...{
          date: '2026-11-23',
          as_of: '2026-11-23T12:00:00Z',
          revision: plan.revision,
          grants: 2,
          people: 2,
        },
        ...{ coverage: plan.evidence.coverage, unused: 0.5, findings: { 'never-used': 1 }, open: undefined },
        ...{ age: { oldest: 0, median: 0 }, reverted: 2 },
      },
    );
    assert.match(
      await readFile(join(here.folder, 'review.prom'), 'utf8'),
      /^grantgate_review_findings\{detector="never-used"\} 1$/m,
    );
    const before = await readFile(file, 'utf8');
    grantgate(...asked, '--explain', plan.findings[0].fingerprint);
    grantgate(...asked, '--no-trends');
    assert.equal(await readFile(file, 'utf8'), before);
    assert.match(grantgate('trends'), /^findings +1 /m);
    assert.equal(JSON.parse(grantgate('trends', '--json'))[0].open, undefined);
    assert.match(grantgate('trends', '--html'), /^<!doctype html>/);
    assert.throws(() => grantgate('trends', 'none.ndjson'), {
      status: 2,
      stderr: /there are no runs in none\.ndjson/,
    });
  } finally {
    await here.remove();
  }
});
