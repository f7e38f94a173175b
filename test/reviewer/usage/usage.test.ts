import * as assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { openDatabase } from '../../../reviewer/evidence/database.ts';
import type { Tally, View } from '../../../reviewer/evidence/tally.ts';
import { bucketAccess, objectKeys } from '../../../reviewer/sources/bucketObjects.ts';
import { gatherUsage } from '../../../reviewer/usage/gatherUsage.ts';
import { usageCsv } from '../../../reviewer/usage/usageCsv.ts';
import { usageJson } from '../../../reviewer/usage/usageJson.ts';
import { usageText } from '../../../reviewer/usage/usageText.ts';
import { suite } from '../../_suite.ts';
import { type BucketServer, startBucketServer } from '../../gateway/_bucket.ts';
import { asOfMs, recordLine } from '../_review.ts';
import { rollupsOf } from '../_rollups.ts';

const test = suite('usage table');
let folder = '';
let store: BucketServer | null = null;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'grantgate-usage-table-'));
});
test.after(async () => {
  await store?.close();
  await rm(folder, { recursive: true, force: true });
});

const day = '2026-11-22';
const midnight = Date.parse(`${day}T00:00:00Z`);
const beat = (at: number, instance: string, seq: number) =>
  JSON.stringify({ heartbeat: true, timestamp: new Date(at).toISOString(), instance, seq });
/** A day of heartbeats, and an hourly request: allowed by one grant, by two, denied, or over its rate. */
const dayOf = (instance: string) =>
  Array.from({ length: 1440 }, (_, minute) => {
    const [at, hour] = [midnight + minute * 60_000, Math.floor(minute / 60)];
    if (minute % 60 > 0) return [beat(at, instance, hour + 1)];
    const use = [
      { grant: 'a' },
      { grant: ['a', 'b'] },
      { grant: [], allow: false },
      { grant: 'a', status: 429 },
    ];
    const one = {
      ...(use[hour % 4] ?? { grant: 'a' }),
      operation: hour < 12 ? 'get' : 'list',
      at: at + 1000,
    };
    return [beat(at, instance, hour), recordLine(one, instance, hour + 1)];
  }).flat();
const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
const put = async (path: string, bytes: string | Buffer) => {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  return file;
};

const gather = (
  places: readonly string[],
  by: View = 'grant',
  more: Partial<Parameters<typeof gatherUsage>[0]> = {},
) =>
  gatherUsage({
    ...{ places, by, from: midnight / 1000, to: midnight / 1000 + 86_400, readAt: asOfMs / 1000 },
    ...{ token: null, bucket: bucketAccess({}), ...more },
  });
const table = async (...args: Parameters<typeof gather>) => {
  const report = await gather(...args);
  try {
    const rows: Tally[] = await Array.fromAsync(report.rows);
    return { rows, coverage: report.coverage, notes: report.notes.map(({ kind }) => kind) };
  } finally {
    await report.close();
  }
};
const expected = [
  ['a', 12],
  ['b', 6],
];
const grants = (rows: readonly Tally[]) => rows.map(({ grant, allowed }) => [grant, allowed]);

test('the table is the same from records and from roll-ups, and both together count once', async () => {
  const records = await put('same/records/gw-1.ndjson', text(dayOf('gw-1')));
  const rollup = await put('same/usage/gw-1.ndjson', text(rollupsOf(dayOf('gw-1'), 'gw-1').get(day) ?? []));
  const [head = '', ...uses] = rollupsOf(dayOf('gw-1'), 'gw-1').get(day) ?? [];
  const { coverage, ...plain } = JSON.parse(head);
  const { seq, records: count, minutes } = coverage;
  const old = JSON.stringify({ ...plain, coverage: { seq, records: count, minutes } });
  const older = await put('same/older/gw-1.ndjson', text([old, ...uses]));
  for (const by of ['grant', 'operation', 'api'] as const) {
    const whole = await table([records], by);
    assert.deepEqual(whole.notes, []);
    assert.deepEqual((await table([rollup], by)).rows, whole.rows, by);
    assert.deepEqual((await table([records, rollup], by)).rows, whole.rows, by);
    assert.deepEqual(whole.coverage, [{ instance: 'gw-1', day, covered_minutes: 1440, lost_minutes: 0 }]);
    // Written by an older version, it vouches for nothing, and says of the same requests once more.
    assert.deepEqual((await table([records, older], by)).rows, whole.rows, by);
    assert.deepEqual((await table([older], by)).rows, whole.rows, by);
  }
  const { rows } = await table([records], 'api');
  assert.deepEqual(
    rows.map(({ api, allowed, denied }) => [api, allowed, denied]),
    [['orders', 12, { limited: 6, 'no-grant': 6 }]],
  );
  const people = await table([records], 'person');
  assert.deepEqual(
    people.rows.map(({ person, allowed }) => [person, allowed]),
    [['user:ann@example.com', 12]],
  );
  assert.deepEqual((await table([rollup], 'person')).notes, ['no-person']);
});

