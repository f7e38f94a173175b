import * as assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { eraseRecords } from '../../../reviewer/records/eraseRecords.ts';
import { findMentions } from '../../../reviewer/records/findMentions.ts';
import { pruneRecords } from '../../../reviewer/records/pruneRecords.ts';
import { erasureKey, pseudonymOf } from '../../../reviewer/records/pseudonym.ts';
import { createReplacer } from '../../../reviewer/records/replacer.ts';
import { suite } from '../../_suite.ts';
import { compress, dayMs, dayOf, evidence, firstDay, kinds, verified, writeArchive } from './_archive.ts';

const test = suite('reviewer/records: erase');
const days = 4;
const archive = writeArchive(days, ['user:Änn@example.com', 'user:bob', 'user:ÄNN@EXAMPLE.COM']);
test.after(archive.remove);
const person = 'user:änn@example.com';
const pseudonym = pseudonymOf(person, 'k'.repeat(43));

function world() {
  const root = archive.copy();
  const home = join(root, 'd', 'gw-1');
  return {
    ...{ root, home, decisions: join(root, 'd'), usage: join(root, 'u') },
    file: (day: number) => join(home, `${dayOf(day)}.ndjson`),
    manifest: join(home, 'manifest.jsonl'),
    erase: (apply: boolean, today = dayOf(days)) =>
      eraseRecords({
        ...{ decisions: join(root, 'd'), person, pseudonym, apply, today },
        nowMs: firstDay + days * dayMs,
      }),
  };
}

test('puts one pseudonym wherever the person stands, in any spelling; what is vouched for stays', async () => {
  const { erase, file, home, decisions, usage, manifest } = world();
  compress(file(0), 'gz');
  compress(file(1), 'zst');
  const [before, alone] = [await evidence(decisions, usage, days), await evidence(decisions, null, days)];
  const times = statSync(file(2)).mtimeMs;
  const planned = await erase(false);
  assert.deepEqual(
    planned.map(({ lines, refused }) => [lines, refused]),
    Array(4).fill([3, null]),
  );
  assert.ok(!existsSync(manifest), 'a dry run changes nothing');
  assert.deepEqual(await erase(true), planned);
  assert.deepEqual(await evidence(decisions, usage, days), before);
  assert.deepEqual(await evidence(decisions, null, days), alone);
  const text = readFileSync(file(2), 'utf8');
  assert.equal(text.match(new RegExp(`"subject":"${pseudonym}"`, 'g'))?.length, 3);
  assert.ok(!/änn@/i.test(text) && text.includes('user:bob'));
  const moved = times - statSync(file(2)).mtimeMs;
  assert.ok(moved >= 0 && moved < 2, 'its roll-up is no older than it');
  const verdict = await verified(home);
  assert.deepEqual([verdict.breaks, verdict.gaps, verdict.erased], [[], [], 4]);
  assert.ok(!/änn/i.test(readFileSync(manifest, 'utf8')));
  assert.deepEqual(await erase(true), [], 'a second run finds nobody');
  assert.deepEqual(
    readdirSync(home).filter((name) => name.endsWith('.draft')),
    [],
  );
});

test('erasing explains its own change and no other', async () => {
  const { erase, file, home, decisions, usage } = world();
  writeFileSync(file(1), readFileSync(file(1), 'utf8').replaceAll('user:bob', 'user:eve'));
  await erase(true);
  assert.deepEqual(kinds(await verified(home)), [['changed', `${dayOf(1)}.ndjson`]]);
  writeFileSync(file(2), readFileSync(file(2), 'utf8').replaceAll('user:bob', 'user:eve'));
  assert.equal((await verified(home)).breaks.length, 2);
  const pruned = await pruneRecords({
    ...{ decisions, usage, apply: true, keepFrom: dayOf(3), today: dayOf(days), nowMs: firstDay },
  });
  assert.deepEqual(
    pruned.map(({ refused }) => refused === null),
    [true, false, false],
    'an erased day may go, a changed one may not',
  );
  assert.equal((await verified(home)).breaks.length, 2);
});

test('refuses files that are being written, and those that cannot be read', async () => {
  const { erase, file, home } = world();
  writeFileSync(join(home, '.lock'), '1');
  compress(file(0), 'gz');
  writeFileSync(`${file(0)}.gz`, readFileSync(`${file(0)}.gz`).subarray(0, 150));
  const today = await erase(true, dayOf(2));
  assert.deepEqual(
    today.map(({ refused }) => refused?.replace(/^\S+ /, '').slice(0, 16) ?? null),
    ['cannot be erased', null, 'is being written', 'is being written'],
  );
  assert.match(readFileSync(file(3), 'utf8'), /Änn/);
  assert.match((await erase(true))[1]?.refused ?? '', /^$|is being written/);
  rmSync(join(home, '.lock'));
  assert.deepEqual(
    (await erase(true)).map(({ refused }) => refused === null),
    [false, true],
  );
  writeFileSync(join(home, '.manifest.lock'), '1');
  await assert.rejects(erase(true), (error: Error & { code?: string }) => error.code === 'records-in-use');
});

