import * as assert from 'node:assert/strict';
import { suite } from '../../_suite.ts';
import type { Reply } from './_providers.ts';
import {
  fileOf,
  kinds,
  noon,
  one,
  organisation,
  refill,
  stubs,
  textOf,
  withProviders,
  world,
} from './_sync.ts';

const test = suite('faults of providers');
withProviders(test);

for (const kind of kinds) {
  test(`no page of ${kind} may be missing: a fault at any request leaves the file as it was`, async () => {
    const here = world(kind);
    await here.run();
    const before = fileOf(here, kind);
    organisation.people[3] = { id: '19', login: 'new@example.com' };
    stubs[kind].requests.length = 0;
    await here.run({ write: false });
    const total = stubs[kind].requests.length;
    const faults: [Reply, RegExp][] = [
      [{ status: 500, raw: '<html>oops</html>' }, /^sync-failed$/],
      [{ status: 403, body: {} }, /^sync-forbidden$/],
      [{ status: 404, body: {} }, /^sync-not-found$/],
      [{ status: 200, raw: '<html>Sign in</html>' }, /^sync-answer$/],
      [{ status: 200, body: { error: 'x' } }, /^sync-answer$/],
      [{ status: 200, body: null, raw: '{"value":[{}]}' }, /^sync-answer$/],
      [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, /^sync-answer$/],
      [{ cut: true }, /^sync-unreachable$/],
    ];
    for (let at = 1; at <= total; at += 1) {
      const [reply, code] = faults[at % faults.length] ?? [{}, /./];
      stubs[kind].requests.length = 0;
      stubs[kind].fault = (request, number) =>
        // The token is another matter; its own test is below.
        number >= at && request.method === 'GET' ? reply : null;
      const failure = await here.run().then(
        () => null,
        (error: unknown) => error as { code: string; message: string },
      );
      if (kind === 'entra' && at === 1) continue;
      assert.ok(failure, `fault at request ${at}`);
      assert.match(failure.code, code, `${at}: ${failure.message}`);
      assert.doesNotMatch(failure.message, /html|Sign in/);
      assert.equal(fileOf(here, kind), before);
    }
  });

  test(`faults of ${kind} that pass are waited out`, async () => {
    const pauses: number[] = [];
    const here = world(kind, '', pauses);
    const replies: Reply[] = [
      { status: 429, headers: { 'retry-after': '7' } },
      { status: 429, headers: { 'retry-after': new Date(noon + 9000).toUTCString() } },
      { status: 429, headers: { 'x-rate-limit-reset': String(noon / 1000 + 11) } },
      { status: 503, headers: { 'retry-after': '13' } },
      { status: 502 },
      { cut: true },
    ];
    const due = [...replies];
    // Never the same request twice in a row: that is what the bound is for.
    let failed = false;
    stubs[kind].fault = (request) => {
      failed = !failed && request.method === 'GET';
      return failed ? (due.shift() ?? null) : null;
    };
    await here.run();
    const left = Math.max(0, replies.length - stubs[kind].requests.length / 2);
    assert.ok(due.length <= left, `${due.length}`);
    assert.deepEqual(pauses.slice(0, 4), [7000, 9000, 11_000, 13_000]);
  });
}

