import * as assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createAdmit } from '../../gateway/admit.ts';
import type { Admission } from '../../gateway/decision/admission.ts';
import { createCallers } from '../../gateway/decision/caller.ts';
import { newMemory } from '../../gateway/decision/decision.ts';
import type { Enforcement } from '../../gateway/decision/enforcement.ts';
import { createAuthenticate } from '../../gateway/identity/authenticate.ts';
import type { TokenClaims } from '../../gateway/identity/tokenClaims.ts';
import { createLimit } from '../../gateway/limits/limit.ts';
import { createQuota } from '../../gateway/limits/quota.ts';
import { createRecordLine } from '../../gateway/record/recordLine.ts';
import { createAssertionOf } from '../../gateway/upstream/assertion.ts';
import { createForwardable } from '../../gateway/upstream/headers.ts';
import { upstreamHeaders } from '../../gateway/upstream/upstreamRequest.ts';
import { suite } from '../_suite.ts';

const test = suite('secondRequest');

/** A caller's way through all stages, and what was made on it. */
function world() {
  const made = { identified: 0, evaluated: 0, signed: 0, rendered: 0, joined: 0, told: 0 };
  let nowMs = 1_000_000;
  const groups = ['group:a'];
  groups.join = (by) => {
    made.joined += 1;
    return Array.prototype.join.call(groups, by);
  };
  const result = {
    ...{ allow: true, grants: ['orders-read'], reason: 'granted' },
    toJSON: () => {
      made.rendered += 1;
      return 'result';
    },
  };
  const { decide } = createCallers(({ identity: { subject }, route, method, networks, time }) => {
    made.evaluated += 1;
    const asked = { api: route.api, operation: route.operation, method, path: route.template };
    return {
      input: { subject, groups, ...asked, networks, mfa: false, time },
      ...{ result, nanoseconds: 0, bounds: new Map(), failure: null, memory: newMemory() },
      holds: { from: 0, until: 1e9 },
    };
  }, null);
  const route = { api: 'orders', operation: 'list', template: '/orders', upstream: 'http://127.0.0.1:9' };
  const enforcement = {
    snapshot: {
      revision: 'r',
      apis: new Map([['orders', { route: { prefix: '/orders', strip: false } }]]),
      credentials: { jwtSubjects: new Map(), jwtClaims: new Map() },
    },
    route: () => ({ ...route, base: '', strip: 0 }),
    networksOf: () => [],
    previous: null,
    decide,
  } as unknown as Enforcement;
  const claims: TokenClaims = {
    ...{ id: 'token', method: 'jwt', issuer: 'https://issuer', sub: 'ann', groups: null, mfa: false },
    ...{ expiresAt: null, payload: {}, bytes: 100 },
    get login() {
      made.identified += 1;
      return 'ann';
    },
  };
  const { privateKey } = generateKeyPairSync('ed25519');
  const signing = {
    ...{ kid: 'k', alg: 'EdDSA' as const, createdMs: 0, jwk: {} },
    get key() {
      made.signed += 1;
      return privateKey;
    },
  };
  const now = () => nowMs;
  const recordLine = createRecordLine('gw');
  const lines: string[] = [];
  const admit = createAdmit({
    enforcement: () => enforcement,
    authenticate: createAuthenticate({ verifyJwt: () => claims, introspect: null, now }),
    limits: {
      ...{ arrive: () => undefined, failed: () => undefined, body: 1000 },
      quota: createQuota({ limit: createLimit(), concurrency: () => 10 }),
    },
    writer: {
      write: (record, written) => {
        lines.push(recordLine(record, 1));
        setImmediate(() => written?.(null));
      },
    },
    assertionOf: createAssertionOf({
      ...{ keys: { signing: () => signing }, per: 'caller', issuer: 'gw', lifetimeMs: 60_000, now },
    }),
    onAllowed: () => {
      made.told += 1;
    },
    now,
    elapsed: now,
    onOutcome: () => undefined,
    onFailure: (error) => {
      throw error;
    },
  });
  const forwardable = createForwardable();
  const rawHeaders = ['Host', 'api.example.com', 'Authorization', 'Bearer e.e.e'];
  const request = async (afterMs: number) => {
    nowMs += afterMs;
    const carrier = { destroyed: false, onEnd: () => undefined };
    const asked = { method: 'GET', target: '/orders', rawHeaders, address: '192.0.2.1', carrier };
    const admission = await new Promise<Admission>((done, fail) =>
      admit(asked, { admitted: done, refused: fail }),
    );
    const sent = { rawHeaders, headers: {} } as IncomingMessage;
    const headers = upstreamHeaders(sent, admission, forwardable, () => undefined);
    const { id, decision } = admission;
    return {
      ...{ admission, memory: decision.memory, remembered: { ...decision.memory } },
      said: [...headers, lines.at(-1)].map((text) => text?.replaceAll(id, 'ID')),
    };
  };
  return { request, made };
}

test('the second request of a caller identifies, evaluates, signs, renders and tells nothing', async () => {
  const { request, made } = world();
  const first = await request(0);
  const once = { ...made };
  for (const [what, times] of Object.entries(once)) assert.ok(times > 0, what);
  const second = await request(0);
  assert.deepEqual(second.said, first.said);
  // In another second too: the decision holds.
  const third = await request(1000);
  assert.deepEqual(made, once);
  assert.equal(third.admission.identity, first.admission.identity);
});

test('what is known of a caller is one thing, and each who made a part of it takes it from there', async () => {
  const { request, made } = world();
  const first = await request(0);
  for (const part of Object.values(first.memory)) assert.notEqual(part, null);
  for (const next of [await request(0), await request(1000), await request(0)]) {
    assert.equal(next.memory, first.memory, 'it is handed along, not copied');
    for (const [part, value] of Object.entries(next.remembered))
      assert.equal(value, Object.entries(first.remembered).find(([name]) => name === part)?.[1], part);
  }
  // Somebody else's word in its place is believed by whoever looks there, and nobody looks anywhere else.
  const open = { count: 0, dropped: false };
  Object.assign(first.memory, {
    open,
    headers: ['x-grantgate-subject', 'as remembered'],
    record: { revision: 'r', before: '"time":', after: ',"as":"remembered"' },
  });
  const { said } = await request(0);
  assert.ok(said.includes('as remembered'));
  assert.match(String(said.at(-1)), /"time":1001,"as":"remembered"/);
  assert.equal(open.count, 1);
  await request(60_000);
  assert.equal(made.told, 2, 'whoever is told of calls is told once a minute');
});
