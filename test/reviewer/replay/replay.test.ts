import assert from 'node:assert/strict';
import fc from 'fast-check';
import { marked } from 'marked';
import { gitTree } from '../../../bundle/git/tree.ts';
import { findOpa, type Opa } from '../../../bundle/policy/opa.ts';
import { createReplayer } from '../../../reviewer/replay/createReplayer.ts';
import { createPlacesOf } from '../../../reviewer/replay/placesOf.ts';
import { sumOf, verdictOf } from '../../../reviewer/replay/replay.ts';
import { replayJson } from '../../../reviewer/replay/replayJson.ts';
import { replayMarkdown } from '../../../reviewer/replay/replayMarkdown.ts';
import { replayRevisions } from '../../../reviewer/replay/replayRevisions.ts';
import { replayText } from '../../../reviewer/replay/replayText.ts';
import { createOpenSide, type OpenSide, type Side } from '../../../reviewer/replay/side.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base as files, type GrantText, type Place, place } from '../_review.ts';
import { type Recorded, recordedLines, requestsOf, writeLog } from './_recorded.ts';

const test = suite('replay of recorded requests');

const ann = 'user:ann@example.com';
const dana = 'user:dana@example.com';
const invoicer = 'service:invoicer';
const api = (name: string) => String(files[`grants/apis/${name}.yaml`]);
const networks = (office: string) => `office: [${office}]\nvpn: [203.0.113.0/27]\n`;

const grants: readonly GrantText[] = [
  { id: 'ann-read' },
  { id: 'ann-admin', rest: 'role: admin\nconditions: { networks: [office] }' },
  { id: 'night-read', principal: 'group:night' },
  { id: 'dana-soon', principal: dana, api: 'payments', rest: 'role: reader\nexpires: 2026-12-01' },
  { id: 'dana-past', principal: dana, api: 'payments', rest: 'operations: [create]\nexpires: 2026-11-20' },
  { id: 'invoicer-read', principal: invoicer },
];
const changed = (id: string, change: Partial<GrantText> | null) =>
  access(grants.flatMap((one) => (one.id === id ? (change === null ? [] : [{ ...one, ...change }]) : [one])));

const byFacts = (refused: string) => `package grantgate.authz

default decision := {"allow": false, "grants": [], "reason": "no"}

decision := {"allow": true, "grants": ids, "reason": "granted"} if {
	count(ids) > 0
	not object.get(input.facts, "country", "") in ${refused}
	not input.facts.id == "hidden"
}

ids := {grant.id |
	some grant in data.grants[input.api][input.subject]
	input.operation in grant.operations
}
`;

const byData = `package grantgate.authz

default decision := {"allow": false, "grants": [], "reason": "frozen"}

decision := {"allow": true, "grants": ids, "reason": "granted"} if {
	count(ids) > 0
	not data.documents.frozen[input.subject]
}

ids := {grant.id |
	some grant in data.grants[input.api][input.subject]
	input.operation in grant.operations
}
`;

let here: Place;
let opa: Opa;
let openSide: OpenSide;
let base: string;
const heads: Record<string, string> = {};

