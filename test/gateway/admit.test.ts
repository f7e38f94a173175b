import * as assert from 'node:assert/strict';
import { parseRate } from '../../bundle/format/rate.ts';
import { createAdmit } from '../../gateway/admit.ts';
import type { Admission } from '../../gateway/decision/admission.ts';
import { newMemory } from '../../gateway/decision/decision.ts';
import type { Enforcement } from '../../gateway/decision/enforcement.ts';
import { Refusal } from '../../gateway/http/refusal.ts';
import type { Identity } from '../../gateway/identity/authenticate.ts';
import { createLimit, type Limit } from '../../gateway/limits/limit.ts';
import { createQuota } from '../../gateway/limits/quota.ts';
import type { DecisionRecord } from '../../gateway/record/record.ts';
import { suite } from '../_suite.ts';

const test = suite('admit');
const identity: Identity = { subject: 'user:ann@example.com', groups: null, mfa: false, expiresAt: null };
const request = {
  method: 'GET',
  target: '/orders',
  rawHeaders: ['Host', 'api.example.com'],
  address: '192.0.2.1',
};

/** A revision that allows, or denies, everything; `office` says whether the caller is in that network. */
function revision(
  name: string,
  allow: boolean,
  { office = true, grant = 'orders-read', rate = null as string | null } = {},
) {
  const asked: (readonly string[])[] = [];
  const enforcement = {
    snapshot: {
      revision: name,
      apis: new Map([['orders', { rate: parseRate('2/min'), route: { prefix: '/orders', strip: false } }]]),
    },
    route: () => ({
      api: 'orders',
      operation: 'list',
      template: '/orders',
      upstream: 'http://127.0.0.1:9',
      strip: 0,
    }),
    networksOf: () => (office ? ['office'] : []),
    previous: null,
    decide: ({ networks }: { networks: readonly string[] }) => {
      asked.push(networks);
      const allowed = allow && networks.length > 0;
      return {
        input: { ...identity, networks, time: 1 },
        result: { allow: allowed, grants: allowed ? [grant] : [], reason: allowed ? 'granted' : 'no-grant' },
        bounds: new Map([[grant, { rate: rate === null ? null : parseRate(rate), expires: null }]]),
        nanoseconds: 1,
        failure: null,
        holds: { from: 0, until: 1 },
        memory: newMemory(),
      };
    },
  } as unknown as Enforcement;
  return { enforcement, asked };
}

function gate(options: {
  enforcement: () => Enforcement;
  authenticate?: () => Identity | Promise<Identity>;
  arrive?: () => void;
  failed?: () => void;
  limit?: Limit;
}) {
  const records: Omit<DecisionRecord, 'instance' | 'seq'>[] = [];
  const failures: unknown[] = [];
  const quota = createQuota({ limit: options.limit ?? createLimit(), concurrency: () => 10 });
  const admit = createAdmit({
    enforcement: options.enforcement,
    authenticate: options.authenticate ?? (() => identity),
    limits: {
      arrive: options.arrive ?? (() => undefined),
      failed: options.failed ?? (() => undefined),
      body: 1000,
      quota,
    },
    writer: {
      write: (record, written) => {
        records.push(record);
        setImmediate(() => written?.(null));
      },
    },
    now: () => 1_000_000,
    elapsed: () => 1_000_000,
    onOutcome: () => undefined,
    onFailure: (error) => failures.push(error),
  });
  const ask = (admitted: (admission: Admission) => void = () => undefined) =>
    new Promise<string>((done) =>
      admit(request, {
        admitted: (admission) => {
          admitted(admission);
          done('admitted');
        },
        refused: ({ status, code }) => done(`${status} ${code}`),
      }),
    );
  return { ask, records, failures };
}

test('what was revoked while the keys were fetched is not let in', async () => {
  const [before, after] = [revision('a', true), revision('b', false)];
  let current = before.enforcement;
  const { ask, records } = gate({
    enforcement: () => current,
    authenticate: async () => {
      await new Promise((done) => setTimeout(done, 5));
      current = after.enforcement;
      return identity;
    },
  });
  assert.equal(await ask(), '403 no-grant');
  assert.deepEqual(
    records.map(({ bundles }) => bundles.grantgate.revision),
    ['b'],
  );
  current = before.enforcement;
  assert.equal(
    await gate({ enforcement: () => current, authenticate: async () => identity }).ask(),
    'admitted',
  );
});

test('a request that waits for nobody is handed to the record before a turn is over; one whose limit is counted elsewhere is not', async () => {
  const { enforcement } = revision('a', true);
  const here = gate({ enforcement: () => enforcement });
  const asked = here.ask();
  const turn = () => new Promise(setImmediate);
  await turn();
  assert.equal(here.records.length, 1);
  assert.equal(await asked, 'admitted');
  let count = (_left: number) => {};
  const counted = new Promise<number>((done) => {
    count = done;
  });
  const there = gate({ enforcement: () => enforcement, limit: () => counted });
  const waiting = there.ask();
  await turn();
  assert.equal(there.records.length, 0);
  count(-1);
  assert.equal(await waiting, 'admitted');
  const over = gate({ enforcement: () => enforcement, limit: async () => 1000 });
  assert.equal(await over.ask(), '429 rate-exceeded');
});

