import assert from 'node:assert/strict';
import fc from 'fast-check';
import { marked } from 'marked';
import { outcomeOf } from '../../../reviewer/check/outcome.ts';
import { mostFileBytes, type PullCheck, readPullCheck } from '../../../reviewer/check/pullCheck.ts';
import { annotationsOf, renderCheck } from '../../../reviewer/check/renderCheck.ts';
import { settleApprovals } from '../../../reviewer/check/settleApprovals.ts';
import { suite } from '../../_suite.ts';
import { checkOf, replayOf } from './_check.ts';

const test = suite('check of a pull request: file, words, approvals');

const read = (value: unknown) => readPullCheck(Buffer.from(JSON.stringify(value)));
const person = (login: string, github: string, status: 'active' | 'suspended' = 'active') =>
  [login, { login, id: login, status, github, provider: 'okta' }] as const;
const directory = {
  people: new Map([
    person('ann@example.com', 'Ann-GH'),
    person('dana@example.com', 'dana'),
    person('bob@example.com', 'bob', 'suspended'),
    person('eve@example.com', 'eve'),
  ]),
  memberships: new Map([
    ['user:ann@example.com', ['group:desk']],
    ['user:dana@example.com', ['group:desk', 'group:night']],
    ['user:bob@example.com', ['group:desk']],
    ['user:eve@example.com', ['group:other']],
  ]),
};
const needed = { rule: 'owner-approval', api: 'payments', approval_of: 'group:desk' };
const render = (check: PullCheck) => {
  const settled = settleApprovals(check, null, directory);
  return renderCheck(check, settled, outcomeOf(check, settled, true));
};

test('a file that is not in form is refused, and nothing of it is repeated', () => {
  assert.deepEqual(read(checkOf({ replay: replayOf() })).replay, replayOf());
  const secret = 'S3CRET';
  const effect = { subject: 'a', api: 'b', operation: 'c', requests: 1, first: 1, last: 2, grants: [] };
  const finding = { rule: 'must-end', level: 'failure' as const, message: 'x', place: null };
  const rows = Array.from({ length: 201 }, () => ({ who: 'a', what: 'b', by: [], moreBy: 0 }));
  for (const wrong of [
    null,
    [],
    { ...checkOf(), [secret]: 1 },
    checkOf({ head: secret }),
    { ...checkOf(), version: 2 },
    checkOf({ failures: -1 }),
    checkOf({
      replay: replayOf({ ending: { requests: 1, callers: 1, by: [{ ...effect, why: secret }], more: 0 } }),
    }),
    checkOf({ findings: [{ ...finding, message: secret.repeat(1000) }] }),
    checkOf({ findings: [{ ...finding, rule: `x\n${secret}` }] }),
    checkOf({ problems: [{ path: `../${secret}`, line: 1, level: 'failure', message: 'x' }] }),
    checkOf({ problems: [{ path: `/etc/${secret}`, line: 1, level: 'failure', message: 'x' }] }),
    checkOf({ problems: [{ path: `a\u001b${secret}`, line: 1, level: 'failure', message: 'x' }] }),
    checkOf({ problems: [{ path: 'a', line: 0, level: 'failure', message: 'x' }] }),
    checkOf({ access: { summary: 'x', rows, more: 0, notes: [], moreNotes: 0 } }),
  ])
    assert.throws(
      () => read(wrong),
      (error: Error & { code?: string }) => error.code === 'check-invalid' && !error.message.includes(secret),
    );
  for (const bytes of [Buffer.from('{'), Buffer.from([0xff, 0x22]), Buffer.alloc(mostFileBytes + 1, 0x20)])
    assert.throws(() => readPullCheck(bytes), { code: 'check-invalid' });
});

const attacks = [
  '@everyone',
  '![x](https://evil.example/p.png)',
  '[click](https://evil.example)',
  '<script>alert(1)</script><img src=x onerror=y>',
  'https://evil.example',
  'www.evil.example',
  '#1 fixes #2',
  'a|b\n| --- |\n# heading',
  '``` `x` ```',
  '<!-- grantgate:check -->',
  '-->\n**bold**',
  '\u202eevil\u001b[2J',
];