test('reads lines of JSON, gzip, zstd and Parquet, of records and roll-ups, whatever they are called', async () => {
  const lines = dayOf('gw-2');
  const rollup = rollupsOf(lines, 'gw-2').get(day) ?? [];
  const plain = await put('kinds/plain.ndjson', text(lines));
  const rolled = await put('kinds/rolled.ndjson', text(rollup));
  const kinds = [
    plain,
    await put('kinds/packed.ndjson.gz', gzipSync(text(lines))),
    await put('kinds/packed.ndjson.zst', zstdCompressSync(text(rollup))),
  ];
  const database = await openDatabase('200MB');
  for (const [from, to] of [
    [plain, join(folder, 'kinds/records.parquet')],
    [rolled, join(folder, 'kinds/rolled.parquet')],
  ]) {
    await database.connection.run(
      `COPY (SELECT * FROM read_json('${from}', format = 'newline_delimited')) TO '${to}' (FORMAT parquet)`,
    );
    kinds.push(String(to));
  }
  await database.close();
  for (const file of kinds) {
    const { rows, coverage, notes } = await table([file]);
    assert.deepEqual(grants(rows), expected, file);
    assert.deepEqual([coverage[0]?.covered_minutes, notes], [1440, []], file);
  }
  const broken = await put('kinds/broken.parquet', 'PAR1 and nothing more');
  assert.deepEqual((await table([broken])).notes, ['unreadable']);
});

test('tells files delivered twice, copies, gaps, counts that began again, and clocks that went back or are ahead', async () => {
  const lines = dayOf('gw-3');
  const file = await put('notes/one.ndjson', text(lines));
  await copyFile(file, join(folder, 'notes/two.ndjson'));
  const twice = await table([join(folder, 'notes/')]);
  assert.deepEqual([twice.notes, grants(twice.rows)], [['twice'], expected]);
  await put('notes/two.ndjson', text(lines.slice(0, 900)));
  const copies = await table([join(folder, 'notes/')]);
  assert.deepEqual([copies.notes, grants(copies.rows)], [['copies'], expected]);

  const gap = await put('gap.ndjson', text(lines.filter((line) => !line.includes('"seq":9,'))));
  const lost = await table([gap]);
  assert.deepEqual(lost.notes, ['gap']);
  assert.ok((lost.coverage[0]?.lost_minutes ?? 0) > 0);

  const again = recordLine({ grant: 'c', at: midnight + 86_000_000 }, 'gw-3', 1).replace('gw-3-1', 'another');
  assert.deepEqual((await table([await put('again.ndjson', text([...lines, again]))])).notes, ['reset']);

  const shifted = (line: string) => {
    const value = JSON.parse(line);
    return JSON.stringify({
      ...value,
      timestamp: new Date(Date.parse(value.timestamp) - 7_200_000).toISOString(),
    });
  };
  const back = [...lines.slice(0, 700), ...lines.slice(700).map(shifted)];
  assert.ok((await table([await put('back.ndjson', text(back))])).notes.includes('skew'));

  const ahead = await table([file], 'grant', { to: null, readAt: midnight / 1000 + 3600 });
  assert.deepEqual(ahead.notes, ['ahead']);
});

