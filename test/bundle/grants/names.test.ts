import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { compile } from '../../../bundle/compile/compile.ts';
import { compileTree } from '../../../bundle/compile/compileTree.ts';
import { workingTree } from '../../../bundle/git/tree.ts';
import { load } from '../../../bundle/grants/load.ts';
import { fold, login, principal } from '../../../bundle/grants/names.ts';
import { formatProblem } from '../../../bundle/yaml/problem.ts';
import { identify } from '../../../gateway/identity/identify.ts';
import { readClaims } from '../../../gateway/identity/tokenClaims.ts';
import { indexLines, openIndex } from '../../../gateway/revision/lineIndex.ts';
import { createSlices } from '../../../gateway/revision/slices.ts';
import { headerText } from '../../../gateway/upstream/upstreamRequest.ts';
import { suite } from '../../_suite.ts';
import { type Files, sampleTree } from '../_organisation.ts';

const test = suite('names');

/** What Okta, Entra, GitHub, Keycloak and Active Directory issue, each with another spelling of the same. */
const issued: readonly (readonly [name: string, same: string])[] = [
  ['Ann.Lee@Example.com', 'ann.lee@example.com'],
  ["pat.o'brien@example.com", "Pat.O'Brien@example.com"],
  ['ann_contoso.com#EXT#@fabrikam.onmicrosoft.com', 'Ann_Contoso.com#ext#@fabrikam.onmicrosoft.com'],
  ['jürgen@example.com', 'JU\u0308RGEN@example.com'],
  ['renovate[bot]', 'Renovate[Bot]'],
  ['CORP\\svc "nightly"', 'corp\\SVC "Nightly"'],
  ['Ωμέγας', 'ΩΜΈΓΑΣ'],
  ['李小龙', '李小龙'],
  ['/staff/Domain Admins: EU, 100 %', '/STAFF/domain admins: eu, 100 %'],
];
const files = (people: readonly string[], groups: readonly string[] = []): Files => ({
  'grants/directory/entra.yaml': JSON.stringify({
    provider: 'entra',
    synced: '2026-11-01T00:00:00Z',
    complete: true,
    people: people.map((name, index) => ({ login: name, id: `u${index}`, status: 'active' })),
    groups: groups.map((name) => ({
      name,
      members: [...new Set(people.map((one) => `user:${one.toUpperCase()}`))],
    })),
  }),
});
const loaded = async (changes: Files) => {
  const sample = await sampleTree(changes);
  try {
    const tree = await workingTree(sample.root);
    const { organisation, problems } = await load(tree);
    return {
      organisation,
      problems: problems.map(formatProblem),
      data: organisation && (await compileTree(tree, null)).data,
    };
  } finally {
    await sample.remove();
  }
};

test('folds as Unicode does by simple case folding, each character that there is', () => {
  const others: string[] = [];
  for (let code = 0x20; code < 0x11_0000; code += 1) {
    const character = String.fromCodePoint(code);
    // Surrogates, and the nine tenths that are no character or anybody's own.
    if (/[\p{Cs}\p{Cn}\p{Co}]/u.test(character)) continue;
    const folded = fold(character);
    if (fold(folded) !== folded) others.push(`${code.toString(16)} folds twice`);
    const upper = character.toUpperCase();
    if (character.normalize('NFD') !== character || [...upper].length > 1 || upper === character) continue;
    const same = new RegExp(`^\\u{${code.toString(16)}}$`, 'iu').test(upper);
    if ((fold(upper) === folded) !== same) others.push(`${code.toString(16)} against its upper case`);
  }
  assert.deepEqual(others, []);
  assert.deepEqual([fold('ſ'), fold('ς'), fold('ı'), fold('ẞ')], ['s', 'σ', 'ı', 'ß']);
});

test('a name folds to what it is compared by, whichever way it is composed and however often', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const folded = fold(text);
      assert.equal(fold(folded), folded);
      assert.equal(fold(text.normalize('NFD')), folded);
      assert.equal(fold(text.normalize('NFC')), folded);
    }),
  );
});