test.before(async () => {
  opa = await findOpa();
  openSide = createOpenSide(opa);
  here = await place({
    ...access(grants),
    'grants/networks.yaml': networks('192.0.2.0/24'),
    'grants/directory/services.yaml': `services:
  - { name: invoicer, owner: group:desk, state: active, credentials: [{ jwt_subject: "https://login.example.com|a" }] }
  - { name: mailer, owner: group:desk, state: disabled }
`,
  });
  base = here.git('rev-parse', 'HEAD').trim();
  const head = async (name: string, change: Parameters<Place['commit']>[0]) => {
    here.git('checkout', '--quiet', '--detach', base);
    heads[name] = await here.commit(change);
  };
  for (const { id } of grants) await head(`without ${id}`, changed(id, null));
  await head('only readme', {});
  await head('mfa', changed('ann-read', { rest: 'role: reader\nconditions: { mfa: true }' }));
  await head('vpn', changed('ann-read', { rest: 'role: reader\nconditions: { networks: [vpn] }' }));
  await head('restricted', changed('ann-read', { rest: 'role: reader\nparams: { id: ["7"] }' }));
  await head('own', changed('ann-read', { rest: 'role: reader\nparams: { id: claim:number }' }));
  await head('lab', {
    ...changed('ann-read', { rest: 'role: reader\nconditions: { networks: [lab] }' }),
    'grants/networks.yaml': `${networks('192.0.2.0/24')}lab: [198.51.100.0/24]\n`,
  });
  await head('office grows', { 'grants/networks.yaml': networks('192.0.0.0/16') });
  await head('office shrinks', { 'grants/networks.yaml': networks('192.0.2.0/25') });
  await head('ends', changed('ann-read', { rest: 'role: reader\nexpires: 2026-12-24' }));
  await head('suspended', changed('night-read', { rest: 'role: reader\nstate: suspended' }));
  await head('wider', changed('night-read', { rest: 'role: editor' }));
  await head('renewed', changed('dana-past', { rest: 'operations: [create]\nexpires: 2027-11-20' }));
  await head('operation gone', {
    'grants/apis/orders.yaml': api('orders')
      .replace('  get: GET /v1/things/{id}\n', '')
      .replaceAll('list, get', 'list'),
  });
  await head('operation renamed', {
    'grants/apis/orders.yaml': api('orders')
      .replace('get: GET /v1/things/{id}', 'fetch: GET /v1/things/{thing}')
      .replaceAll('list, get', 'list, fetch'),
  });
  await head('route', {
    'grants/apis/orders.yaml': api('orders').replace('prefix: /orders', 'prefix: /sales'),
  });
  await head('by certificate', {
    'grants/apis/orders.yaml': `${api('orders')}authentication: [client-certificate]\n`,
  });
  await head('new credential', {
    'grants/directory/services.yaml': `services:
  - { name: invoicer, owner: group:desk, state: active, credentials: [{ jwt_subject: "https://login.example.com|b" }] }
  - { name: mailer, owner: group:desk, state: disabled }
`,
  });
  for (const [name, text] of [
    ['by data', 'user:nobody: true\n'],
    ['by other data', `user:nobody: true\n"${ann}": true\n`],
  ] as const)
    await head(name, {
      'policies/authz/decision.rego': byData,
      'data/frozen.yaml': text,
      'data/frozen.schema.json': '{ "additionalProperties": { "const": true } }',
    });
  for (const [name, refused, from] of [
    ['by facts', '["KP"]', 'from: trusted_proxies'],
    ['by other facts', '["KP", "SY"]', 'from: trusted_proxies'],
    ['by facts from elsewhere', '["KP"]', 'from: caller, max_length: 2, record: value'],
  ] as const)
    await head(name, {
      'grants/apis/orders.yaml': `${api('orders')}facts: { country: { header: x-country, ${from} }, id: { param: id } }\n`,
      'policies/authz/decision.rego': byFacts(refused),
    });
  here.git('checkout', '--quiet', 'main');
});
test.after(() => here.remove());

const sides = new Map<string, Promise<Side>>();
const sideOf = (revision: string) => {
  const known = sides.get(revision) ?? gitTree(here.root, revision).then(openSide);
  sides.set(revision, known);
  return known;
};

/** Requests of two whole days, decided by base unless said otherwise. */
const replay = async (name: string, recorded: readonly Partial<Recorded>[], from = base) =>
  (await replayerOf(recorded, from))(name);

async function replayerOf(recorded: readonly Partial<Recorded>[], from = base) {
  const before = await sideOf(from);
  const grown = (await sideOf(heads['office grows'] ?? '')).snapshot.networks;
  const eras = [before.snapshot.networks, grown];
  const eraOf = (revision: string) => (revision === base ? 0 : revision === heads['office grows'] ? 1 : -1);
  const requests = requestsOf(
    recorded.map((one) => ({ revision: base, ...one })),
    eraOf,
  );
  const replayer = createReplayer({ requests, base: before, eras, asOf: asOfMs / 1000, coverage: 0.95 });
  return (name: string) => sideOf(heads[name] ?? name).then(replayer);
}

