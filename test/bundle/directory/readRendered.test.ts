import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { readAccounts } from '../../../bundle/directory/readAccounts.ts';
import { readRendered } from '../../../bundle/directory/readRendered.ts';
import { type DirectoryText, renderDirectory } from '../../../bundle/directory/renderDirectory.ts';
import { readDirectory } from '../../../bundle/grants/readGrants.ts';
import { parseYaml } from '../../../bundle/yaml/parseYaml.ts';
import { suite } from '../../_suite.ts';

const test = suite('readRendered');

/** Names as hostile as a provider could have them. */
const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
  fc.constantFrom(
    'true',
    'null',
    'no',
    '1e3',
    '- a',
    'a: b',
    '# c',
    '"',
    '\\',
    '\u007f',
    '\u0085',
    '\ufffe\uffff',
    '\u2028',
    '\ufeffx',
    "o'b",
    '*a',
    '&a',
    '<<',
    '__proto__',
    '~',
    '{}',
    'a\nb',
    ' a ',
  ),
);
const wellFormed = name.filter((text) => text.isWellFormed());
const directory: fc.Arbitrary<DirectoryText> = fc.record({
  provider: fc.constantFrom('okta', 'entra-2', 'a1'),
  synced: fc.constantFrom('2026-11-23T03:00:00Z', '2026-11-23T03:00:00.5+02:00'),
  complete: fc.boolean(),
  people: fc.array(
    fc.record(
      {
        login: wellFormed,
        id: wellFormed,
        status: fc.constantFrom('active', 'suspended', 'deprovisioned'),
        manager: wellFormed,
        last_sign_in: fc.constant('2026-11-20T08:12:44Z'),
      },
      { requiredKeys: ['login', 'id', 'status'] },
    ),
    { maxLength: 4 },
  ),
  groups: fc.array(
    fc.record(
      { name: wellFormed, id: wellFormed, members: fc.array(wellFormed, { maxLength: 4 }) },
      { requiredKeys: ['name', 'members'] },
    ),
    { maxLength: 4 },
  ),
});
const rendered = (given: DirectoryText) => String(renderDirectory(given));
/** What of a directory says who is active. */
const standing = ({ provider, synced, complete, people }: DirectoryText) => ({
  ...{ provider, synced, complete },
  people: people.map(({ login, id, status }) => ({ login, id, status })),
});
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

test('what is rendered is read back to the same directory, by YAML and by the short ways', () => {
  fc.assert(
    fc.property(directory, (given) => {
      const text = rendered(given);
      const parsed = parseYaml(text, 'x.yaml');
      assert.deepEqual(parsed.problems, []);
      assert.deepEqual(plain(parsed.value), plain(given));
      assert.deepEqual(plain(readRendered(Buffer.from(text))), plain(given));
      assert.deepEqual(readAccounts(Buffer.from(text)), standing(given));
    }),
    { numRuns: 150 },
  );
});

test('the short ways never read another text otherwise than YAML does', () => {
  const piece = fc.constantFrom(
    '\n',
    ' ',
    '"',
    '#',
    '-',
    ':',
    'true',
    '1',
    '0x1f',
    '---\n',
    '&a ',
    '*a',
    '!t ',
    '\t',
    '\r',
    'people: []\n',
    'complete: yes\n',
    '  - login: "z"\n',
    '    id: 7\n',
    '    status: null\n',
  );
  let [taken, known] = [0, 0];
  fc.assert(
    fc.property(directory, fc.nat(), fc.nat({ max: 5 }), piece, (given, at, length, inserted) => {
      const text = rendered(given);
      const place = at % (text.length + 1);
      const changed = (text.slice(0, place) + inserted + text.slice(place + length)).toWellFormed();
      const who = readAccounts(Buffer.from(changed));
      if (who !== null) {
        const { value, problems } = parseYaml(changed, 'x.yaml');
        assert.deepEqual(problems, [], changed);
        assert.deepEqual(who, standing(value as DirectoryText), changed);
        known += 1;
      }
      const read = readRendered(Buffer.from(changed));
      if (read === null) return;
      taken += 1;
      const parsed = parseYaml(changed, 'x.yaml');
      assert.deepEqual(parsed.problems, [], changed);
      assert.deepEqual(plain(parsed.value), plain(read), changed);
    }),
    { numRuns: 1000 },
  );
  assert.ok(taken > 15 && known > 15, `${taken} ${known}`);
});

test('words that YAML takes for something else are not read as text', () => {
  const base = rendered({
    provider: 'okta',
    synced: '2026-11-23T03:00:00Z',
    complete: true,
    people: [],
    groups: [],
  });
  assert.ok(readRendered(Buffer.from(base)));
  for (const word of [
    '1e3',
    '0x1f',
    '0o7',
    'null',
    'true',
    '12',
    '1.5',
    '.inf',
    '.nan',
    '-1',
    '~',
    '"a"',
    "'a'",
    'a: b',
    'a #b',
    '&a b',
    '2026',
  ]) {
    const changed = Buffer.from(base.replace('provider: okta', `provider: ${word}`));
    assert.equal(readRendered(changed), null, word);
    assert.equal(readAccounts(changed), null, word);
  }
});

test('problems of a rendered directory still have their places', () => {
  const person = { login: 'ann', id: '1', status: 'active' };
  const bad = rendered({
    provider: 'okta',
    synced: '2026-11-23T03:00:00Z',
    complete: true,
    people: [person, { ...person, login: ' x' }],
    groups: [],
  });
  const { value, problems } = readDirectory(Buffer.from(bad), 'grants/directory/okta.yaml');
  assert.equal(value, undefined);
  assert.deepEqual(
    problems.map(({ line, column }) => [line, column]),
    [[10, 12]],
  );
  const good = readDirectory(Buffer.from(bad.replace('" x"', '"eve"')), 'grants/directory/okta.yaml');
  assert.equal(good.value?.people.length, 2);
  assert.deepEqual(good.places.value(['people', 1, 'login'])?.line, 10);
});
