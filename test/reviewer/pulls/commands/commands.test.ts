import * as assert from 'node:assert/strict';
import fc from 'fast-check';
import { marked } from 'marked';
import { workingTree } from '../../../../bundle/git/tree.ts';
import { load } from '../../../../bundle/grants/load.ts';
import { decide } from '../../../../reviewer/pulls/commands/decide.ts';
import { type Command, parseCommands } from '../../../../reviewer/pulls/commands/parse.ts';
import type { Commenter } from '../../../../reviewer/pulls/commands/permission.ts';
import { principalOf, refusal } from '../../../../reviewer/pulls/commands/permission.ts';
import { readComment } from '../../../../reviewer/pulls/commands/readComment.ts';
import { renderReply } from '../../../../reviewer/pulls/commands/renderReply.ts';
import type { Entry } from '../../../../reviewer/pulls/text/marker.ts';
import { suite } from '../../../_suite.ts';
import { access, base, place } from '../../_review.ts';

const test = suite('commands in comments');

/** A command as it is written. */
function renderCommand(command: Command): string {
  const grant = 'grant' in command && command.grant !== null ? ` ${command.grant}` : '';
  switch (command.verb) {
    case 'keep':
    case 'extend':
      return `/${command.verb}${grant} ${command.until} ${command.reason}`;
    case 'narrow':
      return `/narrow${grant}${command.to === null ? '' : ` ${command.to}`}`;
    case 'reassign':
      return `/reassign${grant} ${command.owner}`;
    default:
      return `/${command.verb}${grant}`;
  }
}
const grants = ['orders-read', 'orders-write'];

test('what names a grant from here and is no command is answered, and commands of other programs are not', () => {
  const { commands, misuses } = parseCommands(
    '/snooze orders-read 30d\n/Keep orders-read 2027-03-31 x\n/snooze\n/lgtm\n/exempt others-read\n/assign @ann',
    grants,
  );
  assert.deepEqual(commands, []);
  assert.deepEqual(misuses, [
    { line: '/snooze orders-read 30d', problem: 'there is no such command, `/help` lists them' },
    {
      line: '/Keep orders-read 2027-03-31 x',
      problem: 'there is no such command (did you mean "keep"?), `/help` lists them',
    },
  ]);
});

test('reads what stands alone in a line, and nothing that is only shown', () => {
  const text = [
    'I looked at it.',
    '/keep orders-read 2027-03-31 the audit runs until then',
    '  /revoke orders-write',
    'please /revoke orders-write',
    '> /revoke orders-write',
    '```',
    '/revoke orders-write',
    '```',
    '<!--',
    '/revoke orders-write',
    '-->',
    '/cc @ann',
    '/suspend\r',
    '/narrow orders-write reader',
  ].join('\n');
  assert.deepEqual(parseCommands(text, grants), {
    commands: [
      { verb: 'keep', grant: 'orders-read', until: '2027-03-31', reason: 'the audit runs until then' },
      { verb: 'suspend', grant: null },
      { verb: 'narrow', grant: 'orders-write', to: 'reader' },
    ],
    misuses: [],
  });
});