test('broken off anywhere it leaves a chain that holds, and goes on', async () => {
  const done = world();
  await done.erase(true);
  const notes = readFileSync(done.manifest);
  const first = notes.indexOf('\n') + 1;
  for (const [length, changed] of [
    [first - 3, 0],
    [first, 0],
    [first, 1],
    [notes.length, 3],
  ] as const) {
    const { erase, file, home, manifest } = world();
    writeFileSync(manifest, notes.subarray(0, length));
    for (let day = 0; day < changed; day += 1) writeFileSync(file(day), readFileSync(done.file(day)));
    writeFileSync(`${file(changed)}.draft`, 'half');
    assert.deepEqual(kinds(await verified(home)), []);
    await erase(true);
    assert.deepEqual(kinds(await verified(home)), []);
    assert.deepEqual(readFileSync(manifest), notes);
    assert.deepEqual(
      [0, 1, 2, 3].map((day) => readFileSync(file(day))),
      [0, 1, 2, 3].map((day) => readFileSync(done.file(day))),
    );
    assert.ok(!existsSync(`${file(changed)}.draft`));
  }
});

test('whatever a line is, only the whole name changes and every other byte stays', () => {
  const folded = 'user:o\'br"ien.ß@x';
  const spellings = ['user:o\'br"ien.ß@x', 'user:O\'BR"IEN.ß@X'];
  const others = ['user:o\'br"ien.ss@x', 'o\'br"ien.ß@x', 'xuser:o\'br"ien.ß@x', 'user:o\'br"ien.ß@xx', ''];
  const escaped = (text: string) =>
    `"${[...text].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.constantFrom(...spellings, ...others),
          fc.boolean(),
          fc.jsonValue(),
          fc.constantFrom('', ' '),
        ),
        { maxLength: 6 },
      ),
      (parts) => {
        const lineOf = (name: (text: string) => string) =>
          `{${parts.map(([text, isEscaped, value, space], index) => `"k${index}":${space}${isEscaped && name(text) === text ? escaped(text) : JSON.stringify(name(text))},"v${index}":${JSON.stringify(value)}`).join(',')}}\n`;
        const replacer = createReplacer(folded, 'user:erased-1');
        const line = lineOf((text) => text);
        const expected = lineOf((text) => (spellings.includes(text) ? 'user:erased-1' : text));
        assert.equal(replacer.line(line), expected);
        assert.equal(replacer.hits, line === expected ? 0 : 1);
      },
    ),
    { seed: 3, numRuns: 300 },
  );
  const torn = createReplacer('user:ann@x', 'user:erased-1');
  assert.equal(torn.line('{"subject":"user:ann@x","a":"us'), '{"subject":"user:erased-1","a":"us');
  assert.equal(torn.line('{"grants":["of ann@x"]}\n'), '{"grants":["of ann@x"]}\n');
  assert.equal(torn.mentions, 1);
});

test('a login that is a word of its own elsewhere changes nothing there', () => {
  const replacer = createReplacer('user:orders', 'user:erased-1');
  assert.equal(
    replacer.line('{"subject":"user:Orders","groups":["group:orders"],"api":"orders"}'),
    '{"subject":"user:erased-1","groups":["group:orders"],"api":"orders"}',
  );
});

test('a pseudonym is the same for all spellings of a person, and another with another key', () => {
  assert.match(pseudonym, /^user:erased-[0-9a-f]{32}$/);
  assert.equal(pseudonymOf('user:ÄNN@example.com', 'k'.repeat(43)), pseudonym);
  assert.notEqual(pseudonymOf('user:bob', 'k'.repeat(43)), pseudonym);
  assert.notEqual(pseudonymOf(person, 'l'.repeat(43)), pseudonym);
});

test('the key is made once for its owner alone; one that others may read, or that is none, is refused', () => {
  const { root } = world();
  const path = join(root, 'erasure.key');
  assert.equal(erasureKey(path, false), null);
  assert.ok(!existsSync(path));
  const key = erasureKey(path, true);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(erasureKey(path, true), key);
  const refused = (error: Error & { code?: string }) =>
    error.code === 'erasure-key' && !error.message.includes(String(key));
  chmodSync(path, 0o640);
  assert.throws(() => erasureKey(path, true), refused);
  chmodSync(path, 0o600);
  for (const text of ['', 'short', `${'x'.repeat(50)}\n${'y'.repeat(50)}`]) {
    writeFileSync(path, text);
    assert.throws(() => erasureKey(path, true), refused);
  }
});

test('reports that name the person are listed, however they escape the name', async () => {
  const { root } = world();
  const packs = join(root, 'packs');
  mkdirSync(join(packs, 'q1'), { recursive: true });
  writeFileSync(join(packs, 'q1', 'a.json'), JSON.stringify({ who: "user:O'Brien&Söhne" }));
  writeFileSync(join(packs, 'q1', 'b.html'), '<td>o&#39;brien&amp;söhne</td>');
  writeFileSync(join(packs, 'q1', 'c.csv'), 'somebody else\n');
  const found = await findMentions([packs, join(root, 'none')], "user:o'brien&söhne");
  assert.deepEqual(found, [join(packs, 'q1', 'a.json'), join(packs, 'q1', 'b.html')]);
});
