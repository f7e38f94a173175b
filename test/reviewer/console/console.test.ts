import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { workingTree } from '../../../bundle/git/tree.ts';
import { fleetOf } from '../../../commands/review/fleetOf.ts';
import { createAdmin } from '../../../gateway/admin/admin.ts';
import { createRecordFeed } from '../../../gateway/record/recordFeed.ts';
import { digestOf } from '../../../reviewer/campaign/freeze.ts';
import { type Frozen, renderFrozen } from '../../../reviewer/campaign/frozen.ts';
import { type Console, openConsole } from '../../../reviewer/console/openConsole.ts';
import { organisationOf } from '../../../reviewer/organisationOf.ts';
import { bot } from '../../../reviewer/pulls/mirror.ts';
import { withPage } from '../../_browser.ts';
import { suite } from '../../_suite.ts';
import { access, asOfMs, base, dayMs, logLines, type Place, place, recordLine } from '../_review.ts';
import { frozenOf } from '../campaign/_frozen.ts';

const test = suite('console');

/** What nobody wants to meet in a page. */
const markup = '</script><img src=x onerror=alert(1)><script>alert(2)</script>';
const login = `<i>o'hara</i>&amp;"x"@example.com`;
const branch = 'take"><script>alert(3)</script>';
const adminToken = 'the-admin-token-of-gw-1';

let here: Place;
let admin: Server;
let shown: Console;
const feed = createRecordFeed();
const failures: unknown[] = [];