test('a wrong credential at a path without the method is a guess like any other, and told nothing', async () => {
  const { enforcement } = revision('a', true);
  const route = {
    ...enforcement,
    route: (asked: { method: string }) =>
      asked.method === 'POST' ? enforcement.route(asked as never) : null,
  };
  let guesses = 0;
  const failed = () => {
    guesses += 1;
  };
  const given = (status: number, code: string) => () => {
    throw new Refusal(status, code, 'no');
  };
  const asked = (authenticate?: () => Identity) =>
    gate({ enforcement: () => route, failed, ...(authenticate && { authenticate }) }).ask();
  assert.equal(await asked(given(401, 'credentials-invalid')), '404 no-such-operation');
  assert.equal(guesses, 1);
  assert.equal(await asked(given(401, 'credentials-missing')), '404 no-such-operation');
  assert.equal(await asked(given(503, 'issuer-unavailable')), '404 no-such-operation');
  assert.equal(guesses, 1);
  assert.equal(await asked(), '405 method-not-allowed');
});

test('a denial brought by a merge about networks is told as one', async () => {
  const before = revision('a', true);
  const after = revision('b', true, { office: false });
  const enforcement = { ...after.enforcement, previous: before.enforcement };
  const { ask, records } = gate({ enforcement: () => enforcement });
  assert.equal(await ask(), '403 no-grant');
  assert.deepEqual(records[0]?.regressed, { revision: 'a', grants: ['orders-read'] });
  assert.deepEqual(before.asked, [['office']]);
});

test('a grant named like its API has an allowance of its own', async () => {
  const { enforcement } = revision('a', true, { grant: 'orders', rate: '2/min' });
  const { ask } = gate({ enforcement: () => enforcement });
  assert.deepEqual([await ask(), await ask(), await ask()], ['admitted', 'admitted', '429 rate-exceeded']);
});

test('requests that arrive in one turn are recorded in it, before anything is written', async () => {
  const { enforcement } = revision('a', true, { rate: '5/min' });
  const { ask, records } = gate({ enforcement: () => enforcement });
  const asked = [ask(), ask(), ask()];
  let seen = 0;
  setImmediate(() => {
    seen = records.length;
  });
  assert.deepEqual(await Promise.all(asked), ['admitted', 'admitted', '429 rate-exceeded']);
  assert.equal(seen, 3);
});

test('a wrong credential is counted before the next request behind it arrives', () => {
  const { enforcement } = revision('a', true);
  const order: string[] = [];
  const { ask } = gate({
    enforcement: () => enforcement,
    arrive: () => order.push('arrived'),
    failed: () => order.push('failed'),
    authenticate: () => {
      throw new Refusal(401, 'credentials-invalid', 'The credentials are not valid here.');
    },
  });
  void ask();
  void ask();
  assert.deepEqual(order, ['arrived', 'failed', 'arrived', 'failed']);
});

test('a door that fails turns its own caller away and nobody else', async () => {
  const { enforcement } = revision('a', true);
  const { ask, failures } = gate({ enforcement: () => enforcement });
  const broken = ask(() => {
    throw new Error('no door');
  });
  const fine = ask();
  assert.deepEqual([await broken, await fine], ['500 internal-error', 'admitted']);
  assert.equal(failures.length, 1);
});

test('a request that begins anew with the next revision is counted once, by address and by rate', async () => {
  const [a, b, c] = [revision('a', true), revision('b', true), revision('c', true)];
  let current = a.enforcement;
  const counted = { address: 0, rate: 0 };
  const { ask, records } = gate({
    enforcement: () => current,
    arrive: () => {
      counted.address += 1;
    },
    authenticate: async () => {
      if (current === a.enforcement) current = b.enforcement;
      return identity;
    },
    limit: async () => {
      counted.rate += 1;
      if (current === b.enforcement) current = c.enforcement;
      return -1;
    },
  });
  assert.equal(await ask(), 'admitted');
  assert.deepEqual(counted, { address: 1, rate: 1 });
  assert.deepEqual(
    records.map(({ bundles }) => bundles.grantgate.revision),
    ['c'],
  );
  // The next request is another one.
  assert.equal(await ask(), 'admitted');
  assert.deepEqual(counted, { address: 2, rate: 2 });
});

test('what the next revision denies stays out, though the request was within its rates', async () => {
  const [before, after] = [revision('a', true), revision('b', false)];
  let current = before.enforcement;
  const { ask } = gate({
    enforcement: () => current,
    limit: async () => {
      current = after.enforcement;
      return -1;
    },
  });
  assert.equal(await ask(), '403 no-grant');
});