/** The same from files. */
async function fromFiles(name: string, decisions: readonly string[], days: number) {
  const revisions = { repository: here.root, base, head: heads[name] ?? '', mergeBase: false };
  return replayRevisions({ ...revisions, decisions, asOf: asOfMs / 1000, days, opa });
}
type Replayed = Awaited<ReturnType<typeof replay>>;
const lines = (all: Replayed['denied']['by']) =>
  all.map(({ subject, operation, requests, grants: by, why }) =>
    [subject, operation, requests, by.join(), why].join(' '),
  );

test('where a record names no networks nobody knows where the caller was, however they were declared', () => {
  const now = new Map([
    ['office', ['192.0.2.0/24']],
    ['vpn', ['203.0.113.0/27']],
  ]);
  const unknown = { in: [], unknown: ['office', 'vpn'] };
  for (const then of [null, now, new Map([...now, ['office', ['192.0.2.0/25']] as const])])
    assert.deepEqual(createPlacesOf(then, now)(null), unknown);
});

test('says that nothing changes where nothing does, of how many requests, and how well they are known', async () => {
  const found = await replay('only readme', [
    { times: 3 },
    { subject: dana, operation: 'list' },
    { operation: 'create', allow: false },
  ]);
  assert.deepEqual(found.requests, { recorded: 5, replayed: 5, allowed: 4, lapsed: 0 });
  assert.deepEqual(
    [found.denied.by, found.unproven.by, found.ending.by, found.allowed.by, found.skipped],
    [[], [], [], [], []],
  );
  assert.equal(found.window.coverage, 1);
  assert.equal(verdictOf(found), 'harmless');
  assert.match(replayText(found), /: 0 of 4 allowed requests would now be denied\./);
});

test('a grant that goes takes the requests it alone carried, and no others', async () => {
  const recorded = [{ times: 4 }, { networks: ['office'], times: 2 }, { subject: dana }];
  const found = await replay('without ann-read', recorded);
  assert.deepEqual(lines(found.denied.by), [
    `${ann} get 4 ann-read no-grant`.replace('no-grant', 'condition-not-met'),
  ]);
  assert.equal(found.requests.allowed, 7);
  assert.equal(verdictOf(found), 'affects');
  assert.deepEqual(lines((await replay('without night-read', recorded)).denied.by), [
    `${dana} get 1 night-read no-grant`,
  ]);
});

test('a condition that head adds is decided by what the record holds of it', async () => {
  const recorded = [{ times: 3 }, { mfa: true }, { networks: ['vpn'] }];
  assert.deepEqual(lines((await replay('mfa', recorded)).denied.by), [
    `${ann} get 4 ann-read condition-not-met`,
  ]);
  assert.deepEqual(lines((await replay('vpn', recorded)).denied.by), [
    `${ann} get 4 ann-read condition-not-met`,
  ]);
  assert.deepEqual((await replay('vpn', [{ networks: ['vpn'] }])).denied.by, []);
});

test('a grant that is restricted to values of a path parameter is decided by those on record, and by no guess', async () => {
  const given = (id: string | null, number?: string | null) => ({
    asked: { params: { id }, claims: number === undefined ? {} : { number } },
  });
  const seven = await replay('restricted', [given('7')]);
  assert.deepEqual([seven.denied.by, seven.unproven.by], [[], []]);
  const eight = await replay('restricted', [given('8'), { operation: 'list' }]);
  assert.deepEqual(lines(eight.denied.by), [
    `${ann} get 1 ann-read condition-not-met`,
    `${ann} list 1 ann-read condition-not-met`,
  ]);
  const untold = await replay('restricted', [{ times: 2 }]);
  assert.deepEqual(lines(untold.unproven.by), [`${ann} get 2 ann-read parameters`]);
  assert.equal(verdictOf(untold), 'affects');
  assert.match(replayText(untold), /records do not hold the path parameters/);
  const back = await replay(heads['without ann-read'] ?? '', [{ times: 2 }], heads.restricted);
  assert.deepEqual(lines(back.unproven.by), [`${ann} get 2  parameters`]);
  const wider = await replay(base, [{ times: 2 }], heads.restricted);
  assert.deepEqual([wider.unproven.by, wider.denied.by, wider.requests.allowed], [[], [], 2]);
  for (const allow of [false, true])
    assert.deepEqual(
      lines((await replay('restricted', [{ allow }], heads['without ann-read'])).allowed.by),
      [`${ann} get 1  parameters`],
      'denied by base, whatever it was then',
    );
  for (const [id, number, denied] of [
    ['7', '7', []],
    ['7', '8', [`${ann} get 1 ann-read condition-not-met`]],
    ['7', null, [`${ann} get 1 ann-read condition-not-met`]],
  ] as const)
    assert.deepEqual(lines((await replay('own', [given(id, number)])).denied.by), denied);
  assert.deepEqual(lines((await replay('own', [given('7')])).unproven.by), [
    `${ann} get 1 ann-read parameters`,
  ]);
});