const options = () => {
  const gateway = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`;
  return {
    ...{ root: here.root, decisions: [here.decisions], usage: [], gateways: [gateway], adminToken },
    ...{
      fleet: fleetOf([gateway], adminToken),
      host: '127.0.0.1',
      port: 0,
      token: null,
      asOf: asOfMs / 1000,
    },
    ...{ days: 3, now: Date.now, onFailure: (error: unknown) => void failures.push(error) },
  };
};

test.before(async () => {
  const directory = `${base['grants/directory/okta.yaml']}`.replace(
    'people:\n',
    `people:\n  - { login: ${JSON.stringify(login)}, id: 00u9, status: active }\n`,
  );
  const files = access([
    { id: 'desk-read', principal: 'group:desk' },
    { id: 'ann-create', rest: 'operations: [create]\nconditions: { mfa: true }' },
    { id: 'hostile', principal: JSON.stringify(`user:${login}`), rest: 'role: admin' },
    { id: 'bob-admin', principal: 'user:bob@example.com', rest: 'role: admin' },
  ]);
  const [path = '', text = ''] = Object.entries(files)[0] ?? [];
  here = await place({
    ...{ 'grants/directory/okta.yaml': directory },
    [path]: text?.replace('Because of hostile', JSON.stringify(markup)) ?? null,
  });
  const commit = here.git('rev-parse', 'HEAD').trim();
  const line: typeof recordLine = (...told) => recordLine(...told).replace('"abc"', `"${commit}"`);
  const used = [
    { grant: 'desk-read', operation: 'get', at: asOfMs - dayMs },
    { grant: 'desk-read', operation: 'list', at: asOfMs - dayMs },
    { grant: 'desk-read', operation: 'list', at: asOfMs - 2 * dayMs },
    { grant: [], operation: markup, at: asOfMs - dayMs, allow: false },
    { grant: 'desk-read', operation: 'list', at: asOfMs - 4 * dayMs, status: 429 },
  ];
  await here.log(logLines(used, { line }));
  const { grants } = await organisationOf(await workingTree(here.root));
  const entries = grants.map((grant): Frozen['entries'][number] => ({
    ...{ grant: grant.id, principal: grant.principal, api: 'orders', tier: 'medium', owner: grant.owner },
    ...{ digest: grant.id === 'hostile' ? 'another' : digestOf(grant), covers: 2, gives: 'reader' },
    ...{ action: 'recertify', why: markup },
  }));
  here.git('checkout', '--quiet', '-b', 'grantgate/campaign/q4/frozen');
  await here.commit({ 'campaigns/q4.json': renderFrozen(frozenOf(entries)) });
  here.git('commit', '--quiet', '--amend', '--no-edit', `--author=${bot.name} <${bot.email}>`);
  // One of a clone that fetched it.
  here.git('update-ref', 'refs/remotes/origin/grantgate/campaign/q4/frozen', 'HEAD');
  here.git('checkout', '--quiet', '-b', 'grantgate/campaign/touched/frozen');
  await here.commit({ 'campaigns/touched.json': renderFrozen({ ...frozenOf(entries), name: 'touched' }) });
  here.git('checkout', '--quiet', 'main');
  here.git('update-ref', '-d', 'refs/heads/grantgate/campaign/q4/frozen');
  here.git('checkout', '--quiet', '-b', branch);
  await here.commit({ [path]: text?.replace(/- id: desk-read[\s\S]*?\n\n/, '') ?? null });
  here.git('checkout', '--quiet', 'main');
  admin = createAdmin({
    recordFault: () => null,
    ...{ token: () => adminToken, webhook: () => null, source: () => 'file:x', startedMs: asOfMs - 5000 },
    snapshot: () =>
      ({
        ...{ revision: 'ab'.repeat(20), counter: 7, digest: 'sha256:cd', grants: 4, loadedMs: asOfMs },
        ...{ committedAt: new Date(asOfMs - 2000).toISOString(), movedAt: null },
      }) as never,
    ...{ status: () => ({}), draining: () => false, lapsed: () => null, reload: async () => ({}) },
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    ...{ usage: () => [], decisions: feed, jwks: () => null, explain: async () => null as never },
    ...{ now: () => asOfMs, onFailure: (error) => void failures.push(error) },
  });
  await new Promise<void>((done) => admin.listen(0, '127.0.0.1', done));
  shown = await openConsole(options());
});
test.after(async () => {
  await shown?.close();
  admin?.closeAllConnections();
  admin?.close();
  await here?.remove();
});

const get = async (path: string) => {
  const response = await fetch(`${shown.url.slice(0, -1)}${path}`);
  return { status: response.status, headers: response.headers, text: await response.text() };
};

/** The page once what it tells is no longer being worked out. */
async function settled(path: string): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const { text, headers } = await get(path);
    if (!headers.has('refresh') && !/being read|under way/.test(text)) return text;
    assert.ok(tries < 1200, text);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** The text of a page as it is read, its markup gone. */
const words = (page: string) =>
  page
    .replace(/<(style|script)>[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#(\d+);/g, (_, number) => String.fromCodePoint(Number(number)))
    .replace(/\s+/g, ' ');

type Sent = { method?: string; path?: string; headers?: Record<string, string>; at?: Console };
const send = ({ method = 'GET', path = '/', headers = {}, at = shown }: Sent) =>
  new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((done, fail) => {
    const { port } = new URL(at.url);
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    asked.on('error', fail);
    asked.end();
  });

test('who may do what, by person, group, API and operation, with the chain and the place', async () => {
  const answers: readonly (readonly [string, RegExp])[] = [
    [
      '?person=dana@example.com',
      /user:dana@example\.com get, list orders desk-read grants\/access\/orders\/group-desk\.yaml:1 group:night in group:desk /,
    ],
    ['?group=night', /group:night get, list orders desk-read \S+ group:desk /],
    [
      '?api=orders&operation=create',
      /user:ann@example\.com create orders ann-create \S+ directly with a second factor/,
    ],
    ['?operation=create', /1 to 2 of 2 answers/],
    ['?api=payments', /Nobody may do this/],
    ['?person=bob@example.com', /not active, so it may do nothing/],
    ['?person=bobb', /There is no person “bobb”/],
    ['?person=ann', /There is no person “ann”\. Was one of these meant\? ann@example\.com/],
    ['?q=DESK', /Groups \(1\) desk Grants \(1\) desk-read/],
    ['', /orders What orders does medium group:desk 4 4/],
  ];
  for (const [query, expected] of answers)
    assert.match(words((await get(`/access${query}`)).text), expected, query);
  assert.doesNotMatch(words((await get('/access?api=orders&operation=create')).text), /bob@example/);
});

test('a grant is shown as it is written, with whom it reaches and when it was used', async () => {
  await settled('/usage');
  const page = words((await get('/grant?id=desk-read')).text);
  assert.match(page, /list GET \/v1\/things 2026-11-22/);
  assert.match(page, /user:dana@example\.com group:night in group:desk/);
  assert.match(page, /As it is written - id: desk-read principal: group:desk/);
  assert.equal((await get('/grant?id=none')).status, 404);
});

test('use is a map of APIs and groups, and a cell leads to its grants', async () => {
  const page = await settled('/usage');
  assert.match(page, /title="desk on orders: 2 operations held, 2 used">100 %/);
  assert.match(page, /title="directly on orders: 5 operations held, 0 used">0 %/);
  assert.match(words(page), /Seen, not catalogued \(1\) <\/script><img/);
  const cell = words((await get('/usage?api=orders&column=group:desk')).text);
  assert.match(cell, /desk-read group:desk reader 2 of 2 2026-11-22/);
  assert.doesNotMatch(cell, /ann-create/);
});

test('findings are those of a review, each with what `review --explain` tells', async () => {
  const { plan } = await here.review();
  const page = await settled('/findings');
  for (const { fingerprint } of plan.findings) assert.ok(page.includes(fingerprint));
  assert.match(words(page), new RegExp(`${plan.findings.length} findings among 4 grants`));
  const [finding] = plan.findings.filter(({ grant }) => grant === 'ann-create');
  assert.ok(finding);
  const { explained } = await here.review({ explain: finding.fingerprint });
  const proof = words((await get(`/finding?id=${finding.fingerprint}`)).text);
  assert.ok(explained?.policy);
  const flat = (text: string) => text.replace(/\s+/g, ' ').trim();
  for (const part of [finding.sentence, explained.policy.text, JSON.stringify(explained.facts, null, 2)])
    assert.ok(proof.includes(flat(part)), part);
  const only = words((await get('/findings?detector=orphan-disabled')).text);
  assert.match(only, /1 to 1 of 1 findings/);
  assert.equal((await get('/finding?id=none')).status, 404);
});

test('a branch is compared with where it came from: who loses what, and which requests would be denied', async () => {
  const page = words(await settled(`/change?head=${encodeURIComponent(branch)}`));
  assert.match(page, /loses group:desk \([^)]*\) loses get, list of orders \(desk-read\)/);
  assert.match(page, /affects 3 of 3 allowed requests would now be denied/);
  assert.match(
    page,
    /user:ann@example\.com list of orders 2 \S+ no grant covers it any more \(by desk-read\)/,
  );
  const unknown = await get('/change?head=--upload-pack=x');
  assert.equal(unknown.status, 404);
  assert.match(words(unknown.text), /is not a revision/);
});

const decision = (seq: number, subject: string, allow = true) => {
  const record = JSON.parse(recordLine({ grant: allow ? 'desk-read' : [], at: asOfMs, allow }, 'gw-1', seq));
  return `${JSON.stringify({ ...record, input: { ...record.input, subject } })}\n`;
};

test('decisions come as they happen, narrowed as asked', async () => {
  assert.match(words((await get('/decisions')).text), /none so far, as of this page/);
  feed.push([decision(1, 'user:ann@example.com'), decision(2, `user:${login}`, false), 'no JSON\n']);
  const all = words((await get('/decisions')).text);
  assert.match(all, /allowed user:ann@example\.com get orders granted desk-read gw-1/);
  assert.match(all, /denied user:<i>o'hara/);
  const denied = words((await get('/decisions?answer=denied&who=O%27HARA')).text);
  assert.match(denied, /o'hara/);
  assert.doesNotMatch(denied, /ann@example\.com get/);
  const stop = new AbortController();
  const stream = await fetch(`${shown.url}decisions/stream?answer=denied`, { signal: stop.signal });
  assert.equal(stream.headers.get('content-type'), 'text/event-stream');
  let text = '';
  const reading = (async () => {
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('user:late')) stop.abort();
    }
  })().catch(() => {});
  for (let tries = 0; feed.followers === 0; tries += 1) {
    assert.ok(tries < 600);
    await new Promise((done) => setTimeout(done, 20));
  }
  feed.push([decision(3, 'user:ann@example.com'), decision(4, 'user:late@example.com\n\ndata: {}', false)]);
  await reading;
  const events = text.split('\n\n').filter((event) => event.startsWith('data: '));
  assert.deepEqual(
    events.map((event) => JSON.parse(event.slice(6)).id),
    ['gw-1-2', 'gw-1-4'],
  );
});

test('past decisions are found one by one, each with the grant as the commit that decided had it', async () => {
  await settled('/usage');
  const found = async (query: string) => words((await get(`/records?${query}`)).text);
  const all = await found('');
  assert.match(
    all,
    /2026-11-22 12:00:00\.000 allowed user:ann@example\.com (?:get|list) orders granted desk-read gw-1/,
  );
  assert.match(
    await found('answer=limited'),
    /2026-11-19 12:00:00\.000 limited \S+ list orders granted desk-read/,
  );
  assert.match(await found('grant=desk-read&until=2026-11-19'), /2026-11-19 12:00:00\.000 limited/);
  assert.doesNotMatch(await found('grant=desk-read&until=2026-11-19'), /2026-11-21 12/);
  assert.match(await found('answer=denied&reason=no-grant'), /denied user:ann@example\.com <\/script>/);
  for (const none of [
    'who=bob@example.com',
    'api=payments',
    'grant=none',
    'who=ann@example.com&from=2026-11-23',
  ])
    assert.match(await found(none), /No decision on record fits/, none);
  for (const wrong of ['from=soon', 'answer=maybe'])
    assert.equal((await get(`/records?${wrong}`)).status, 400);
  const [, older = ''] =
    /href="(\/decision\?id=[^"]+)"/.exec((await get('/records?grant=desk-read')).text) ?? [];
  const page = words((await get(older)).text);
  assert.match(page, /allowed .* granted by the rule grantgate\/authz\/decision/);
  assert.match(
    page,
    /desk-read grants\/access\/orders\/group-desk\.yaml:1 at [0-9a-f]{12} id: desk-read principal: group:desk/,
  );
  assert.equal((await get('/decision?id=none')).status, 404);
});

test('a campaign shows what was frozen, who has finished, and what has changed since', async () => {
  const list = words((await get('/campaigns')).text);
  assert.match(list, /q4 all grants 2026-11-23 2026-12-23 4 3 0 of \d open/);
  const page = words((await get('/campaign?name=q4')).text);
  assert.match(page, /1 changed since it was frozen 4 not evaluable/);
  assert.doesNotMatch(page, /not to be trusted/);
  assert.match(words((await get('/campaign?name=touched')).text), /not to be trusted/);
  const part = words((await get('/campaign?name=q4&owner=group:desk')).text);
  assert.match(part, /hostile user:<i>.* not evaluable recertify|hostile .* keep .* changed/);
  assert.equal((await get('/campaign?name=none')).status, 404);
});

test('the fleet is told of: revision, lag and health', async () => {
  const page = words((await get('/fleet')).text);
  assert.match(page, /enforced ok abababababab 7 cd 4 2026-11-23T12:00:00Z 2\.0 s/);
});

test('every answer forbids all but what the page brings, and is kept by nobody', async () => {
  for (const path of ['/', '/access', '/none', '/decisions']) {
    const { headers, text } = await get(path);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(
      policy,
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'$/,
    );
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('access-control-allow-origin'), null);
    assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
    assert.doesNotMatch(text.replace(/<script>[\s\S]*?<\/script>/, ''), / style=| on\w+=|https?:\/\/(?!127)/);
  }
});

test('only GET is answered, and only under a name of this machine', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
    assert.equal((await send({ method })).status, 405, method);
  const head = await send({ method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
  for (const host of [
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example:80',
    'a@evil.example',
  ])
    for (const path of ['/', '/decisions/stream'])
      assert.equal((await send({ path, headers: { host } })).status, 421, host);
  for (const host of ['localhost', '127.0.0.1:1', '[::1]'])
    assert.equal((await send({ headers: { host } })).status, 200, host);
});

test('another site may lead here, and load nothing from here', async () => {
  const from = (site: string, mode: string, dest: string) =>
    send({
      path: '/access',
      headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest },
    });
  assert.equal((await from('cross-site', 'navigate', 'document')).status, 200);
  assert.equal((await from('same-origin', 'cors', 'empty')).status, 200);
  assert.equal((await from('cross-site', 'no-cors', 'image')).status, 403);
  assert.equal((await from('same-site', 'cors', 'empty')).status, 403);
  assert.equal((await from('cross-site', 'navigate', 'iframe')).status, 403);
});

test('there are no files behind it, and nothing that is not in its one form', async () => {
  for (const path of [
    ...[
      '/../package.json',
      '/%2e%2e/%2e%2e/etc/passwd',
      '//etc/passwd',
      '/grants/access',
      '/access/',
      '/access;x',
    ],
    ...['/__proto__', '/constructor', '/toString', '/Access', '/access%00', 'http://127.0.0.1/access', '*'],
  ])
    assert.equal((await send({ path })).status, 404, path);
  for (const path of [
    '/access?page=0',
    '/access?page=1e3',
    `/access?q=${'a'.repeat(301)}`,
    '/findings?page=-1',
  ])
    assert.equal((await send({ path })).status, 400, path);
  assert.equal((await send({ path: '/access?api=orders&page=9999' })).status, 200);
});

test('beyond this machine it is served with a token only, which is the password', async () => {
  const guarded = { ...options(), gateways: [], fleet: null, decisions: [] };
  await assert.rejects(openConsole({ ...guarded, host: '0.0.0.0' }), /loopback only/);
  await assert.rejects(openConsole({ ...guarded, token: '' }), /must not be empty/);
  const at = await openConsole({ ...guarded, host: '0.0.0.0', token: 'a-token-of-the-console' });
  try {
    const asked = (authorization: string) =>
      send({ at, headers: { host: 'console.example', ...(authorization !== '' && { authorization }) } });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    for (const good of ['Bearer a-token-of-the-console', basic('me:a-token-of-the-console')])
      assert.equal((await asked(good)).status, 200, good);
    for (const bad of [
      '',
      'Bearer a-token-of-the-consolf',
      basic('me:'),
      basic('a-token-of-the-console:me'),
      'Basic !',
    ]) {
      const { status, headers, text } = await asked(bad);
      assert.equal(status, 401, bad);
      assert.match(String(headers['www-authenticate']), /^Basic /);
      assert.doesNotMatch(text, /grantgate-reviewer-/, 'it tells nothing of what is behind it');
    }
  } finally {
    await at.close();
  }
});

test('a change of the grants shows without a restart, and one that is wrong leaves what was', async () => {
  const path = 'grants/access/orders/later.yaml';
  const until = async (expected: RegExp) => {
    for (let tries = 0; !expected.test(words((await get('/access?q=later')).text)); tries += 1) {
      assert.ok(tries < 600, String(expected));
      await new Promise((done) => setTimeout(done, 100));
    }
  };
  const [[, text = ''] = []] = Object.entries(access([{ id: 'later-one' }]));
  await here.write({ [path]: text });
  await until(/Grants \(1\) later-one/);
  await here.write({ [path]: 'nonsense' });
  await until(/What is shown is of before: the grants have a problem: .*Grants \(1\) later-one/);
  await here.write({ [path]: null });
  await until(/Nothing is named like/);
});

/** Path → length, of everything below a folder. */
async function listing(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return Promise.all(names.sort().map(async (name) => `${name} ${(await stat(join(folder, name))).size}`));
}

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
type Axe = { run: () => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };

test('in a browser: nothing runs that was not meant to, nothing is found by axe, nothing is too wide, nothing is written', async () => {
  const fingerprint = /\/finding\?id=([0-9a-f]+)/.exec(await settled('/findings'))?.[1];
  const change = `/change?head=${encodeURIComponent(branch)}`;
  await settled(change);
  const past = /href="(\/decision\?id=[^"]+)"/.exec((await get('/records?grant=desk-read')).text)?.[1] ?? '';
  const before = await listing(here.root);
  const person = `/access?person=${encodeURIComponent(`user:${login}`)}`;
  const paths = [
    ...['/', '/access', '/access?api=orders', person, '/access?q=a', '/grant?id=hostile', '/usage'],
    ...[
      '/usage?api=orders&column=directly',
      '/findings',
      `/finding?id=${fingerprint}`,
      change,
      '/decisions',
      '/fleet',
      ...['/records', '/records?grant=none', past, '/campaigns', '/campaign?name=q4'],
      '/campaign?name=touched&owner=group:desk',
      '/none',
    ],
  ];
  const wrong: string[] = [];
  for (const [colorScheme, width] of [
    ['light', 1200],
    ['dark', 360],
  ] as const)
    await withPage(
      shown.url,
      async (page) => {
        page.on('dialog', (dialog) => {
          wrong.push(`a dialog: ${dialog.message()}`);
          void dialog.dismiss();
        });
        page.on('console', (said) => {
          if (said.type() === 'error' && !/404/.test(said.text())) wrong.push(said.text());
        });
        page.on('request', (asked) => {
          if (!asked.url().startsWith(shown.url)) wrong.push(`it asks ${asked.url()}`);
        });
        for (const path of paths) {
          await page.goto(`${shown.url.slice(0, -1)}${path}`);
          assert.equal(await page.locator('main img, main script, main i').count(), 0, path);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
          if (wide) wrong.push(`${path} is too wide at ${width}`);
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
          for (const { id, nodes } of violations)
            wrong.push(`${path} ${colorScheme}: ${id} ${nodes[0]?.html}`);
        }
        if (colorScheme === 'dark') return;
        await page.goto(`${shown.url}decisions`);
        await page.locator('#state', { hasText: 'following' }).waitFor();
        feed.push([decision(90, `user:${markup}`)]);
        await page.locator('#live tbody tr', { hasText: 'onerror' }).waitFor();
        assert.equal(await page.locator('main img, main script').count(), 0);
        await page.keyboard.press('/');
        await page.keyboard.type('desk-r');
        await page.keyboard.press('Enter');
        await page.locator('h1', { hasText: 'Search: desk-r' }).waitFor();
        await page.keyboard.press('g');
        await page.keyboard.press('f');
        await page.locator('h1', { hasText: 'Findings' }).waitFor();
        await page.keyboard.press('j');
        await page.keyboard.press('Enter');
        await page.locator('h2', { hasText: 'The change' }).waitFor();
      },
      { colorScheme, width, javaScript: true },
    );
  assert.deepEqual([...new Set(wrong)], []);
  assert.deepEqual(await listing(here.root), before);
  assert.deepEqual(failures, []);
});