test('what a fork has written is only text: no link, image, mention, markup or mark of ours', () => {
  const text = fc.array(fc.constantFrom(...attacks, 'a', ' ', '`', '\\', '\n'), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(text, (parts) => {
      const bad = parts.join('').slice(0, 90);
      const effect = {
        subject: bad,
        api: bad,
        operation: bad,
        requests: 1,
        first: 1,
        last: 2,
        grants: [bad],
        why: bad,
      };
      const all = { requests: 1, callers: 1, by: [{ ...effect, why: '1' }], more: 0 };
      const check = checkOf({
        problems: [{ path: 'grants/a`b|c@x', line: 1, level: 'warning', message: bad }],
        findings: [{ rule: 'a-rule', level: 'warning', message: bad, place: { path: 'grants/x', line: 2 } }],
        access: {
          summary: bad,
          rows: [{ who: bad, what: bad, by: [bad], moreBy: 2 }],
          more: 0,
          notes: [bad],
          moreNotes: 0,
        },
        requirements: [{ rule: 'a-rule', api: bad, approval_of: bad }],
        gainers: [{ api: bad, who: [bad] }],
        replay: replayOf({ denied: { ...all, by: [effect] }, unproven: all, ending: all, allowed: all }),
      });
      const html = marked.parse(render(read(check)), { async: false }).replaceAll(/<code>[^<]*<\/code>/g, '');
      const tags = [...html.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, name]) => name);
      const ours = /^(?:h3|h4|p|ul|li|table|thead|tbody|tr|th|td|strong|sub|input)$/;
      assert.deepEqual(
        tags.filter((name) => !ours.test(name ?? '')),
        [],
      );
      const plain = html.replaceAll('<!-- -->', '\n').replaceAll('\n', '');
      const apart = html.replaceAll('<!-- -->', '⁂');
      assert.ok(!/@everyone|:\/\/evil|(?:^|[\s*_~(])www\.|grantgate:check -->/.test(apart), apart);
      assert.ok(!/\p{Cc}/u.test(plain));
    }),
    // The last is linked by renderers that do not ask what stands before a name.
    { numRuns: 150, examples: [[['@everyone', 'www.evil.example', '@everyone']]] },
  );
});

test('it is within the limits of a comment and a summary, whatever it holds, and says what it leaves out', () => {
  const long = (length: number) => '*'.repeat(length);
  const rows = Array.from({ length: 200 }, () => ({
    who: long(1000),
    what: long(4000),
    by: [long(500)],
    moreBy: 9,
  }));
  const effect = {
    subject: long(500),
    api: long(500),
    operation: long(500),
    requests: 1,
    first: 1,
    last: 2,
    grants: [],
    why: long(500),
  };
  const all = { requests: 20, callers: 20, by: Array.from({ length: 20 }, () => effect), more: 980 };
  const ending = { ...all, by: all.by.map((one) => ({ ...one, why: '7' })) };
  const problem = { path: 'x'.repeat(900), line: 1, level: 'failure' as const, message: long(2000) };
  const place = { path: 'grants/x', line: 1 };
  const check = read(
    checkOf({
      ...{ problems: Array.from({ length: 500 }, () => problem), moreProblems: 7, failures: 507 },
      access: {
        summary: long(500),
        rows,
        more: 800,
        notes: Array.from({ length: 50 }, () => long(4000)),
        moreNotes: 3,
      },
      findings: Array.from({ length: 500 }, () => ({
        rule: 'must-end',
        level: 'failure' as const,
        message: long(2000),
        place,
      })),
      findingFailures: 500,
      requirements: Array.from({ length: 200 }, () => ({
        rule: 'r',
        api: long(100),
        approval_of: long(500),
      })),
      replay: replayOf({ denied: all, unproven: all, ending, allowed: all }),
    }),
  );
  const text = render(check);
  assert.ok(Buffer.byteLength(text) <= 65_000, String(Buffer.byteLength(text)));
  assert.match(text, /… and \d+ more/);
  assert.match(text, /80 of 9 allowed|20 of 9 allowed requests would now be denied/);
  assert.equal(annotationsOf(check).length, 1000);
});

