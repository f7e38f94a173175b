import * as assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from '../../../bundle/archive/bundle.ts';
import type { LoaderMessage } from '../../../gateway/load/loaderMessage.ts';
import { type LoadLoop, type LoadLoopOptions, startLoadLoop } from '../../../gateway/load/loadLoop.ts';
import type { PostedSnapshot } from '../../../gateway/revision/snapshot.ts';
import { type Found, type Source, SourceError } from '../../../gateway/source/contract/source.ts';
import { suite } from '../../_suite.ts';

const test = suite('loadLoop');

type Next = Parameters<Source['next']>[0];
type Step = (options: Next) => Promise<Found | null>;

const bundleOf = (counter: number, grants = 1) =>
  ({ revision: `r${counter}`, counter, grants, digest: `d${counter}` }) as Bundle;
const found = (counter: number, grants?: number, settled: (Error | null)[] = []): Found => ({
  bundle: bundleOf(counter, grants),
  archive: null,
  notes: [],
  acknowledge: (refusal) => settled.push(refusal),
});

let loop: LoadLoop | null = null;
test.after.each(() => loop?.close());

/** A loop over a source that takes these steps, then says "unchanged" for ever. Accepts what is posted, unless told. */
function start(steps: Step[], more: Partial<LoadLoopOptions> & { verdict?: (seq: number) => void } = {}) {
  const posted: LoaderMessage[] = [];
  const asked: { at: number; options: Next }[] = [];
  const kept: string[] = [];
  const state = { waiting: false, eager: false, onChange: () => {}, busy: 0 };
  const source: Source = {
    kind: 'https',
    name: 'https://bundles.example/bundle.tar.gz',
    get eager() {
      return state.eager;
    },
    get waiting() {
      return state.waiting;
    },
    async next(options) {
      state.busy += 1;
      assert.equal(state.busy, 1, 'one look at a time');
      asked.push({ at: performance.now(), options });
      try {
        return (await steps.shift()?.(options)) ?? null;
      } finally {
        state.busy -= 1;
      }
    },
    watch(onChange) {
      state.onChange = onChange;
      return () => {};
    },
    close: async () => {},
  };
  const started = startLoadLoop({
    source,
    prepare: ({ revision, counter, digest, grants }) =>
      ({
        revision,
        counter,
        digest,
        grants,
        policy: 'p',
        lines: { data: new SharedArrayBuffer(1) },
      }) as PostedSnapshot,
    removed: (before, after) => before.grants - after.grants,
    holdShare: 0.25,
    confirm: async () => {},
    lastGood: async () => null,
    keep: async ({ found: { bundle } }) => {
      kept.push(bundle.revision);
    },
    floor: null,
    pollMs: 600_000,
    post(message) {
      posted.push(message);
      if (message.kind === 'loaded')
        queueMicrotask(() => (more.verdict ?? ((seq) => started.verdict(seq, null)))(message.seq));
    },
    random: () => 0.5,
    ...more,
  });
  loop = started;
  const done = () => posted.filter((message) => message.kind === 'done');
  const until = async (count: number) => {
    for (let i = 0; i < 400 && done().length < count; i += 1) await sleep(10);
    assert.ok(done().length >= count, `${done().length} of ${count} looks ended`);
  };
  return { loop: started, posted, asked, kept, state, done, until };
}

test('answers all that was asked during a look with one more look', async () => {
  const hold = Promise.withResolvers<null>();
  const { loop, done, until, asked } = start([() => hold.promise, async () => found(1)]);
  await sleep(10);
  for (const id of [1, 2, 3]) loop.look(id, false);
  await sleep(20);
  assert.equal(asked.length, 1);
  hold.resolve(null);
  await until(2);
  assert.deepEqual(
    done().map(({ waiters, outcome }) => ({ waiters, outcome })),
    [
      { waiters: [], outcome: 'unchanged' },
      { waiters: [1, 2, 3], outcome: 'changed' },
    ],
  );
  assert.equal(asked[1]?.options.wait, false, 'someone waits for the answer');
});

test('gives up a held request for who asks, but not one that is being answered', async () => {
  const aborted: boolean[] = [];
  const held: Step = ({ signal }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted.push(true);
        reject(new SourceError('aborted', 'stopped'));
      });
      setTimeout(resolve, 300, null);
    });
  const first = start([held, held]);
  first.state.waiting = true;
  await sleep(20);
  first.loop.look(1, false);
  first.state.waiting = false;
  await first.until(1);
  assert.deepEqual(aborted, [true]);
  assert.deepEqual(first.done()[0]?.waiters, [1]);
  await first.loop.close();

  const second = start([held]);
  await sleep(20);
  second.loop.look(1, false);
  await second.until(2);
  assert.equal(aborted.length, 1);
});

test('asks again soon after a failure, ever later, and not before a busy server wishes', async () => {
  const fail = (retryAfterMs: number | null) => async () => {
    throw new SourceError('source-unreachable', 'down', { retryAfterMs });
  };
  const { until, asked, done } = start([fail(null), fail(1300), async () => found(1)]);
  await until(3);
  const gaps = asked.slice(1).map(({ at }, i) => at - (asked[i]?.at ?? 0));
  assert.ok((gaps[0] ?? 0) >= 900 && (gaps[0] ?? 0) < 1250, `${gaps}`);
  assert.ok((gaps[1] ?? 0) >= 1290, `${gaps}`);
  assert.deepEqual(
    done().map(({ outcome, error }) => error?.code ?? outcome),
    ['source-unreachable', 'source-unreachable', 'changed'],
  );
});