test('a rate that is used up is waited for before the next request, and never for ever', async () => {
  const pauses: number[] = [];
  const here = world('okta', '', pauses);
  let clock = noon;
  const sleep = async (ms: number) => {
    pauses.push(ms);
    clock += ms;
  };
  stubs.okta.fault = (_, number) =>
    number === 1
      ? {
          headers: { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': String(noon / 1000 + 30) },
          body: [],
        }
      : null;
  await assert.rejects(here.run({ sleep, now: () => clock }), { code: 'sync-shrunk' });
  assert.deepEqual(pauses, [30_000]);
  stubs.okta.fault = () => ({ status: 429, headers: { 'retry-after': '240' } });
  await assert.rejects(here.run({ sleep, now: () => clock }), { code: 'sync-limited' });
});

test('the credential is renewed once, and never sent anywhere else', async () => {
  const here = world('entra');
  let refused = 0;
  stubs.entra.fault = (request) =>
    request.url?.startsWith('/v1.0/groups') && refused++ === 0 ? { status: 401, body: {} } : null;
  await here.run();
  assert.equal(stubs.entra.requests.filter((line) => line.startsWith('POST')).length, 2);
  stubs.entra.fault = (request) => (request.method === 'GET' ? { status: 401, body: {} } : null);
  await assert.rejects(here.run(), { code: 'sync-unauthorized' });
  stubs.entra.fault = () => null;
  await assert.rejects(here.run({ env: { SECRET: 'wrong' } }), (error: Error & { code: string }) => {
    assert.equal(error.code, 'sync-unauthorized');
    assert.match(error.message, /401 invalid_client$/);
    return true;
  });

  const elsewhere = stubs.scim;
  for (const kind of ['okta', 'entra', 'github'] as const) {
    stubs[kind].fault = (request) =>
      request.method === 'POST'
        ? null
        : {
            headers: { link: `<${elsewhere.url}/x>; rel="next"` },
            body: kind === 'entra' ? { value: [], '@odata.nextLink': `${elsewhere.url}/x` } : [],
          };
    await assert.rejects(world(kind).run(), { code: 'sync-answer' }, kind);
  }
  assert.deepEqual(elsewhere.requests, []);
});

test('a list whose place was forgotten is read from its beginning, and not for ever', async () => {
  for (const [kind, status] of [
    ['okta', 400],
    ['entra', 410],
    ['github', 410],
  ] as const) {
    const here = world(kind);
    const isLater = (url = '') => /[?&](?:after|%24skiptoken|\$skiptoken)=/.test(url);
    let forgotten = 0;
    stubs[kind].fault = ({ url }) => {
      if (!isLater(url) || forgotten === 2) return null;
      forgotten += 1;
      // Whoever came meanwhile stands where we have been already.
      if (forgotten === 1) organisation.people.unshift({ id: '99', login: 'first@example.com' });
      return { status, body: { error: { code: 'Directory_ExpiredPageToken' } } };
    };
    assert.equal((await one(here)).people, 6, kind);
    assert.match(fileOf(here, kind), /first@example.com/);
    const before = fileOf(here, kind);
    stubs[kind].fault = ({ url }) => (isLater(url) ? { status } : null);
    await assert.rejects(here.run(), { code: 'sync-gone' });
    // Of a first page it is no place in a list that is wrong.
    stubs[kind].requests.length = 0;
    stubs[kind].fault = ({ method }) => (method === 'GET' ? { status } : null);
    await assert.rejects(here.run(), { code: 'sync-gone' });
    assert.equal(stubs[kind].requests.filter((line) => line.startsWith('GET')).length, 1);
    assert.equal(fileOf(here, kind), before);
    organisation.people.shift();
  }
});

test('a page without anybody is not the end, where it leads on', async () => {
  for (const kind of ['okta', 'entra', 'github'] as const) {
    let empty = 0;
    stubs[kind].fault = ({ method, url = '' }) => {
      if (method !== 'GET' || empty++ > 0) return null;
      // The list begins one page later.
      const next = `${stubs[kind].url}${url}&x=1`;
      const body = kind === 'entra' ? { value: [], '@odata.nextLink': next } : [];
      return { headers: { link: `<${next}>; rel="next"` }, body };
    };
    assert.equal((await one(world(kind))).people, 5, kind);
  }
});

test('pages that lead in a circle end the read', async () => {
  stubs.okta.fault = (request) => ({
    headers: { link: `<${stubs.okta.url}${request.url}>; rel="next"` },
    body: [],
  });
  await assert.rejects(world('okta').run(), { code: 'sync-incomplete' });
});

test('a secret that is not set is named, and nobody is asked', async () => {
  await assert.rejects(world('okta').run({ env: {} }), /the environment variable TOKEN is not set/);
  assert.deepEqual(stubs.okta.requests, []);
});

test('people who move between two pages are there once; a count that does not come out is read anew', async () => {
  const here = world('scim');
  let moved = 0;
  stubs.scim.between = () => {
    // Somebody at the front goes after the first page: the second begins one too late.
    if (stubs.scim.requests.at(-1)?.includes('/Users?startIndex=3') && moved++ === 0)
      organisation.people.shift();
  };
  assert.equal((await one(here)).people, 4);
  assert.match(fileOf(here, 'scim'), /bob@example.com/);
  // A list that changes under each read is never taken.
  refill();
  let extra = 100;
  stubs.scim.between = () =>
    organisation.people.push({ id: String(extra), login: `p${extra++}@example.com` });
  await assert.rejects(here.run(), { code: 'sync-incomplete' });

  refill();
  stubs.okta.between = () => {
    if (stubs.okta.requests.length === 2) organisation.people.unshift({ id: '10', login: 'zoe@example.com' });
  };
  const logins = [...(await textOf(world('okta'))).matchAll(/login: "([^"]+)"/g)].map(([, login]) => login);
  assert.equal(new Set(logins).size, logins.length);
});