test('parameters and claims come out of the files of records as they went in, whatever else stands there', async () => {
  const input = {
    ...{ subject: ann, groups: [], api: 'orders', operation: 'get', method: 'GET', path: '/v1/things/{id}' },
    ...{ networks: [], mfa: false, time: Math.floor(asOfMs / 1000) - 3600 },
  };
  const said = [
    { params: { id: '7' } },
    { params: { id: '8' }, claims: { number: '7' } },
    { params: { id: null } },
    { params: { id: 7 } },
    { params: ['7'] },
    { claims: 'x' },
    { facts: { a: { sha256: 'x' }, b: 1 } },
    {},
  ];
  const recorded = said.map((more) => ({ revision: base, input: { ...input, ...more } }));
  const folder = await writeLog(here, 'given', recordedLines(recorded));
  const found = await fromFiles('restricted', [folder], 2);
  assert.deepEqual(
    [lines(found.denied.by), lines(found.unproven.by)],
    [[`${ann} get 2 ann-read condition-not-met`], [`${ann} get 5 ann-read parameters`]],
  );
  assert.equal(found.requests.allowed, 8);
});

test('what a policy makes of facts is decided by those on record, and is not guessed where they are not', async () => {
  const told = (country: unknown, id: string | null = '7') => ({
    asked: { facts: { country }, params: { id } },
  });
  const by = (recorded: Partial<Recorded>[], head = 'by other facts') =>
    replay(head, recorded, heads['by facts']);
  const found = await by([told('DE'), told('SY'), told('KP'), told(null), told('DE', 'hidden')]);
  assert.deepEqual(lines(found.denied.by), [`${ann} get 1 ann-admin,ann-read no`]);
  assert.deepEqual([found.unproven.by, found.requests.allowed, found.requests.lapsed], [[], 3, 2]);
  for (const asked of [{}, { facts: { country: 'DE' } }, { params: { id: '7' } }]) {
    const untold = await by([
      { times: 2, asked },
      { asked, allow: false },
    ]);
    assert.deepEqual(lines(untold.unproven.by), [`${ann} get 2  facts`]);
    assert.deepEqual(lines(untold.allowed.by), [`${ann} get 1  facts`]);
    assert.equal(verdictOf(untold), 'affects');
    assert.match(replayText(untold), /records do not hold the facts of the request that the policy reads/);
  }
  // A record says what the fact was where it came from then.
  const moved = await by([{ ...told('DE'), times: 2 }], 'by facts from elsewhere');
  assert.deepEqual([lines(moved.unproven.by), moved.denied.by], [[`${ann} get 2  facts`], []]);
  // An operation without the parameter has no such fact; and where nothing changes, nothing is in doubt.
  assert.deepEqual((await by([{ operation: 'list', asked: { facts: { country: 'DE' } } }])).unproven.by, []);
  const same = await by([{ times: 2 }], heads['by facts']);
  assert.deepEqual([same.unproven.by, same.requests.allowed, verdictOf(same)], [[], 2, 'harmless']);
});

test('a changed entry of a data document denies whom it is about, and nobody else', async () => {
  const recorded = [{ times: 2 }, { subject: invoicer, times: 3 }];
  const found = await replay('by other data', recorded, heads['by data']);
  assert.deepEqual(lines(found.denied.by), [`${ann} get 2 ann-admin,ann-read frozen`]);
  assert.deepEqual([found.unproven.by, found.requests.allowed, verdictOf(found)], [[], 5, 'affects']);
});