test('an approval counts from the owner or its group, of the commit, by nobody who wrote it or gains by it', () => {
  const check = checkOf({
    requirements: [needed],
    gainers: [{ api: 'payments', who: ['user:ann@example.com'] }],
  });
  const by = (approvals: string[], authors: string[] = ['eve']) =>
    settleApprovals(check, { authors, approvals }, directory).met.map((one) => one.by);
  assert.deepEqual(by(['dana']), ['user:dana@example.com']);
  assert.deepEqual(by(['DANA']), ['user:dana@example.com']);
  for (const [approvals, authors] of [
    [[], ['eve']],
    [['eve'], ['somebody']],
    [['bob'], ['eve']],
    [['ann-gh'], ['eve']],
    [['dana'], ['dana']],
    [['dana'], ['eve', 'Dana']],
    [['stranger'], ['eve']],
    [['group:desk', 'user:dana@example.com'], ['eve']],
  ] as const)
    assert.deepEqual(by([...approvals], [...authors]), []);
  // Whose own access it is says nothing of it, though they are of the group that answers.
  const own = { ...needed, rule: 'self-review', except: 'user:dana@example.com' };
  const settledOwn = settleApprovals(
    checkOf({ requirements: [own] }),
    { authors: ['eve'], approvals: ['dana'] },
    directory,
  );
  assert.deepEqual([settledOwn.met, settledOwn.missing], [[], [own]]);
  assert.match(render(read(checkOf({ requirements: [own] }))), /that is only .*'s is certified or prolonged/);
  const owned = checkOf({ requirements: [{ ...needed, approval_of: 'user:eve@example.com' }] });
  assert.equal(
    settleApprovals(owned, { authors: ['dana'], approvals: ['eve'] }, directory).missing.length,
    0,
  );
});

test('of a name on the forge that two people have, an author is both of them, and who approves by it nobody', () => {
  const ann = directory.people.get('ann@example.com') ?? assert.fail();
  const dana = directory.people.get('dana@example.com') ?? assert.fail();
  const second = (login: string, github: string) => ({ ...ann, login, github });
  const people = new Map(directory.people);
  for (const one of [second('zoe', 'ANN-gh'), second('yan', 'Dana')]) people.set(one.login, one);
  const check = checkOf({
    requirements: [needed],
    gainers: [{ api: 'payments', who: ['user:ann@example.com'] }],
  });
  const settled = (authors: string[], approvals: string[]) =>
    settleApprovals(check, { authors, approvals }, { ...directory, people });
  assert.deepEqual(settled(['ann-gh'], ['dana']).refused, [
    { author: 'user:ann@example.com', api: 'payments' },
  ]);
  assert.deepEqual(settled(['eve'], ['dana']).met, []);
  people.set('yan', { ...second('yan', 'Dana'), status: 'suspended' });
  assert.deepEqual(settled(['eve'], ['dana']).met, [{ requirement: needed, by: `user:${dana.login}` }]);
  // A login of another provider is nobody's name on the forge.
  const { github: _, ...unnamed } = ann;
  const bySam = (provider: string) => {
    const sam = new Map([['sam', { ...unnamed, login: 'sam', provider }]]);
    const asked = checkOf({ requirements: [{ ...needed, approval_of: 'user:sam' }] });
    return settleApprovals(asked, { authors: [], approvals: ['sam'] }, { ...directory, people: sam }).met
      .length;
  };
  assert.deepEqual([bySam('okta'), bySam('github')], [0, 1]);
});

test('who opens a pull request by which it gains access to a guarded API is refused, unless the rules let it', () => {
  const check = checkOf({
    requirements: [needed],
    gainers: [{ api: 'payments', who: ['user:ann@example.com'] }],
  });
  const people = { authors: ['ann-gh'], approvals: ['dana'] };
  const refused = settleApprovals(check, people, directory);
  assert.deepEqual(refused.refused, [{ author: 'user:ann@example.com', api: 'payments' }]);
  assert.equal(outcomeOf(check, refused, true).conclusion, 'failure');
  assert.deepEqual(settleApprovals(check, { ...people, authors: ['eve'] }, directory).refused, []);
  const approved = settleApprovals({ ...check, selfGrant: 'approve' }, people, directory);
  assert.deepEqual(outcomeOf(check, approved, true).conclusion, 'success');
});

test('where too many gain to be named, each may be one of them', () => {
  const check = checkOf({
    requirements: [needed],
    gainers: [{ api: 'payments', who: [] }],
    gainersCut: true,
  });
  const { missing, refused } = settleApprovals(check, { authors: ['eve'], approvals: ['dana'] }, directory);
  assert.deepEqual([missing, refused.map(({ author }) => author)], [[needed], ['user:eve@example.com']]);
});

test('the worst of all counts, and what a fork found to be fine is not fine yet', () => {
  const conclusion = (check: PullCheck, approvals: string[] = [], trusted = true) =>
    outcomeOf(check, settleApprovals(check, { authors: ['eve'], approvals }, directory), trusted).conclusion;
  assert.equal(conclusion(checkOf()), 'success');
  assert.equal(conclusion(checkOf(), [], false), 'action_required');
  assert.equal(conclusion(checkOf({ failures: 1 }), [], false), 'failure');
  assert.equal(conclusion(checkOf({ findingFailures: 1 })), 'failure');
  assert.equal(conclusion(checkOf({ access: null })), 'failure');
  assert.equal(conclusion(checkOf({ requirements: [needed] })), 'action_required');
  assert.equal(conclusion(checkOf({ requirements: [needed] }), ['dana']), 'success');
});