test('asks running gateways, and says which it could not', async () => {
  const rollup = text(rollupsOf(dayOf('gw-4'), 'gw-4').get(day) ?? []);
  const server = createServer((request, response) => {
    response.writeHead(request.headers.authorization === 'Bearer right' ? 200 : 401).end(rollup);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    assert.deepEqual(grants((await table([url], 'grant', { token: 'right' })).rows), expected);
    assert.deepEqual((await table([url], 'grant', { token: 'wrong' })).notes, ['unreadable']);
  } finally {
    server.close();
  }
});

test('a table of names from records moves no cursor and runs in no spreadsheet', async () => {
  const evil = recordLine({ grant: '=cmd()\u001b[2J\u202e', at: midnight + 1000 }, 'gw-5', 1);
  const file = await put('evil.ndjson', text([evil]));
  const print = async (make: (report: Awaited<ReturnType<typeof gather>>) => AsyncIterable<string>) => {
    const report = await gather([file]);
    try {
      return (await Array.fromAsync(make(report))).join('');
    } finally {
      await report.close();
    }
  };
  assert.doesNotMatch(await print((report) => usageText(report, 'grant')), /\p{Cc}(?<!\n)|\p{Bidi_Control}/u);
  const csv = await print((report) => usageCsv(report, 'grant'));
  assert.match(csv, /^'=cmd/m);
  assert.doesNotMatch(csv, /\p{Cc}(?<![\r\n])|\p{Bidi_Control}/u);
  const read = JSON.parse(await print((report) => usageJson(report, 'grant')));
  assert.deepEqual([read.rows[0].allowed, read.coverage.length], [1, 1]);
});

test('reads what lies in a bucket, and says what it may not read', async () => {
  store = await startBucketServer('northwind');
  if (store === null) return console.log('      a server of buckets cannot be had here');
  const { endpoint, keys } = store;
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: keys.accessKey,
    AWS_SECRET_ACCESS_KEY: keys.secretKey,
  };
  const access = bucketAccess(env);
  const { signRequest } = await import('../../../bundle/bucket/signRequest.ts');
  const sign = signRequest(keys, 'us-east-1');
  const upload = async (key: string, body: Buffer) => {
    const url = `${endpoint}/northwind/${key}`;
    const answer = await fetch(url, {
      method: 'PUT',
      body: new Uint8Array(body),
      headers: await sign({ method: 'PUT', url, body }),
    });
    assert.equal(answer.status, 200, await answer.text());
  };
  const rollup = rollupsOf(dayOf('gw-6'), 'gw-6').get(day) ?? [];
  await upload('evidence/gw-6/2026-11-22.ndjson.zst', zstdCompressSync(text(rollup)));
  await upload('evidence/gw%207%2B%26/2026-11-22.ndjson', Buffer.from(text(dayOf('gw-7'))));
  await upload('evidence/notes.txt', Buffer.from('none'));
  await upload('elsewhere/2026-11-22.ndjson', Buffer.from(text(dayOf('gw-8'))));
  const { rows, coverage, notes } = await table(['s3://northwind/evidence/'], 'grant', { bucket: access });
  assert.deepEqual(
    grants(rows),
    expected.map(([grant, count]) => [grant, Number(count) * 2]),
  );
  assert.deepEqual([coverage.map(({ instance }) => instance), notes], [['gw-6', 'gw-7'], []]);
  const wrong = bucketAccess({ ...env, AWS_SECRET_ACCESS_KEY: 'wrong-secret' });
  const report = await gather(['s3://northwind/evidence/'], 'grant', { bucket: wrong });
  await report.close();
  assert.deepEqual(
    report.notes.map(({ kind }) => kind),
    ['unreadable'],
  );
  assert.doesNotMatch(JSON.stringify(report.notes), /wrong-secret/);
  await assert.rejects(gather(['s3://a:b@northwind/x'], 'grant', { bucket: access }), {
    code: 'source-malformed',
  });
});

test('lists a bucket page after page, and takes no list that does not end', async () => {
  const asked: string[] = [];
  const page = (key: string, more: string) =>
    `<?xml version="1.0"?><ListBucketResult><Contents><Key>${key}</Key></Contents>${more}</ListBucketResult>`;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://store');
    const token = url.searchParams.get('continuation-token');
    asked.push(`${url.pathname} ${token}`);
    const more = '<IsTruncated>true</IsTruncated>';
    if (url.pathname.includes('endless/')) response.end(page('endless/x.ndjson', more));
    else if (token === null)
      response.end(page('a%2Bb/1.ndjson', `${more}<NextContinuationToken>p&amp;2</NextContinuationToken>`));
    else response.end(page('a%2Bb/2.ndjson', '<IsTruncated>false</IsTruncated>'));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const keys = await Array.fromAsync(
      objectKeys({ bucket: 'northwind', prefix: 'a' }, bucketAccess({ AWS_ENDPOINT_URL_S3: endpoint })),
    );
    assert.deepEqual(keys, ['a+b/1.ndjson', 'a+b/2.ndjson']);
    assert.deepEqual(asked, ['/northwind/ null', '/northwind/ p&2']);
    const endless = bucketAccess({ AWS_ENDPOINT_URL_S3: `${endpoint}/endless/` });
    await assert.rejects(
      Array.fromAsync(objectKeys({ bucket: 'northwind', prefix: '' }, endless)),
      /does not end/,
    );
  } finally {
    server.close();
  }
});