test('what the record cannot hold is not passed as fine: a network that was not declared then, facts left out', async () => {
  assert.deepEqual(lines((await replay('lab', [{ times: 2 }])).unproven.by), [
    `${ann} get 2 ann-read condition`,
  ]);
  const bare = { asked: { networks: null, mfa: null } };
  const found = await replay('mfa', [bare]);
  assert.deepEqual(lines(found.unproven.by), [`${ann} get 1 ann-admin,ann-read condition`]);
  assert.equal(verdictOf(found), 'affects');
  assert.deepEqual((await replay('only readme', [bare])).unproven.by, []);
});

test('a network that grows keeps those who were in it; of one that shrinks nobody knows', async () => {
  const inOffice = [{ operation: 'create', networks: ['office'] }];
  const grown = await replay('office grows', inOffice);
  assert.deepEqual([grown.denied.by, grown.unproven.by, grown.requests.allowed], [[], [], 1]);
  const shrunk = await replay('office shrinks', [...inOffice, { operation: 'create', allow: false }]);
  assert.deepEqual(lines(shrunk.unproven.by), [`${ann} create 1 ann-admin condition`]);
  assert.deepEqual(shrunk.allowed.by, []);
  // Whoever was outside may be inside of the larger one.
  assert.equal(sumOf((await replay('office grows', [{ operation: 'create', allow: false }])).allowed.by), 1);
});

test('networks on record mean what the revision that decided said; of one that is not here nobody knows', async () => {
  const inOffice = [{ operation: 'create', networks: ['office'], revision: heads['office grows'] ?? '' }];
  const found = await replay('without ann-admin', inOffice);
  assert.deepEqual(lines(found.denied.by), [`${ann} create 1 ann-admin operation-not-covered`]);
  const foreign = await replay('office shrinks', [
    { operation: 'create', networks: ['office'], revision: 'f'.repeat(40) },
  ]);
  assert.equal(sumOf(foreign.unproven.by) + sumOf(foreign.denied.by), 1);
});

test('requests are decided as if they came now: what has ended since is no loss, what ends sooner is said', async () => {
  const past = { subject: dana, api: 'payments', operation: 'create' };
  const found = await replay('without dana-past', [past]);
  assert.deepEqual([found.denied.by, found.requests.lapsed, found.requests.allowed], [[], 1, 0]);
  assert.match(replayText(found), /1 request allowed then is denied by the base already\./);
  assert.deepEqual(lines((await replay('renewed', [past])).allowed.by), [
    `${dana} create 1 dana-past granted`,
  ]);
  const ends = await replay('ends', [{ times: 2 }, { networks: ['office'] }]);
  assert.deepEqual(ends.denied.by, []);
  assert.deepEqual(lines(ends.ending.by), [`${ann} get 2 ann-read ${Date.parse('2026-12-25') / 1000}`]);
  assert.match(replayText(ends), /denied from 2026-12-25T00:00:00Z on/);
  assert.equal(verdictOf(ends), 'affects');
});

test('rules that follow the clock are asked at the same time of the week, from then on', async () => {
  const side = await sideOf(base);
  const times: number[] = [];
  const timed: Side = {
    ...side,
    snapshot: { ...side.snapshot, reads: { ...side.snapshot.reads, clock: true } },
    decide: (question) => {
      times.push(question.time - asOfMs / 1000);
      return side.decide(question);
    },
  };
  // It is Monday, 12:00; weeks are counted from Thursday, 00:00.
  const noon = 4.5 * 86_400;
  const recorded = [noon, noon + 60, noon - 60].map((timeOfWeek) => ({ revision: base, timeOfWeek }));
  const requests = requestsOf(recorded, () => 0);
  await createReplayer({
    requests,
    base: timed,
    eras: [side.snapshot.networks],
    asOf: asOfMs / 1000,
    coverage: 1,
  })(timed);
  assert.deepEqual(times, [0, 60, 604_740]);
});