test('takes what providers issue, and nothing that would break a line or turn a text', () => {
  for (const [name, same] of issued) {
    assert.equal(fold(name), fold(same));
    for (const spelt of [name, same]) {
      assert.ok(login.safeParse(spelt).success, spelt);
      assert.ok(principal.safeParse(`group:${spelt}`).success, spelt);
    }
  }
  for (const bad of [
    '',
    ' ann',
    'ann ',
    'a\nb',
    'a\u2028b',
    'a\0b',
    'a\u202eb',
    '\ud800',
    'x'.repeat(255),
    '\u00a0a',
  ])
    for (const text of [bad, `user:${bad}`])
      assert.equal((text === bad ? login : principal).safeParse(text).success, false, JSON.stringify(text));
});

test('two of one directory that differ only in case or composition are refused by name', async () => {
  const { problems } = await loaded(
    files(['Ann.Lee@x.example', 'ann.lee@X.example'], ['Domain Admins', 'domain admins']),
  );
  assert.deepEqual(
    problems.map((text) => text.replace(/^[^ ]+ /, '')),
    [
      'the login "ann.lee@X.example" is given twice, first by entra as "Ann.Lee@x.example": names that differ only in case or composition are one',
      'the group "domain admins" is given twice in grants/directory/entra.yaml as "Domain Admins": names that differ only in case or composition are one',
    ],
  );
});

test('a token in any spelling is the person of the directory, its groups and its grants', async () => {
  const grantFor = (name: string, id: string) => ({
    ...{ id, principal: name, api: 'orders', role: 'reader', reason: 'r', owner: 'group:billing' },
    granted: '2026-01-01',
  });
  const { organisation, problems, data } = await loaded({
    ...files(
      issued.map(([name]) => name),
      ['Domain Admins'],
    ),
    'grants/access/orders/named.yaml': JSON.stringify([
      ...issued.map(([, same], index) => grantFor(`user:${same}`, `named-${index}`)),
      grantFor('group:DOMAIN ADMINS', 'named-group'),
    ]),
  });
  assert.deepEqual(problems, []);
  assert.ok(organisation && data);
  assert.deepEqual(Buffer.from(data), compile(organisation), 'compiled file by file or as a whole');
  assert.equal(organisation.grants.find(({ id }) => id === 'named-0')?.principal, 'user:Ann.Lee@Example.com');
  const lines = openIndex(indexLines(Buffer.from(data)));
  const slices = createSlices({ lines });
  const whole = JSON.parse(Buffer.from(data).toString());
  issued.forEach(([name, same], index) => {
    for (const spelt of [name, same]) {
      const claims = readClaims(
        { sub: spelt },
        'jwt',
        { issuer: 'https://i.example', login_claim: 'sub', groups: 'directory' },
        0,
      );
      const identity =
        claims &&
        identify({ ...claims, id: spelt, bytes: 600 }, {
          jwtSubjects: new Map(),
          jwtClaims: new Map(),
        } as never);
      assert.ok(identity, spelt);
      const known = slices.principal(identity.subject);
      assert.deepEqual(known, { active: true, groups: ['group:domain admins'] }, spelt);
      const slice = JSON.parse(
        Buffer.from(slices.slice('orders', identity.subject, known?.groups ?? [])).toString(),
      );
      assert.deepEqual(
        Object.keys(slice.grants.orders).sort(),
        [identity.subject, 'group:domain admins'].sort(),
      );
      for (const holder of Object.keys(slice.grants.orders))
        assert.deepEqual(slice.grants.orders[holder], whole.grants.orders[holder]);
      assert.equal(slice.grants.orders[identity.subject][0].id, `named-${index}`);
    }
  });
  assert.equal(slices.principal('user:nobody"'), null);
});

test('a header carries any name in visible ASCII, and gives it back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const text = headerText(name);
      assert.match(text, /^[\x21-\x2b\x2d-\x7e]*$/);
      assert.equal(decodeURIComponent(text), name);
    }),
  );
  assert.equal(headerText('user:ann+1@example.com'), 'user:ann+1@example.com');
  assert.equal(headerText('group:a, b%'), 'group:a%2C%20b%25');
});
