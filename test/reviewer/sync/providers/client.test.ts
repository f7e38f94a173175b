import * as assert from 'node:assert/strict';
import { createClient } from '../../../../reviewer/sync/providers/client.ts';
import { clientCredentials, fixed } from '../../../../reviewer/sync/providers/tokens.ts';
import { suite } from '../../../_suite.ts';

const test = suite('client of a provider');
const noon = Date.parse('2026-11-23T12:00:00Z');
const base = 'https://example.okta.com';

type Reply = { status?: number; headers?: Record<string, string>; body?: unknown };

/** A provider that answers from a list, and a clock that only pauses move; those who wait at once wait together. */
function world(reply: (url: string, number: number, nowMs: number) => Reply) {
  let now = noon;
  let asked = 0;
  const pauses: number[] = [];
  const surroundings = {
    now: () => now,
    async sleep(ms: number) {
      pauses.push(ms);
      const end = now + ms;
      await new Promise((done) => setImmediate(done));
      now = Math.max(now, end);
    },
    fetch: (async (url: URL | string) => {
      const { status = 200, headers = {}, body = {} } = reply(String(url), ++asked, now);
      return Response.json(body, { status, headers });
    }) as typeof fetch,
  };
  const client = createClient({ ...surroundings, base, authorize: fixed('SSWS t') });
  return { client, surroundings, pauses, asked: () => asked };
}
const httpDate = (ms: number) => new Date(ms).toUTCString();

for (const [name, ahead] of [
  ['before', -3_600_000],
  ['after', 3_600_000],
] as const)
  test(`the end of a limit is told by the provider's clock: an hour ${name} ours, the wait is the same`, async () => {
    const theirs = (now: number) => ({
      date: httpDate(now + ahead),
      'x-rate-limit-reset': String((now + ahead) / 1000 + 30),
    });
    const { client, pauses } = world((_, number, now) =>
      number === 1
        ? { status: 429, headers: theirs(now) }
        : number === 2
          ? { headers: { ...theirs(now), 'x-rate-limit-remaining': '0' } }
          : {},
    );
    await client.get('/1');
    await client.get('/2');
    assert.deepEqual(pauses, [30_000, 30_000]);
    const dated = world((_, number, now) =>
      number > 1
        ? {}
        : {
            status: 503,
            headers: { date: httpDate(now + ahead), 'retry-after': httpDate(now + ahead + 9000) },
          },
    );
    await dated.client.get('/1');
    assert.deepEqual(dated.pauses, [9000]);
  });

test('requests that wait at the same time wait once: a large organisation is read within what may be waited', async () => {
  // Of each minute's five hundred the last waits fifty seconds: twelve times that is less than a quarter of an hour.
  const { client, asked } = world((_, number, now) =>
    number % 500 === 0
      ? { headers: { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': String(now / 1000 + 50) } }
      : { headers: { 'x-rate-limit-remaining': '9' } },
  );
  const worker = async () => {
    for (let page = 0; page < 750; page += 1) await client.get(`/${page}`);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  assert.equal(asked(), 6000);
  // And one that never lets anybody on is given up.
  const never = world(() => ({ status: 429, headers: { 'retry-after': '60' } }));
  await assert.rejects(Promise.all([never.client.get('/1'), never.client.get('/2')]), {
    code: 'sync-limited',
  });
});

test('to be asked to wait is no failure: a fault among limits is tried again', async () => {
  const { client, pauses } = world((_, number) =>
    number <= 7 ? { status: 429, headers: { 'retry-after': '5' } } : number === 8 ? { status: 500 } : {},
  );
  await client.get('/1');
  assert.deepEqual(pauses.slice(-2), [5000, 1000]);
});

test('a limit that GitHub tells of in words alone is waited for a minute, and no other refusal', async () => {
  const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
  const headers = { 'x-ratelimit-remaining': '4800', 'x-ratelimit-reset': String(noon / 1000 + 3000) };
  const { client, pauses } = world((_, number) =>
    number === 1 ? { status: 403, headers, body: { message } } : { headers },
  );
  await client.get('/1');
  assert.deepEqual(pauses, [60_000]);
  const refused = world(() => ({
    status: 403,
    headers,
    body: { message: 'Must be an organization owner.' },
  }));
  await assert.rejects(refused.client.get('/1'), { code: 'sync-forbidden' });
});

test('a token that cannot be had for now is asked for again; one that is refused is not', async () => {
  const replies: Reply[] = [
    { status: 503 },
    { status: 429, headers: { 'retry-after': '17' }, body: { error: 'temporarily_unavailable' } },
    { body: { access_token: 't', expires_in: 3600 } },
  ];
  const { surroundings, pauses } = world((url) =>
    url.endsWith('/token') ? (replies.shift() ?? { status: 400, body: { error: 'invalid_client' } }) : {},
  );
  const token = () =>
    clientCredentials({
      ...surroundings,
      url: `${base}/token`,
      scope: 's',
      clientId: 'c',
      proof: { secret: 'hunter2' },
    });
  await createClient({ ...surroundings, base, authorize: token() }).get('/1');
  assert.deepEqual(pauses, [1000, 17_000]);
  await assert.rejects(createClient({ ...surroundings, base, authorize: token() }).get('/1'), {
    code: 'sync-unauthorized',
    message: `${base}/token gives no token: 400 invalid_client`,
  });
  assert.equal(pauses.length, 2);
});

test('an answer that sends elsewhere is not followed, and says what may be wrong', async () => {
  // GitHub sends whoever is no member of an organisation on to those members who show it.
  const { client } = world(() => ({ status: 302, headers: { location: `${base}/public_members` } }));
  await assert.rejects(
    client.get('/orgs/x/members'),
    /answered 302: it sends us elsewhere, which is not followed/,
  );
});