test('a suspended grant denies, a wider one allows what was denied', async () => {
  const night = [{ subject: dana }, { subject: dana, operation: 'create', allow: false }];
  assert.deepEqual(lines((await replay('suspended', night)).denied.by), [
    `${dana} get 1 night-read suspended`,
  ]);
  assert.deepEqual(lines((await replay('wider', night)).allowed.by), [`${dana} create 1 night-read granted`]);
});

test('an operation that is gone, an API with another address, one with another name', async () => {
  const recorded = [{ times: 2 }, { operation: 'list' }, { method: 'HEAD' }];
  const gone = await replay('operation gone', recorded);
  assert.deepEqual(gone.skipped, [
    { reason: 'operation-removed', api: 'orders', operation: 'get', requests: 3, allowed: 3 },
  ]);
  assert.deepEqual([verdictOf(gone), gone.requests.allowed], ['affects', 1]);
  assert.match(replayText(gone), /3 would\s+not be found any more\./);
  const moved = await replay('route', recorded);
  assert.equal(sumOf(moved.skipped), 4);
  assert.equal(verdictOf(moved), 'affects');
  const renamed = await replay('operation renamed', recorded);
  assert.deepEqual([verdictOf(renamed), renamed.requests.allowed], ['harmless', 4]);
});

test('what the base does not know, and what cannot be read, is counted and said', async () => {
  const found = await replay('only readme', [
    {},
    { operation: 'brew', path: '/v1/coffee' },
    { api: 'teapots' },
    { asked: { subject: null } },
    { subject: 'group:desk' },
    { asked: { operation: null } },
  ]);
  assert.equal(found.requests.replayed, 1);
  assert.deepEqual(found.skipped.map(({ reason, requests }) => `${reason} ${requests}`).sort(), [
    'operation-unknown 1',
    'operation-unknown 1',
    'record-incomplete 1',
    'record-incomplete 2',
  ]);
  assert.equal(verdictOf(found), 'unknown');
  assert.match(
    replayText(found),
    /3\s+requests\s+could\s+not\s+be\s+replayed:\s+the\s+record\s+does\s+not\s+say/,
  );
});

test('a way to authenticate that goes leaves open whether callers still can', async () => {
  assert.deepEqual(lines((await replay('by certificate', [{}])).unproven.by), [
    `${ann} get 1 ann-read authentication`,
  ]);
  const found = await replay('new credential', [{}, { subject: invoicer }]);
  assert.deepEqual(lines(found.unproven.by), [`${invoicer} get 1 invoicer-read credentials`]);
});

test('groups of a token count as it named them', async () => {
  const eve = { subject: 'user:eve@example.com', groups: ['group:night'] };
  assert.deepEqual(
    lines((await replay('without night-read', [{ ...eve, groups_from: 'token' }])).denied.by),
    ['user:eve@example.com get 1 night-read no-grant'],
  );
  const untold = await replay('without night-read', [eve]);
  assert.deepEqual([untold.denied.by, untold.requests.lapsed], [[], 1]);
});

test('without records, or with too few, it says that it cannot tell', async () => {
  const none = await fromFiles('without ann-read', [`${here.folder}/none`], 2);
  assert.equal(verdictOf(none), 'unknown');
  assert.match(replayText(none), /No request is on record, so nothing can be said of\s+any\./);
  const decisions = [await writeLog(here, 'few', recordedLines([{ revision: base, subject: dana }]))];
  const long = await fromFiles('without ann-read', decisions, 90);
  assert.deepEqual([long.covered, verdictOf(long)], [false, 'unknown']);
  assert.match(replayText(long), /too little for\s+silence to mean\s+anything/);
});

