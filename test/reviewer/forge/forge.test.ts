import * as assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openChecks } from '../../../reviewer/forge/checks.ts';
import { openForge } from '../../../reviewer/forge/forge.ts';
import { suite } from '../../_suite.ts';

const test = suite('forge');
const open: (() => Promise<unknown>)[] = [];
test.after.each(async () => {
  for (const close of open.splice(0)) await close();
});

async function answering(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  open.push(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json = (response: ServerResponse, status: number, value: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

/** A pull request as GitHub lists it, as far as it is read. */
const listed = (changes: object = {}) => ({
  number: 1,
  html_url: 'http://forge/pull/1',
  title: 't',
  body: null,
  state: 'open',
  merged_at: null,
  created_at: '2026-11-23T10:00:00Z',
  updated_at: '2026-11-23T10:00:00Z',
  closed_at: null,
  head: { ref: 'grantgate/review/group-a/removal', repo: { full_name: 'Acme/access' } },
  base: { ref: 'main' },
  ...changes,
});

test("derives Git's address from the API's", () => {
  const at = (baseUrl: string) => openForge({ baseUrl, owner: 'acme', repo: 'access' }).cloneUrl;
  assert.equal(at('https://api.github.com'), 'https://github.com/acme/access.git');
  assert.equal(at('https://api.acme.ghe.com'), 'https://acme.ghe.com/acme/access.git');
  assert.equal(at('https://forge.example/api/v3'), 'https://forge.example/acme/access.git');
  assert.equal(at('http://127.0.0.1:8080/api/v3/'), 'http://127.0.0.1:8080/acme/access.git');
});

test('nothing is done where the clock of the forge is more than an hour from ours', async () => {
  const asked = async (apartMs: number, { status = 200, headers = {}, date = '' } = {}) => {
    const baseUrl = await answering((_, response) => {
      const said = date || new Date(Date.now() + apartMs).toUTCString();
      for (const [name, value] of Object.entries({ date: said, ...headers })) response.setHeader(name, value);
      json(response, status, status === 200 ? [] : { message: 'Bad credentials' });
    });
    const forge = openForge({ baseUrl, owner: 'acme', repo: 'access', token: 't', retries: 0 });
    return forge.listPulls('grantgate/review/', 0).then(
      () => 'done',
      ({ code, message }) => `${code}: ${message}`,
    );
  };
  const hour = 3_600_000;
  const refused =
    /^forge-clock: GET \S+ was answered at \S+Z by the forge's clock, and at \S+Z by this machine's/;
  assert.match(await asked(2 * hour), refused);
  assert.match(await asked(-2 * hour), refused);
  assert.match(await asked(-400 * 24 * hour, { status: 401 }), refused);
  assert.equal(await asked(hour / 2), 'done');
  assert.equal(await asked(-hour / 2), 'done');
  // What a cache kept for long, and what is no time, tell nothing of a clock.
  assert.equal(await asked(-2 * hour, { headers: { age: '7200' } }), 'done');
  assert.equal(await asked(0, { date: 'yesterday' }), 'done');
});

test('signs in as a GitHub App, for the API and for Git', async () => {
  const seen: string[] = [];
  const baseUrl = await answering((request, response) => {
    seen.push(
      `${request.method} ${request.url?.split('?')[0]} ${request.headers.authorization?.slice(0, 12)}`,
    );
    if (request.method === 'POST')
      return json(response, 201, {
        token: 'ghs_installation',
        expires_at: '2099-01-01T00:00:00Z',
        permissions: {},
      });
    return json(response, 200, []);
  });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const forge = openForge({
    baseUrl,
    owner: 'acme',
    repo: 'access',
    appAuth: {
      appId: 7,
      installationId: 9,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
  });
  assert.equal(await forge.token(), 'ghs_installation');
  assert.deepEqual(await forge.listPulls('grantgate/review/', 0), []);
  assert.match(seen[0] ?? '', /^POST \/app\/installations\/9\/access_tokens bearer ey/i);
  assert.match(seen[1] ?? '', /^GET \/repos\/acme\/access\/pulls token ghs_in/);
});

test('quotes one line of what the forge says, and no page of HTML', async () => {
  const page = `<html><body>${'<p>Unicorn!</p>'.repeat(500)}</body></html>`;
  const baseUrl = await answering((_, response) =>
    response.writeHead(502, { 'content-type': 'text/html' }).end(page),
  );
  const forge = openForge({ baseUrl, owner: 'acme', repo: 'access', retries: 0 });
  await assert.rejects(forge.listPulls('grantgate/review/', 0), (error: Error) => {
    assert.match(error.message, /^GET \/repos\/acme\/access\/pulls answered 502: /);
    assert.doesNotMatch(error.message, /</);
    assert.ok(error.message.length < 200);
    return true;
  });
});

test('reads page after page, and of closed ones no more than it needs', async () => {
  const asked: string[] = [];
  const baseUrl = await answering((request, response) => {
    const url = new URL(`http://forge${request.url}`);
    const [state, page] = [url.searchParams.get('state'), Number(url.searchParams.get('page') ?? 1)];
    asked.push(`${state} ${page}`);
    url.searchParams.set('page', String(page + 1));
    if (page < 3) response.setHeader('link', `<${baseUrl}${url.pathname}${url.search}>; rel="next"`);
    const closed = {
      state: 'closed',
      closed_at: '2026-11-01T00:00:00Z',
      updated_at: `2026-11-0${4 - page}T00:00:00Z`,
    };
    return json(response, 200, [
      listed({ number: page, ...(state === 'closed' && { ...closed, number: 10 + page }) }),
    ]);
  });
  const forge = openForge({ baseUrl, owner: 'acme', repo: 'access' });
  const found = await forge.listPulls('grantgate/review/', Date.parse('2026-11-02T12:00:00Z'));
  assert.deepEqual(asked, ['open 1', 'open 2', 'open 3', 'closed 1', 'closed 2']);
  assert.deepEqual(
    found.map(({ number }) => number),
    [1, 2, 3, 11, 12],
  );
});

test('a list that is refused as a conflict, breaks off, or is none, is a failure, and not taken for an empty one', async () => {
  let answer = (response: ServerResponse) => json(response, 409, { message: 'Git Repository is empty.' });
  const baseUrl = await answering((_, response) => answer(response));
  const forge = openForge({ baseUrl, owner: 'acme', repo: 'access', retries: 0 });
  const cut = (headers: object) => (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.write('[{"number":1,', () => response.socket?.destroy());
    return response;
  };
  const said =
    (text: string, type = 'application/json') =>
    (response: ServerResponse) =>
      response.writeHead(200, { 'content-type': type }).end(text);
  for (const [given, code] of [
    [answer, 'forge-failed'],
    [cut({ 'content-length': 5000 }), 'forge-unreachable'],
    [cut({}), 'forge-unreachable'],
    [said('[{"number":1,'), 'forge-unreachable'],
    [said(''), 'forge-unreachable'],
    [said('""'), 'forge-unreachable'],
    [said('<html>Sign in</html>', 'text/html'), 'forge-unreachable'],
  ] as const) {
    answer = given;
    for (const ask of [
      () => forge.listPulls('grantgate/review/', 0),
      () => forge.comments(1),
      () => forge.issues('grantgate-dashboard'),
      () => forge.isApproved(1),
    ])
      await assert.rejects(ask, { code });
  }
});

test('what was closed under an earlier name of the base branch counts, and not what was closed of another branch', async () => {
  const closed = (number: number, ref: string, commit: string | null = null) =>
    listed({
      ...{ number, state: 'closed', closed_at: '2026-11-23T10:00:00Z', base: { ref } },
      ...(commit !== null && { merged_at: '2026-11-23T10:00:00Z', merge_commit_sha: commit }),
    });
  const [held, aside] = ['a'.repeat(40), 'b'.repeat(40)];
  const old = [
    ...[closed(2, 'main'), closed(3, 'master'), closed(4, 'master', held)],
    ...[closed(5, 'staging'), closed(6, 'staging', aside), closed(7, 'gone'), closed(8, 'gone', held)],
  ];
  const asked: string[] = [];
  const baseUrl = await answering((request, response) => {
    const { pathname, searchParams } = new URL(`http://forge${request.url}`);
    const path = pathname.replace('/repos/acme/access', '');
    if (path === '/pulls') {
      if (searchParams.get('state') === 'open') return json(response, 200, [listed()]);
      // As GitHub does: a pull request that is closed keeps the name that its base had.
      const base = searchParams.get('base');
      return json(
        response,
        200,
        old.filter((pull) => base === null || pull.base.ref === base),
      );
    }
    asked.push(path);
    if (path === '/branches/master')
      return response.writeHead(301, { location: `${baseUrl}/repos/acme/access/branches/main` }).end();
    if (path === '/branches/main' || path === '/branches/staging')
      return json(response, 200, { name: path.slice('/branches/'.length) });
    if (path.startsWith('/compare/main...'))
      return json(response, 200, { status: path.endsWith(held) ? 'behind' : 'ahead' });
    if (path === `/commits/${held}/pulls`)
      return json(response, 200, [old[4], { ...old[6], merge_commit_sha: held }]);
    if (path === '/commits/rebased/pulls') return json(response, 200, [old[1], old[4], old[2]]);
    return json(response, 404, { message: 'Branch not found' });
  });
  const forge = openForge({ baseUrl, owner: 'acme', repo: 'access', retries: 0 });
  assert.deepEqual(
    (await forge.listPulls('grantgate/review/', 0)).map(({ number }) => number),
    [1, 2, 3, 4, 8],
  );
  assert.deepEqual(
    asked.filter((path) => path !== '/branches/main'),
    [
      '/branches/master',
      `/compare/main...${held}`,
      '/branches/staging',
      `/compare/main...${aside}`,
      '/branches/gone',
    ],
  );
  // Of a commit of the branch, which a rebase made of one of several.
  assert.equal(await forge.mergedAs('rebased'), 4);
  assert.equal(await forge.mergedAs(held), 8);
});

test('GraphQL that fails is asked again by a later run; only what it says no to is not known', async () => {
  const review = (id: number) => ({
    ...{ id, node_id: `R${id}`, user: { login: 'ann' }, body: '/keep idle 2027-03-31 audit' },
    submitted_at: '2026-11-23T10:00:00Z',
  });
  const answers: object[] = [];
  const refusals: Record<string, string>[] = [];
  const baseUrl = await answering((request, response) => {
    const refusal = request.url === '/graphql' ? refusals.shift() : undefined;
    if (refusal !== undefined) return response.writeHead(403, refusal).end('{}');
    if (request.url === '/graphql') return json(response, 200, answers.shift() ?? {});
    return json(response, 200, request.url?.includes('/reviews') ? [review(1), review(2)] : []);
  });
  const forge = openForge({ baseUrl, owner: 'acme', repo: 'access', retries: 0, waitMs: 0 });
  const edited = async (answer: object) => {
    answers.push(answer);
    return (await forge.comments(1)).map(({ isEdited }) => isEdited);
  };
  const error = (type?: string, message = 'no') => ({ data: null, errors: [{ message, ...{ type } }] });
  const untouched = { lastEditedAt: null };
  assert.deepEqual(await edited({ data: { nodes: [untouched, untouched] } }), [false, false]);
  // What went wrong this time is nobody's word on the review.
  await assert.rejects(edited(error(undefined, 'Something went wrong')), { code: 'forge-failed' });
  await assert.rejects(edited(error('SERVICE_UNAVAILABLE')), { code: 'forge-failed' });
  const limits = [
    error('RATE_LIMITED', 'API rate limit exceeded'),
    {
      errors: [
        { type: 'RATE_LIMIT', code: 'graphql_rate_limit', message: 'API rate limit already exceeded' },
      ],
    },
    error(undefined, 'You have exceeded a secondary rate limit.'),
  ];
  for (const limit of limits) await assert.rejects(edited(limit), { code: 'forge-limited' });
  // A forge elsewhere is spared, by what throws a limit in its own way.
  answers.push(limits[0] as object);
  const elsewhere = openForge({
    ...{ baseUrl: baseUrl.replace('127.0.0.1', '0.0.0.0'), owner: 'acme', repo: 'access' },
    ...{ retries: 0, waitMs: 0 },
  });
  await assert.rejects(elsewhere.comments(1), { code: 'forge-limited' });
  // What will be said again is.
  for (const type of ['FORBIDDEN', 'INSUFFICIENT_SCOPES'])
    assert.deepEqual(await edited(error(type)), ['unknown', 'unknown']);
  const field = { message: 'no such field', extensions: { code: 'undefinedField' } };
  assert.deepEqual(await edited({ errors: [field] }), ['unknown', 'unknown']);
  // So is a token that may not ask at all, and not one that is to wait.
  refusals.push({}, { 'retry-after': '1' });
  assert.deepEqual(await edited({}), ['unknown', 'unknown']);
  await assert.rejects(edited({}), { code: 'forge-limited' });
  answers.splice(0);
  const gone = { data: { nodes: [untouched, null] }, errors: [{ message: 'gone', type: 'NOT_FOUND' }] };
  assert.deepEqual(await edited(gone), [false, 'unknown']);
});

test("takes a fork's branch of the same name, another base or another branch for none of its own", async () => {
  const ours = listed();
  const others = [
    listed({ head: { ref: 'grantgate/review/group-a/removal', repo: { full_name: 'eve/access' } } }),
    listed({ head: { ref: 'grantgate/review/group-a/removal', repo: null } }),
    listed({ number: 2, base: { ref: 'other' } }),
    listed({ head: { ref: 'feature', repo: { full_name: 'acme/access' } } }),
  ];
  const baseUrl = await answering((request, response) =>
    json(response, 200, request.url?.includes('state=open') ? [ours, ...others] : []),
  );
  const forge = openForge({ baseUrl, owner: 'acme', repo: 'access' });
  assert.equal((await forge.listPulls('grantgate/review/', 0)).length, 1);
});

test('an app’s token is its account’s, and whoever is not told of is taken for nobody', async () => {
  let status = 200;
  let viewer: object = { data: { viewer: { login: 'review-of-acme[bot]' } } };
  const baseUrl = await answering(({ url }, response) =>
    url === '/user' && status === 200
      ? json(response, 200, { login: 'ann' })
      : url === '/graphql'
        ? json(response, 200, viewer)
        : json(response, url === '/user' ? status : 200, []),
  );
  const target = { baseUrl, owner: 'acme', repo: 'access', retries: 0 };
  const ask = (answers: number) => {
    status = answers;
    return [openForge(target).whoAmI(), openChecks(target).ownComments(1)] as const;
  };
  assert.equal(await ask(200)[0], 'ann');
  for (const answers of [403, 404]) {
    const [forge, checks] = ask(answers);
    assert.deepEqual([await forge, await checks], ['review-of-acme[bot]', []]);
  }
  assert.equal(
    await openForge({ ...target, account: 'review-of-acme[bot]' }).whoAmI(),
    'review-of-acme[bot]',
  );
  for (const [answers, code] of [
    [401, 'forge-unauthorized'],
    [500, 'forge-failed'],
  ] as const)
    for (const asked of ask(answers)) await assert.rejects(asked, { code });
  viewer = { errors: [{ type: 'FORBIDDEN', message: 'Resource not accessible by integration' }] };
  for (const asked of ask(403)) await assert.rejects(asked, { code: 'forge-forbidden' });
});

test('a text is ours that our account wrote last, whatever it says, and a status that it set', async () => {
  const [ours, other] = ['review-of-acme[bot]', 'other[bot]'];
  const [at, later] = ['2026-11-23T10:00:00Z', '2026-11-23T10:00:01Z'];
  const body = '<!-- grantgate:told half -->\nhi';
  const written = [
    { id: 1, login: ours, updated: at, edited: null },
    { id: 2, login: ours, updated: later, edited: later },
    // Within the second in which it was written.
    { id: 3, login: ours, updated: at, edited: at },
    { id: 4, login: other, updated: at, edited: null },
    { id: 5, login: 'ann', updated: at, edited: null },
    { id: 6, login: ours, updated: later, edited: null },
  ];
  const [ann, eve] = [{ login: 'ann' }, { login: 'eve' }];
  const reviews = [
    { body: '/keep', node: { lastEditedAt: null } },
    { body: '/keep', node: { lastEditedAt: later, editor: ann, author: ann } },
    // Written until it was submitted; by somebody else within that second.
    { body: '/keep', node: { lastEditedAt: at, editor: ann, author: ann } },
    { body: '/keep', node: { lastEditedAt: at, editor: eve, author: ann } },
    { body: '/keep', node: { lastEditedAt: at, editor: null, author: ann } },
    // What people do not see may stand before a command.
    { body: '<!-- I have\nseen it -->/keep', node: { lastEditedAt: later, editor: eve, author: ann } },
  ];
  const [early, soon] = ['2026-11-23T09:00:00Z', '2026-11-23T09:00:01Z'];
  // Beside lines, most begun an hour before their review was submitted.
  const beside = [
    { review: 0, node: { lastEditedAt: null } },
    { review: 0, node: { lastEditedAt: soon, editor: ann, author: ann } },
    { review: 0, node: { lastEditedAt: at, editor: ann, author: ann } },
    { review: 0, node: { lastEditedAt: at, editor: eve, author: ann } },
    { review: 0, node: { lastEditedAt: later, editor: ann, author: ann } },
    // With a review that is gone: then since it was begun.
    { review: 99, node: { lastEditedAt: null } },
    { review: null, node: { lastEditedAt: soon, editor: ann, author: ann } },
  ];
  const text = (author: string, editor: string | null, kind = 'Bot') => ({
    ...{ body: '<!-- grantgate:review {} -->', author: { __typename: 'Bot', login: author } },
    editor: editor === null ? null : { __typename: kind, login: editor },
    lastEditedAt: editor === null ? null : later,
    timelineItems: { nodes: [] },
  });
  const pulls = [
    text('review-of-acme', null),
    text('review-of-acme', 'ann', 'User'),
    text('other', 'review-of-acme'),
    text('other', null),
    // A person's name that looks like it, and an account that is gone.
    text('review-of-acme', 'review-of-acme', 'User'),
    { ...text('review-of-acme', null), lastEditedAt: later },
    text('review-of-acme[bot]', null),
    // More than are asked about at once.
    ...Array.from({ length: 50 }, () => text('review-of-acme', null)),
  ];
  const statuses = [
    { context: 'a', state: 'success', creator: { login: other } },
    { context: 'a', state: 'pending', creator: { login: ours } },
    { context: 'b', state: 'success', creator: { login: ours } },
    { context: 'a', state: 'success', creator: { login: ours } },
  ];
  const baseUrl = await answering(async (request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/graphql') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { query, variables } = JSON.parse(Buffer.concat(chunks).toString());
      const nodes = new Map<string, object>([
        ...written.map(({ id, edited }) => [`c${id}`, { lastEditedAt: edited }] as const),
        ...reviews.map(({ node }, id) => [`r${id}`, node] as const),
        ...beside.map(({ node }, id) => [`b${id}`, node] as const),
      ]);
      const numbers = [...query.matchAll(/n(\d+):/g)].map(([, number]) => Number(number));
      return /viewer/.test(query)
        ? json(response, 200, { data: { viewer: { login: ours } } })
        : /lastEditedAt timelineItems/.test(query)
          ? json(response, 200, {
              data: { repository: Object.fromEntries(numbers.map((at) => [`n${at}`, pulls[at]])) },
            })
          : json(response, 200, {
              data: { nodes: variables.ids.map((id: string) => nodes.get(id) ?? null) },
            });
    }
    if (path === '/user') return json(response, 403, {});
    if (path?.endsWith('/statuses')) return json(response, 200, statuses);
    if (path?.endsWith('/pulls/1/comments'))
      return json(
        response,
        200,
        beside.map(({ review }, id) => ({
          ...{ id, node_id: `b${id}`, user: ann, body: '/keep', created_at: early, updated_at: later },
          pull_request_review_id: review,
        })),
      );
    if (path?.endsWith('/reviews'))
      return json(
        response,
        200,
        reviews.map(({ body }, id) => ({
          ...{ id, node_id: `r${id}`, user: ann, body, submitted_at: at },
        })),
      );
    const issue = /\/issues\/(\d+)$/.exec(path ?? '')?.[1];
    if (issue !== undefined)
      return json(response, 200, {
        ...{ number: Number(issue), state: 'open', user: ann, created_at: at },
        body: issue === '3' ? 'as it was' : '<!-- grantgate:review {} -->',
      });
    if (request.method !== 'GET') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { body: said } = JSON.parse(Buffer.concat(chunks).toString());
      return json(response, 200, listed({ body: said === 'mine' ? 'theirs' : said.replace('\n', '\r\n') }));
    }
    if (path?.endsWith('/pulls'))
      return json(
        response,
        200,
        pulls.map((_, number) => listed({ number, body: '<!-- grantgate:review {"old":1} -->' })),
      );
    return json(
      response,
      200,
      path?.endsWith('/comments')
        ? written.map(({ id, login, updated }) => ({
            ...{
              id,
              node_id: `c${id}`,
              user: { login, type: 'Bot' },
              body,
              created_at: at,
              updated_at: updated,
            },
          }))
        : [],
    );
  });
  const forge = openForge({ baseUrl, owner: 'acme', repo: 'access', retries: 0 });
  const said = await forge.comments(1);
  const ofKind = (kind: string) => said.filter((one) => one.kind === kind);
  assert.deepEqual(
    ofKind('comment').map(({ isOurs }) => isOurs),
    [true, false, false, false, false, false],
  );
  assert.deepEqual(
    ofKind('review').map(({ isEdited }) => isEdited),
    [false, true, false, true, true, true],
  );
  assert.deepEqual(
    ofKind('review-comment')
      .sort((a, b) => a.id - b.id)
      .map(({ key, isEdited, atMs }) => [key, isEdited, atMs]),
    [false, false, false, true, true, false, true].map((isEdited, id) => [
      ...[`rc${id}`, isEdited, Date.parse(id < 5 ? at : early)],
    ]),
  );
  const found = await forge.listPulls('grantgate/', 0);
  assert.deepEqual(
    found.map(({ isOurs }) => isOurs),
    [true, false, true, false, false, false, ...Array(51).fill(true)],
  );
  assert.deepEqual(await Promise.all([0, 1, 3].map(async (number) => (await forge.issue(number)).isTheirs)), [
    true,
    false,
    false,
  ]);
  for (const [body, isOurs] of [
    ['line\nline', true],
    ['mine', false],
  ] as const) {
    assert.equal((await forge.createPull('grantgate/a', { title: 't', body })).isOurs, isOurs);
    assert.equal((await forge.updatePull(1, { body })).isOurs, isOurs);
  }
  assert.equal(found[0]?.body, '<!-- grantgate:review {} -->', 'as it is where it is told whose it is');
  assert.deepEqual(
    await Promise.all(['a', 'b', 'c'].map((context) => forge.hasStatus('f'.repeat(40), context))),
    [false, true, false],
  );
});

test('what is closed while it is listed is listed once, as closed', async () => {
  const baseUrl = await answering((request, response) => {
    const isOpen = request.url?.includes('state=open') === true;
    const closed = { state: 'closed', closed_at: '2026-11-23T11:00:00Z', merged_at: '2026-11-23T11:00:00Z' };
    return json(response, 200, [
      listed({ number: 7, ...(!isOpen && closed) }),
      listed({ number: isOpen ? 8 : 9, ...(!isOpen && closed) }),
    ]);
  });
  const found = await openForge({ baseUrl, owner: 'acme', repo: 'access' }).listPulls('grantgate/', 0);
  assert.deepEqual(
    found.map(({ number, state, merged }) => [number, state, merged]),
    [
      [7, 'closed', true],
      [8, 'open', false],
      [9, 'closed', true],
    ],
  );
});

test('a repository that was renamed knows its pull requests still, and a fork’s for none of them', async () => {
  const at = (full_name: string | null) => ({
    head: { ref: 'grantgate/review/group-a/removal', repo: full_name === null ? null : { full_name } },
    base: { ref: 'main', repo: { full_name: 'Acme/entitlements' } },
  });
  const pulls = [
    listed({ number: 1, ...at('acme/entitlements') }),
    listed({ number: 2, ...at('eve/entitlements') }),
    // Whoever takes the name that has become free.
    listed({ number: 3, ...at('acme/access') }),
    listed({ number: 4, ...at(null) }),
  ];
  const baseUrl = await answering((request, response) => {
    const one = /\/pulls\/(\d)$/.exec(request.url ?? '')?.[1];
    if (one === undefined) return json(response, 200, request.url?.includes('state=open') ? pulls : []);
    return json(response, 200, { ...pulls[Number(one) - 1], user: { login: 'ann' } });
  });
  const target = { baseUrl, owner: 'acme', repo: 'access' };
  const found = await openForge(target).listPulls('grantgate/', 0);
  assert.deepEqual(
    found.map(({ number }) => number),
    [1],
  );
  // The owner's own fork is asked for by the same name.
  pulls.splice(0, 1);
  assert.equal(await openForge(target).findOpen('grantgate/review/group-a/removal'), null);
  pulls.unshift(listed({ number: 1, ...at('acme/entitlements') }));
  assert.equal((await openForge(target).findOpen('grantgate/review/group-a/removal'))?.number, 1);
  assert.equal(await openForge(target).findOpen('grantgate/review/group-a/urgent'), null);
  const checks = openChecks(target);
  const forks = await Promise.all([1, 2, 3, 4].map(async (number) => (await checks.pull(number)).isFork));
  assert.deepEqual(forks, [false, true, true, true]);
});