test('what is shown as code or as somebody else’s is asked of nobody, however it is written', () => {
  const asked = (lines: readonly string[], end = '\n') =>
    parseCommands(lines.join(end), grants).commands.length;
  for (const shown of [
    // Only a fence with nothing behind it closes another.
    ['```sh', '``` not yet', '/revoke', '```'],
    ['````', '```', '/revoke', '````'],
    ['~~~', '```', '/revoke', '~~~'],
    ['```', '/revoke'],
    ['    /revoke'],
    ['\t/revoke'],
    ['`', '/revoke', '`'],
    ['Write ``a', '/revoke', '`` here'],
    ['<pre>', '/revoke', '</pre>'],
    ['<PRE class="x"><code>', '', '/revoke', '</code></PRE>'],
    ['<blockquote>', '/revoke', '</blockquote>'],
    ['<!--', '/revoke'],
    ['> a', '> /revoke'],
    ['/ revoke'],
    ['/REVOKE'],
    ['\u00a0/revoke'],
    ['/revoke\u200b'],
  ])
    for (const end of ['\n', '\r\n', '\r']) assert.equal(asked(shown, end), 0, JSON.stringify(shown));
  for (const said of [
    ['```', 'code', '```', '/revoke'],
    ['~~~ `', '~~~', '/revoke'],
    ['`', '', '/revoke', '', '`'],
    ['`a` and `b`', '/revoke'],
    ['\\`', '/revoke', '`'],
    ['<pre>x</pre>', '/revoke'],
    ['<b>', '/revoke', '</b>'],
    ['> a', '', '/revoke'],
    ['/revoke   '],
  ])
    for (const end of ['\n', '\r\n', '\r']) assert.equal(asked(said, end), 1, JSON.stringify(said));
  assert.deepEqual(parseCommands('/keep 2027-03-31 as `x` says', grants).commands, [
    { verb: 'keep', grant: null, until: '2027-03-31', reason: 'as `x` says' },
  ]);
});

test('says of each misuse what is wrong with it', () => {
  for (const [line, problem] of [
    ['/keep', /UNTIL must be a day/],
    ['/keep 2027-02-30 why', /UNTIL must be a day/],
    ['/keep 2027-03-31', /a reason is missing/],
    ['/keep other-grant 2027-03-31 why', /holds no grant `other-grant`/],
    ['/extend orders-read soon why', /UNTIL must be a day/],
    ['/revoke other-grant', /holds no grant/],
    ['/reassign orders-read', /\/reassign/],
    ['/reassign nobody', /\/reassign/],
    ['/narrow orders-read a b', /\/narrow/],
    [`/keep 2027-03-31 ${'x'.repeat(501)}`, /longer than 500/],
  ] as const) {
    const { commands, misuses } = parseCommands(line, grants);
    assert.deepEqual(commands, [], line);
    assert.match(misuses[0]?.problem ?? '', problem, line);
  }
});

test('whatever is written, the answer has room in a comment and mentions nobody else', () => {
  for (const line of [
    `/keep 2027-03-31 ${'r'.repeat(60_000)}`,
    `/narrow ${'@x/y '.repeat(300)}`,
    `/why ${'`@acme/all` '.repeat(150)}`,
    `/suspend ${'<b>'.repeat(600)}`,
    `/keep ${'`'.repeat(1900)} 2027-03-31 r`,
  ]) {
    const { commands, misuses } = parseCommands(`${line}\n\n`.repeat(30), grants);
    assert.deepEqual(commands, [], line.slice(0, 20));
    const reply = renderReply('eve', { replies: [], misuses, asks: true }) ?? '';
    assert.ok(reply.length < 65_536, `${line.slice(0, 20)} ${reply.length}`);
    const html = String(marked.parse(reply, { async: false })).replace(/<code>[^<]*<\/code>/g, '');
    assert.deepEqual(html.match(/@[\w/-]+|<b>/g), ['@eve'], line.slice(0, 20));
  }
});

