import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgram } from '../../commands/program.ts';
import { readCodes } from '../../docs/generate/codesPage.ts';
import { referencePages } from '../../docs/generate/generate.ts';
import { readMetrics } from '../../docs/generate/metricsPage.ts';
import { schemaTable } from '../../docs/generate/schemaPage.ts';
import { suite } from '../_suite.ts';
import { root } from './_copyRepository.ts';

const test = suite('reference');
const folder = join(root, 'docs', 'reference');
const pages = referencePages();

test('docs/reference/ holds the pages that are generated, and no others', () => {
  assert.deepEqual(readdirSync(folder).sort(), [...pages.keys()].sort());
});

for (const [name, text] of pages) {
  test(`docs/reference/${name} is what the program says (else: npm run docs)`, () => {
    assert.equal(readFileSync(join(folder, name), 'utf8'), text);
  });
}

test('every command and each of its options stands on the page and in the manual', () => {
  const [page = '', manual = ''] = [pages.get('commands.md'), pages.get('grantgate.1')];
  const commands = createProgram().commands.flatMap((one) =>
    one.commands.length > 0 ? one.commands : [one],
  );
  assert.ok(commands.length >= 12);
  for (const command of commands)
    for (const { long } of command.options) {
      assert.ok(page.includes(`${long}`), `${command.name()} ${long}`);
      assert.ok(manual.includes(String(long).replaceAll('-', '\\-')), `${command.name()} ${long}`);
    }
});

test('what an option or argument may be, and is when left out, stands on the page', () => {
  const page = pages.get('commands.md') ?? '';
  assert.match(
    page,
    /`--by <view>` \| what the list goes by: `api`, `person`, `group`, `grant`\. Default: `api`\./,
  );
  assert.match(page, /`shell` \| which one: `bash`, `zsh`, `fish`\./);
  assert.match(page, /`file` \| where `review` notes its runs\. Default: `\.grantgate\/trends\.ndjson`\./);
  assert.match(page, /but for `schemas`, `console` and `completion`, `--json`/);
});

test('the README names every command', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8').replace(/[`,]/g, '');
  for (const command of createProgram().commands)
    assert.match(readme, new RegExp(`(?:^|[·|] )${command.name()}\\b`, 'm'), command.name());
});

test('the manual has no line that would be taken for a request of its own', () => {
  const known = /^\.(?:TH|SH|SS|TP|B|I|PP|nf|fi)\b/;
  const requests = (pages.get('grantgate.1') ?? '').split('\n').filter((line) => /^[.']/.test(line));
  assert.deepEqual(
    requests.filter((line) => !known.test(line)),
    [],
  );
  const mandoc = spawnSync('man', ['-l', '-Tutf8', join(folder, 'grantgate.1')], { encoding: 'utf8' });
  if (mandoc.error === undefined) assert.equal(mandoc.status, 0, mandoc.stderr);
});

test('every metric says what it is', () => {
  for (const { name, help } of ['gateway', 'reviewer'].flatMap((below) => readMetrics(root, below)))
    assert.match(help, /^(?:[A-Z]|1 while ).*\.$/s, name);
});

test('a schema table has nested keys, keys of lists and of names of one’s own, and each default', () => {
  const text = { type: 'string' };
  const table = schemaTable({
    type: 'object',
    required: ['a'],
    properties: {
      a: { ...text, description: 'One | two' },
      b: { type: 'object', properties: { c: { enum: ['x', 'y'], default: 'x' } } },
      d: { type: 'array', items: { type: 'object', required: ['e'], properties: { e: text } } },
      f: { type: 'object', additionalProperties: { type: 'object', properties: { g: { type: 'boolean' } } } },
      h: { anyOf: [text, { type: 'object', properties: { i: text } }] },
      k: { anyOf: [text, { type: 'object', required: ['l'], properties: { l: text } }] },
      m: {
        anyOf: ['n', 'o'].map((key) => ({ type: 'object', required: [key], properties: { [key]: text } })),
      },
    },
  });
  assert.deepEqual(table.split('\n').slice(2), [
    '| `a` | text | required | One \\| two |',
    '| `b` | mapping |  |  |',
    '| `b.c` | `x`, `y` | `"x"` |  |',
    '| `d` | list of mapping |  |  |',
    '| `d[].e` | text | required |  |',
    '| `f` | mapping |  |  |',
    '| `f.NAME` | mapping |  |  |',
    '| `f.NAME.g` | boolean |  |  |',
    '| `h` | text or mapping |  |  |',
    '| `h.i` | text |  |  |',
    '| `k` | text or mapping |  |  |',
    '| `k.l` | text | required |  |',
    '| `m` | mapping |  |  |',
    '| `m.n` | text | one of them |  |',
    '| `m.o` | text | one of them |  |',
  ]);
});

for (const name of ['grants.md', 'gateway.md'])
  test(`each key on docs/reference/${name} is said in words`, () => {
    const rows = (pages.get(name) ?? '').split('\n').filter((line) => line.startsWith('| `'));
    assert.ok(rows.length > 100);
    assert.deepEqual(
      rows.filter((row) => !/\| \S[^|]*\.(?: \|)$/.test(row.replaceAll('\\|', ''))),
      [],
    );
  });

/** Every code that the sources give to an answer or an error. */
function codesInSources(): Set<string> {
  const found = new Set<string>();
  const take = (text: string, pattern: RegExp) => {
    for (const [, code = ''] of text.matchAll(pattern)) found.add(code);
  };
  for (const room of ['bundle', 'gateway', 'reviewer', 'commands'])
    for (const file of readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const text = readFileSync(join(root, room, file), 'utf8').replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
      take(text, /new Refusal\(\s*[^,()']*,\s*'([a-z-]+)'/g);
      take(text, /new \w*Error\(\s*'([a-z]+(?:-[a-z]+)*)'\s*,/g);
      take(text, /readonly code = '([a-z-]+)'/g);
      // A helper that makes refusals or errors by their code, and its calls.
      for (const [, helper = ''] of text.matchAll(
        /(?:const (\w+) = |function )\(?[^=]*?code: \w+[^)]*\)[^=]*=>\s*new (?:Refusal|\w+Error)\(/g,
      ))
        if (helper !== '') take(text, new RegExp(`\\b${helper}\\(\\s*'([a-z-]+)'`, 'g'));
      for (const [, union = ''] of text.matchAll(
        /(?:Code =|readonly code:)((?:\s*(?:\/\/[^\n]*)?\s*\|?\s*'[a-z-]+')+)/g,
      ))
        take(union, /'([a-z-]+)'/g);
    }
  return found;
}

test('every code of an answer or an error is explained, once, and none that is not there', () => {
  const known = Object.values(readCodes()).map((rows) => rows.map(([code]) => code));
  for (const codes of known) assert.equal(new Set(codes).size, codes.length);
  const explained = new Set(known.flat());
  const used = codesInSources();
  assert.ok(used.size > 80);
  assert.deepEqual([...used].filter((code) => !explained.has(code)).sort(), []);
  const everything = readSources();
  assert.deepEqual(
    [...explained].filter((code) => !everything.includes(code)),
    [],
  );
});

/** All that is shipped, as one text. */
function readSources(): string {
  return ['bundle', 'gateway', 'reviewer', 'commands', 'policies']
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(?:ts|rego)$/.test(file))
        .map((file) => readFileSync(join(root, room, file), 'utf8')),
    )
    .join('\n');
}

test('the front page fits a few screens', () => {
  assert.ok(readFileSync(join(root, 'README.md'), 'utf8').split('\n').length <= 150);
});