test('from files: each record once, of the window, by what networks meant then, and none passed over in silence', async () => {
  const grown = heads['office grows'] ?? '';
  const inOffice = { operation: 'create', networks: ['office'] };
  const lines = recordedLines([
    { revision: base, times: 3, status: 429 },
    { revision: base, at: asOfMs - 3 * 86_400_000 },
    { revision: grown, ...inOffice },
    { revision: base, ...inOffice, times: 2 },
    { revision: 'f'.repeat(40), ...inOffice },
    { revision: base, input: { subject: 7, api: 'orders', operation: 'get', networks: 'office' } },
    {
      revision: base,
      input: {
        subject: 'user:eve@example.com',
        groups_from: 'token',
        groups: ['group:night'],
        api: 'orders',
        operation: 'get',
        method: 'GET',
        path: '/v1/things/{id}',
        networks: [],
        mfa: false,
      },
    },
  ]);
  const decisions = [await writeLog(here, 'once', lines), await writeLog(here, 'twice', lines)];
  const found = await fromFiles('office shrinks', decisions, 2);
  assert.deepEqual(found.requests, { recorded: 9, replayed: 8, allowed: 8, lapsed: 0 });
  assert.deepEqual(found.skipped, [
    { reason: 'record-incomplete', api: 'orders', operation: 'get', requests: 1, allowed: 1 },
  ]);
  assert.equal(sumOf(found.unproven.by), 4);
  assert.equal(found.window.coverage, 1);
});

test('one head after the other is answered as each is alone, whatever was asked before', async () => {
  const recorded: Partial<Recorded>[] = [
    {},
    { networks: ['office'], operation: 'remove', mfa: true },
    { operation: 'create', allow: false },
    { subject: dana, operation: 'list' },
    { subject: dana, api: 'payments', operation: 'create', allow: false },
    { subject: dana, api: 'payments' },
    { subject: invoicer },
    { asked: { networks: null, mfa: null } },
    { revision: 'c'.repeat(40), operation: 'remove', networks: ['office'] },
  ];
  const shared = await replayerOf(recorded);
  const names = Object.keys(heads);
  for (const name of [...names, ...names.toReversed()])
    assert.deepEqual(await shared(name), await replay(name, recorded), name);
});

test('texts fit a terminal of 80 columns, say how many are left out, and escape names', async () => {
  const names = Array.from({ length: 30 }, (_, i) => `user:${'x'.repeat(i * 8)}@|\`<b>@everyone${i}`);
  const found = await replay(
    'without night-read',
    names.map((subject) => ({ subject, groups: ['group:night'], groups_from: 'token' as const })),
  );
  const text = replayText(found);
  assert.ok(text.split('\n').every((line) => line.length <= 80));
  assert.match(text, /… and 10 more; --json has them all/);
  const markdown = replayMarkdown(found);
  const plain = marked.parse(markdown, { async: false }).replaceAll(/<code>.*?<\/code>/g, '');
  assert.ok(plain.includes('<table>') && !/@everyone|<b>/.test(plain));
  assert.ok(JSON.stringify(replayJson(found)).includes('everyone29'));
});

test('property: a revision against itself changes nothing, and a grant that goes takes just what it alone carried', async () => {
  const subjects = [ann, dana, invoicer, 'user:bob@example.com', 'user:nobody@example.com'];
  const request = fc.record({
    subject: fc.constantFrom(...subjects),
    api: fc.constantFrom('orders', 'payments'),
    operation: fc.constantFrom('list', 'get', 'create', 'remove'),
    networks: fc.subarray(['office', 'vpn']),
    mfa: fc.boolean(),
    allow: fc.boolean(),
    times: fc.integer({ min: 1, max: 3 }),
  });
  const removed = fc.constantFrom(...grants.map(({ id }) => id));
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), removed, async (recorded, id) => {
      const itself = await replay(base, recorded);
      const unchanged = [
        itself.denied.by,
        itself.unproven.by,
        itself.ending.by,
        itself.allowed.by,
        itself.skipped,
      ];
      assert.deepEqual(unchanged, [[], [], [], [], []]);
      const found = await replay(`without ${id}`, recorded);
      // A request is lost exactly when this grant, and no other, carried it.
      assert.ok(found.denied.by.every((one) => one.grants.join() === id));
      const carried = await replay(base, recorded, heads[`without ${id}`]);
      assert.equal(sumOf(found.denied.by), sumOf(carried.allowed.by));
      assert.equal(found.requests.allowed - sumOf(found.denied.by), carried.requests.allowed);
      assert.deepEqual([found.allowed.by, found.unproven.by, found.ending.by], [[], [], []]);
    }),
    { numRuns: 60 },
  );
});