test('a command reads back as it was written', () => {
  const grant = fc.constantFrom(null, ...grants);
  const day = fc
    .date({ min: new Date('2027-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10));
  const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9._-]{0,20}$/).filter((name) => !grants.includes(name));
  const reason = fc
    .array(fc.stringMatching(/^[^\s`<>~]{1,10}$/u), { minLength: 1, maxLength: 6 })
    .map((words) => words.join(' '));
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc.record({ verb: fc.constantFrom('keep' as const, 'extend' as const), grant, until: day, reason }),
    fc.record({ verb: fc.constant('narrow' as const), grant, to: fc.option(word) }),
    fc.record({
      verb: fc.constantFrom('revoke' as const, 'suspend' as const, 'split' as const, 'why' as const),
      grant,
    }),
    fc.record({ verb: fc.constant('reassign' as const), grant, owner: word.map((name) => `group:${name}`) }),
    fc.constant({ verb: 'help' as const }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 4 }), (made) => {
      const commands = made.map((one) => ({ ...one }));
      const text = commands.map(renderCommand).join('\n');
      assert.deepEqual(parseCommands(text, grants), { commands, misuses: [] });
    }),
  );
});

const okta = (base['grants/directory/okta.yaml'] ?? '')
  .replace('id: 00u1,', 'id: 00u1, github: ann,')
  .replace('id: 00u2,', 'id: 00u2, github: bob,')
  .replace('id: 00u4,', 'id: 00u4, github: Dana, manager: lena,')
  .replace(
    'groups:',
    '  - { login: lena, id: 00u5, status: active, github: lena-of-acme }\n  - { login: max, id: 00u6, status: active, github: max }\ngroups:',
  );
const here = await place({
  ...access([
    { id: 'orders-read', principal: 'user:ann@example.com' },
    { id: 'orders-write', principal: 'service:invoicer', rest: 'role: editor' },
    { id: 'of-solo', principal: 'group:solo' },
    { id: 'of-desk', principal: 'group:desk' },
    { id: 'of-lena', principal: 'user:lena', owner: 'group:night' },
    { id: 'of-pair', principal: 'group:pair' },
    { id: 'other', principal: 'service:invoicer', owner: 'group:night', rest: 'role: editor' },
  ]),
  'grants/directory/okta.yaml': `${okta}  - { name: solo, members: ["user:ann@example.com"] }
  - { name: pair, members: ["user:ann@example.com", "user:bob@example.com"] }
  - { name: both, members: ["user:ann@example.com", "user:dana@example.com"] }
  - { name: gone, members: ["user:bob@example.com", "user:cleo@example.com"] }
`,
});
test.after(() => here.remove());
const { organisation } = await load(await workingTree(here.root));
if (organisation === null) throw new Error('the organisation cannot be read');

const entry = (grant: string, changes: Partial<Entry> = {}): Entry => ({
  fingerprint: 'a'.repeat(32),
  ...{ grant, api: 'orders', detector: 'never-used', action: 'revoke' },
  ...changes,
});
const entries = [entry('orders-read'), entry('orders-write'), entry('other')];
const ann: Commenter = { login: 'ann', principal: 'user:ann@example.com', mayWrite: false };
const dana: Commenter = { login: 'dana', principal: 'user:dana@example.com', mayWrite: false };
const lena: Commenter = { login: 'lena-of-acme', principal: 'user:lena', mayWrite: false, isAsked: true };
const stranger: Commenter = { login: 'eve', principal: null, mayWrite: false };
const at = '2026-11-23T12:00:00Z';

function said(text: string, who: Commenter, held: readonly Entry[] = entries, on = at) {
  const { commands } = parseCommands(
    text,
    held.map(({ grant }) => grant),
  );
  const marker = { entries: held, as_of: at };
  const { entries: after, split, replies } = decide(commands, { who, at: on, marker, organisation: org });
  return {
    decided: after.flatMap(({ grant, decision }) =>
      decision === undefined ? [] : [`${grant}: ${decision.kind}`],
    ),
    split: split.map(({ grant }) => grant),
    replies: replies.join('\n'),
  };
}
const org = organisation;

test('owners decide by the directory, whoever may push decides, others do not', () => {
  const revoke = (who: Commenter, grant = 'orders-write') => said(`/revoke ${grant}`, who);
  assert.deepEqual(revoke(dana), { decided: ['orders-write: revoke'], split: [], replies: '' });
  assert.deepEqual(revoke({ ...stranger, mayWrite: true }).decided, ['orders-write: revoke']);
  assert.deepEqual(revoke(stranger).decided, []);
  assert.match(revoke(stranger).replies, /only its owner, by the directory, .* or who may push/);
  // Beside the night shift: the desk, which answers for the API, and whom the night shift reports to.
  for (const login of ['ann', 'lena-of-acme']) {
    const inPlace: Commenter = { login, principal: principalOf(login, org), mayWrite: false };
    assert.deepEqual(revoke(inPlace, 'other').decided, []);
    inPlace.isAsked = true;
    assert.deepEqual(revoke(inPlace, 'other').decided, ['other: revoke']);
    assert.deepEqual(said('/keep other 2027-03-31 why', inPlace).decided, ['other: keep']);
  }
  const max: Commenter = { login: 'max', principal: principalOf('max', org), mayWrite: false, isAsked: true };
  assert.equal(max.principal, 'user:max');
  assert.match(revoke(max, 'other').replies, /only its owner, .* whoever was asked here in their place,/);
  assert.deepEqual(revoke(dana, 'other').decided, ['other: revoke']);
  assert.equal(principalOf('DANA', org), 'user:dana@example.com');
  assert.equal(principalOf('bob', org), null);
  // Whose account the directory has as suspended decides nothing, whatever the forge still lets them.
  const suspended: Commenter = { login: 'Bob', principal: principalOf('Bob', org), mayWrite: true };
  for (const text of ['/revoke orders-write', '/keep orders-write 2027-03-31 why', '/split other']) {
    assert.deepEqual(said(text, suspended).decided.concat(said(text, suspended).split), [], text);
    assert.match(said(text, suspended).replies, /the account of `Bob` as closed/, text);
  }
  assert.match(said('/why other', suspended).replies, /never_used\.rego/);
  // A deleted account has no name; of one person only the directory does not say it.
  const { github: _, ...nameless } = org.people.get('dana@example.com') ?? assert.fail();
  const ghosts = { people: new Map([[nameless.login, nameless]]) };
  assert.equal(principalOf('', ghosts), null);
});

test('nobody keeps access of their own, by whatever name; giving it up is anybody’s right who owns it', () => {
  for (const text of [
    '/keep orders-read 2027-03-31 mine',
    '/extend orders-read 2027-03-31 mine',
    '/narrow orders-read list',
    '/reassign orders-read group:night',
  ]) {
    assert.deepEqual(said(text, { ...ann, mayWrite: true }).decided, [], text);
    assert.match(said(text, ann).replies, /your own access/, text);
    // Also when the directory cannot tell who it is.
    assert.deepEqual(said(text, { login: 'ann', principal: null, mayWrite: true }).decided, [], text);
    assert.equal(said(text, dana).decided.length, 1, text);
  }
  assert.deepEqual(said('/revoke orders-read', ann).decided, ['orders-read: revoke']);
  // Nor does whoever the owner reports to.
  assert.match(said('/keep of-lena 2027-03-31 mine', lena, [entry('of-lena')]).replies, /your own access/);
  // A group of one is that one; a group of several answers for itself.
  const keep = (grant: string, who: Commenter) =>
    said(`/keep ${grant} 2027-03-31 ours`, who, [entry('of-solo'), entry('of-desk'), entry('of-pair')]);
  assert.match(keep('of-solo', { ...ann, mayWrite: true }).replies, /your own access/);
  assert.equal(keep('of-solo', dana).decided.length, 1);
  // Whose account is paused uses nothing beside them.
  assert.match(keep('of-pair', { ...ann, mayWrite: true }).replies, /your own access/);
  assert.equal(keep('of-pair', dana).decided.length, 1);
  assert.equal(keep('of-desk', ann).decided.length, 1);
  // All or nothing.
  assert.deepEqual(said('/keep 2027-03-31 all of it', dana).decided.length, 3);
  assert.deepEqual(said('/keep 2027-03-31 all of it', ann).decided, []);
});

test('a name on the forge that is given to a second person does not make access anybody else’s', () => {
  const dana = org.people.get('dana@example.com') ?? assert.fail();
  const people = new Map(org.people).set(dana.login, { ...dana, github: 'Ann' });
  const whoever: Commenter = { login: 'ann', principal: principalOf('ann', { people }), mayWrite: true };
  assert.equal(whoever.principal, null);
  for (const grant of ['orders-read', 'of-solo'])
    assert.match(refusal(whoever, 'keep', entry(grant), { ...org, people }) ?? '', /your own access/, grant);
  assert.equal(refusal(whoever, 'keep', entry('of-desk'), { ...org, people }), null);
  // A closed account of the same name takes nothing from whoever is active by it.
  const left = { ...dana, login: 'dana@before.example', status: 'deprovisioned' as const };
  people.set(dana.login, dana).set(left.login, left);
  const owner: Commenter = { login: 'dana', principal: principalOf('dana', { people }), mayWrite: false };
  assert.equal(refusal(owner, 'keep', entry('orders-write'), { ...org, people }), null);
  // Of whom no directory says the name on the forge, it may be the login.
  const { github: _, ...unnamed } = org.people.get('max') ?? assert.fail();
  const theirs = org.grants.map((one) => (one.id === 'other' ? { ...one, principal: 'user:max' } : one));
  const known = { ...org, people: people.set('max', unnamed), grants: theirs };
  const max: Commenter = { login: 'Max', principal: principalOf('Max', known), mayWrite: true };
  assert.match(refusal(max, 'keep', entry('other'), known) ?? '', /your own access/);
});

test('a name on the forge that a directory gives to somebody else is not written as theirs', () => {
  const by = (login: string) => {
    const who = { login, principal: principalOf(login, org), mayWrite: true };
    const commands = parseCommands('/keep 2027-03-31 why', ['orders-write']).commands;
    const held = [entry('orders-write')];
    return decide(commands, { who, at, marker: { entries: held, as_of: at }, organisation: org }).entries[0]
      ?.decision?.by;
  };
  assert.equal(by('dana'), 'user:dana@example.com');
  assert.equal(by('eve'), 'user:eve');
  // As login and name on the forge are two people's here.
  assert.equal(by('lena'), 'user:lena (on the forge)');
  assert.equal(by('LENA'), 'user:LENA (on the forge)');
});

test('of two people who contradict each other the last word counts, and the first one is told', () => {
  const after = (text: string, who: Commenter, held: readonly Entry[]) => {
    const { commands } = parseCommands(text, ['orders-write']);
    return decide(commands, { who, at, marker: { entries: held, as_of: at }, organisation: org });
  };
  const kept = after('/keep orders-write 2027-03-31 why', dana, [entry('orders-write')]);
  assert.deepEqual([kept.notes, kept.replies], [[], []]);
  const revoked = after('/revoke orders-write', { ...stranger, mayWrite: true }, kept.entries);
  assert.equal(revoked.entries[0]?.decision?.kind, 'revoke');
  assert.deepEqual(revoked.notes, [
    '`orders-write`: `/revoke` replaces the `/keep` of `user:dana@example.com`, for the last word before the merge counts',
  ]);
  // Who changes their own mind needs no telling; nor was what the rules did anybody's word.
  assert.deepEqual(after('/revoke orders-write', dana, kept.entries).notes, []);
  const silence = { kind: 'suspend' as const, by: 'service:grantgate', at, unanswered: at };
  assert.deepEqual(after('/revoke', dana, [entry('orders-write', { decision: silence })]).notes, []);
});

test('refuses what would do nothing, or more than the grant', () => {
  for (const [text, problem, changes] of [
    ['/keep orders-write 2026-11-22 why', /is past/],
    ['/keep orders-write 2027-03-31 why', /has ended/, { detector: 'expired' }],
    ['/keep orders-write 2027-03-31 why', /put that right in the directory/, { detector: 'orphan-disabled' }],
    ['/narrow orders-write admin', /covers/],
    ['/narrow orders-write editor', /is all that/],
    ['/narrow orders-write remove', /covers/],
    ['/narrow orders-write ,', /covers/],
    ['/narrow orders-write', /to what\?/],
    ['/reassign orders-write group:nowhere', /no directory knows `group:nowhere`/],
    ['/reassign orders-write group:gone', /nobody active is behind `group:gone`/],
    ['/reassign orders-write user:bob@example.com', /nobody active/],
    ['/reassign orders-write service:invoicer', /./],
  ] as const) {
    const held = [entry('orders-write', changes ?? {})];
    assert.deepEqual(said(text, dana, held).decided, [], text);
    if (!text.includes('service:')) assert.match(said(text, dana, held).replies, problem, text);
  }
  assert.deepEqual(said('/narrow orders-write reader', dana).decided, ['orders-write: narrow']);
  assert.deepEqual(said('/narrow orders-write get,list', dana).decided, ['orders-write: narrow']);
  assert.deepEqual(said('/keep orders-write 2026-11-23 today', dana).decided, ['orders-write: keep']);
  const asked = [entry('orders-write', { detector: 'orphan-missing', action: 'recertify' })];
  assert.deepEqual(said('/keep orders-write 2026-11-23 today', dana, asked).decided, ['orders-write: keep']);
  // A day lasts to its end, and no longer.
  const over = said('/keep orders-write 2026-11-23 today', dana, asked, '2026-11-24T00:00:00Z');
  assert.match(over.replies, /is past/);
  const ended = [entry('orders-read', { detector: 'expired' }), entry('orders-write')];
  assert.deepEqual(said('/keep 2027-03-31 why', dana, ended).decided, []);
  assert.deepEqual(said('/extend orders-read 2027-03-31 why', dana, ended).decided, ['orders-read: extend']);
  // Nor does anybody come to answer for access that is theirs alone, by whatever name.
  for (const owner of ['user:ann@example.com', 'group:solo', 'group:pair'])
    assert.match(said(`/reassign orders-read ${owner}`, dana).replies, /their own access/, owner);
  const ofSolo = [entry('of-solo')];
  assert.match(said('/reassign user:ann@example.com', dana, ofSolo).replies, /their own access/);
  assert.deepEqual(said('/reassign group:both', dana, [entry('of-desk')]).decided, ['of-desk: reassign']);
  const ofDesk = { ...org, grants: org.grants.map((one) => ({ ...one, owner: 'group:night' })) };
  const { replies } = decide(parseCommands('/reassign group:desk', []).commands, {
    ...{ who: dana, at, organisation: ofDesk },
    marker: { entries: [entry('of-desk')], as_of: at },
  });
  assert.match(replies.join(), /their own access/);
});

test('what the review wrote itself and what programs write asks for nothing, and what looks like it does', () => {
  const asks = (who: { isOurs?: boolean; isBot?: boolean }, body: string) =>
    readComment(
      {
        ...{ id: 1, kind: 'comment', key: 'c1', author: 'ann', atMs: 0, isEdited: false, body },
        ...{ isOurs: false, isBot: false, ...who },
      },
      grants,
    ) !== null;
  const reply = '<!-- grantgate:reply c0 -->\n/revoke orders-read';
  assert.deepEqual(
    [
      asks({ isOurs: true }, reply),
      asks({}, reply),
      asks({ isOurs: true }, '/help'),
      asks({ isBot: true }, '/help'),
    ],
    [false, true, true, false],
  );
});

test('splits one off, keeps the last, and says why', () => {
  assert.deepEqual(said('/split other', dana).split, ['other']);
  assert.deepEqual(said('/split', { ...dana, mayWrite: true }).split, ['orders-write', 'other']);
  assert.match(said('/split', dana, [entry('orders-write')]).replies, /nothing to split/);
  assert.match(said('/split other\n/split other', dana).replies, /nothing to split/);
  assert.match(said('/why other', stranger).replies, /never_used\.rego/);
});