test('asks an eager source again at once, and looks when a source says that it changed', async () => {
  const { state, until, asked, loop } = start([
    async () => {
      state.eager = true;
      return found(1);
    },
    async () => {
      state.eager = false;
      return found(2);
    },
  ]);
  await until(2);
  await sleep(30);
  assert.equal(asked.length, 2);
  state.onChange();
  await until(3);
  assert.ok(loop);
});

test('measures each bundle against the one in force', async () => {
  const settled: (Error | null)[] = [];
  const { loop, posted, done, until, kept } = start([
    async () => found(5, 100, settled),
    async () => found(4, 100, settled),
    async () => found(6, 9, settled),
    async () => found(6, 9, settled),
    async () => found(6, 9, settled),
  ]);
  for (const [id, force] of [
    [1, false],
    [2, false],
    [3, true],
    [4, false],
  ] as const) {
    await until(id);
    loop.look(id, force);
  }
  await until(5);
  assert.deepEqual(
    done().map(({ outcome, error }) => error?.code ?? outcome),
    ['changed', 'counter-rollback', 'grants-held', 'changed', 'unchanged'],
  );
  assert.equal(posted.filter(({ kind }) => kind === 'loaded').length, 2);
  assert.deepEqual(
    settled.map((refusal) => refusal === null),
    [true, false, false, true, true],
  );
  await sleep(10);
  assert.deepEqual(kept, ['r5', 'r6']);
});

test('takes what was held when a later release says the same, and only then', async () => {
  const again = (counter: number, digest: string, grants = 60): Found => {
    const one = found(counter, grants);
    return { ...one, bundle: { ...one.bundle, digest } };
  };
  const steps = [
    again(1, 'a', 100),
    again(2, 'b'),
    again(2, 'b'),
    again(3, 'c'),
    again(4, 'b'),
    again(5, 'b'),
  ];
  const { loop, posted, done, until } = start(steps.map((step) => async () => step));
  for (let id = 1; id < steps.length; id += 1) {
    await until(id);
    loop.look(id, false);
  }
  await until(steps.length);
  assert.deepEqual(
    done().map(({ outcome, error }) => error?.code ?? outcome),
    ['changed', 'grants-held', 'grants-held', 'grants-held', 'grants-held', 'changed'],
  );
  assert.deepEqual(
    posted.filter((message) => message.kind === 'loaded').map(({ assured }) => assured),
    [false, true],
  );
});

test('takes at its second release what the serving thread held, and is then not asked again', async () => {
  const settled: (Error | null)[] = [];
  const one = (counter: number): Found => {
    const next = found(counter, 1, settled);
    return { ...next, bundle: { ...next.bundle, digest: 'same' } };
  };
  const refusal = { code: 'grants-held', message: 'would deny 9 of 20', problems: [] };
  const started = start([async () => found(1), async () => one(2), async () => one(3)], {
    verdict: (seq) => started.loop.verdict(seq, seq === 2 ? refusal : null),
  });
  for (const id of [1, 2]) {
    await started.until(id);
    started.loop.look(id, false);
  }
  await started.until(3);
  const loaded = started.posted.filter((message) => message.kind === 'loaded');
  assert.deepEqual(
    loaded.map(({ assured }) => assured),
    [false, false, true],
  );
  assert.deepEqual(
    settled.map((error) => error === null),
    [false, true],
  );
});

test('starts with the kept bundle, and takes no older one from the source', async () => {
  const { posted, until, done, kept } = start([async () => found(3)], {
    lastGood: async () => ({ bundle: bundleOf(4), confirmedMsAgo: 7 }),
  });
  await until(1);
  assert.deepEqual(
    posted.filter((message) => message.kind === 'loaded').map(({ origin }) => origin),
    ['last-good'],
  );
  assert.equal(done()[0]?.error?.code, 'counter-rollback');
  assert.match(done()[0]?.error?.message ?? '', / older than .* in force: to go back, /);
  assert.deepEqual(kept, []);
});

test('goes on without a kept bundle that cannot be used, and when nothing can be kept', async () => {
  const { posted, until } = start([async () => found(3)], {
    lastGood: async () => {
      throw new Error('damaged');
    },
    keep: async () => {
      throw new Error('disk full');
    },
  });
  await until(1);
  await sleep(10);
  assert.deepEqual(
    posted.filter((message) => message.kind === 'note').map(({ code }) => code),
    ['last-good-unusable'],
  );
  assert.deepEqual(
    posted.filter((message) => message.kind === 'kept').map(({ error }) => error?.message),
    ['disk full'],
  );
});

test('does not count a bundle that the serving thread refused, nor a verdict on another', async () => {
  const settled: (Error | null)[] = [];
  const started = start([async () => found(1, 1, settled), async () => found(1, 1, settled)], {
    verdict: (seq) => {
      started.loop.verdict(seq + 1, null);
      started.loop.verdict(seq, { code: 'swap-failed', message: 'two equal routes', problems: [] });
    },
  });
  await started.until(1);
  assert.equal(started.done()[0]?.error?.code, 'swap-failed');
  assert.equal((settled[0] as { code?: string } | null)?.code, 'swap-failed');
  started.loop.look(1, true);
  await started.until(2);
  assert.equal(started.done()[1]?.error?.code, 'swap-failed');
});

test('ends while a look is under way, and while it waits for a verdict', async () => {
  const forever: Step = ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new SourceError('aborted', 'stopped')));
    });
  const looking = start([forever]);
  await sleep(10);
  await looking.loop.close();
  const judging = start([async () => found(1)], { verdict: () => {} });
  await sleep(10);
  await judging.loop.close();
  assert.deepEqual(judging.kept, []);
});
